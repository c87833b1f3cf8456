"""DIMSE: one association per lane for queries and retrievals, open over many requests."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from pydicom import Dataset

from pacsflow.dicom import retrieve_methods
from pacsflow.dicom.contract import CrowdedError, Lane, Level, Outcome, Received, Request, Sink
from pacsflow.dicom.dimse import admission, query, receiver, retrieve
from pacsflow.dicom.dimse.association import associate
from pacsflow.dicom.dimse.channel import Channel
from pacsflow.dicom.dimse.contexts import PATIENT_ROOT, STUDY_ROOT, batches, private_classes, storage_classes
from pacsflow.dicom.dimse.sop_classes import discover
from pacsflow.dicom.itemized import listed
from pacsflow.dicom.one_by_one import merge
from pacsflow.dicom.retrieve_methods import RetrieveMethod
from pacsflow.dicom.status import DESTINATION, NEVER, OUT_OF_RESOURCES, SUCCESS, told
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from schemas.pacs import PacsNode

LOG = logging.getLogger(__name__)
_FEW_CLASSES = 8
"""Storage classes that an association opened again takes over from the one before."""

_NO_GET = "node {} accepts C-GET, but sent no image by it; by C-MOVE they came, and C-MOVE is used from now on"

_MOMENTS = (0.05, 0.2, 1.0)
"""Seconds waited for a node to forget the association we released."""


def open_lane(node: PacsNode) -> Lane:
    """A lane to `node`; the association is opened by the first request."""
    return DimseLane(node)


def greet(node: PacsNode) -> float:
    """Seconds between a C-ECHO (PS3.4 A) and its response. Raises PacsTransientError, PacsPermanentError."""
    return query.echo(node)


class DimseLane:
    """A lane over DIMSE (PS3.7). The node sees one association at a time from it."""

    def __init__(self, node: PacsNode) -> None:
        self._node = node
        self._channel: Channel | None = None
        self._used = 0.0
        self._busy = False
        self._moves = 0
        self._receiver: receiver.Receiver | None = None

    def find(self, level: Level, keys: Mapping[str, str]) -> list[Dataset]:
        """All answers to a query, or an error."""
        with self._request():
            return self._find(level, keys)

    def fetch(self, request: Request, sink: Sink) -> Outcome:
        """Have the instances of `request` sent into `sink`."""
        with self._request():
            groups = self._groups(request) if self._gets() else []
            if not groups or not self._sent_back(groups[0]):
                return self._move(request, sink)
            counted = _Counted(sink)
            way, before = self._get_or_move if self._undecided() else self._get, self._moves
            ended = _attempt(lambda: way(request, counted, groups))
            if self._moves_too() and self._moves == before:
                ended = self._rest_by_move(request, counted, ended)
            return _outcome_of(ended)

    def close(self) -> None:
        """Release the association, and our storage SCP.

        From another thread while a request is under way: the association is aborted, and the request
        ends with PacsTransientError.
        """
        if self._channel is not None:
            if self._busy:
                self._channel.abort()
            else:
                self._channel.release()
            self._channel = None
        if self._receiver is not None:
            receiver.give_back(self._receiver)
            self._receiver = None

    @contextmanager
    def _request(self) -> Iterator[None]:
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
            self._used = time.monotonic()

    def _find(self, level: Level, keys: Mapping[str, str]) -> list[Dataset]:
        return query.find(self._open(), level, keys, node=self._node)

    def _open(self, classes: frozenset[str] = frozenset()) -> Channel:
        """The association, opened again where it has ended, rested too long, or does not take `classes`."""
        channel = self._channel
        if channel is not None and channel.usable and classes <= channel.proposed and not self._stale():
            return channel
        if channel is None:
            self._channel = associate(self._node, classes)
        else:
            self._channel = None
            channel.release()
            both = classes | channel.proposed
            self._channel = self._reopened(both if len(both) <= _FEW_CLASSES else classes)
        self._used = time.monotonic()
        return self._channel

    def _reopened(self, classes: frozenset[str]) -> Channel:
        """An association right after a released one, which a node at its limit takes a moment to forget."""
        for seconds in _MOMENTS:
            try:
                return associate(self._node, classes)
            except CrowdedError:
                time.sleep(seconds)
        return associate(self._node, classes)

    def _stale(self) -> bool:
        return time.monotonic() - self._used > self._node.timeouts.idle

    def _gets(self) -> bool:
        """Whether C-GET is used: what pacs.yaml says, else what the node accepts."""
        fetch = self._node.fetch
        if fetch.method != "auto":
            return self._by_method()
        if fetch.move_to is not None and (way := retrieve_methods.remembered(self._node)):
            return way.method == "c-get"
        channel = self._open()
        if any(channel.context(model.get) for model in (STUDY_ROOT, PATIENT_ROOT)):
            return True
        if fetch.move_to is None:
            raise PacsPermanentError(
                f"node {self._node.name} does not accept C-GET, and there is nowhere to C-MOVE to",
                fix="set `fetch.move_to` in pacs.yaml to an AE title and port of this computer, and ask the PACS "
                "administrator to declare them as a C-MOVE destination",
            )
        return False

    def _by_method(self) -> bool:
        fetch = self._node.fetch
        if fetch.method not in ("c-get", "c-move"):
            raise PacsPermanentError(f"{fetch.method} is not a way of DIMSE", fix="set `fetch.method` to auto")
        if fetch.method == "c-move" and fetch.move_to is None:
            raise PacsPermanentError("C-MOVE needs a destination", fix="set `fetch.move_to` in pacs.yaml")
        return fetch.method == "c-get"

    def _groups(self, request: Request) -> list[frozenset[str]]:
        """The storage classes to propose, one association's worth after the other."""
        known = request.sop_classes or discover(self._find, request)
        return batches(known or {*storage_classes(), *self._node.sop_classes})

    def _sent_back(self, classes: frozenset[str]) -> bool:
        """Whether the node sends images on the association that asks for them.

        It should say so by SCP role selection (PS3.7 D.3.3.4); some send without saying so, and are
        taken at their context where there is no other way.
        """
        channel = self._open(classes)
        if channel.receivable:
            return True
        if self._node.fetch.method == "auto" and self._node.fetch.move_to is not None:
            way = retrieve_methods.remembered(self._node)
            return way is not None and way.unannounced
        if any(channel.context(uid) for uid in classes):
            return True
        raise PacsPermanentError(
            f"node {self._node.name} accepts C-GET, but not to send us images of these classes by it",
            fix="set `fetch.move_to` in pacs.yaml for C-MOVE, or ask the PACS administrator to permit C-GET with "
            "SCP role selection",
        )

    def _undecided(self) -> bool:
        """Whether C-MOVE to us may be tried where C-GET brings nothing: neither has brought an image yet."""
        fetch = self._node.fetch
        ours = fetch.move_to is not None and fetch.move_to.ours
        return fetch.method == "auto" and ours and retrieve_methods.remembered(self._node) is None

    def _moves_too(self) -> bool:
        """Whether images can come by C-MOVE to us where C-GET is the way."""
        fetch = self._node.fetch
        ours = fetch.move_to is not None and fetch.move_to.ours
        way = retrieve_methods.remembered(self._node)
        return fetch.method == "auto" and ours and (way is None or way.method == "c-get")

    def _rest_by_move(self, request: Request, sink: "_Counted", got: Outcome | PacsError) -> Outcome | PacsError:
        """What C-GET left, by C-MOVE: some nodes send by it what they cannot by C-GET, as compressed images.

        Also where C-GET ended with a status of failure and no counts. Where the association broke there is nothing to
        be asked by. A node that is out of resources for the first C-MOVE is not asked for the others.
        """
        left = got.status is not None if isinstance(got, PacsError) else got.failed > 0
        if not left:
            return got
        listing = _attempt_to(lambda: list(listed(request, self._find))) if sink.uids else [request]
        lacking = [replace(one, sop_uids=tuple(uid for uid in one.sop_uids if uid not in sink.uids)) for one in listing]
        moved: list[Outcome | PacsError] = []
        for one in lacking:
            if (one.sop_uids or not sink.uids) and not (moved and _out_of_resources(moved[-1])):
                moved.append(_attempt(partial(self._move, one, sink)))
        came = [one for one in moved if isinstance(one, Outcome) and one.completed + one.warning]
        if not came:
            return got
        LOG.warning("node %s could not send some images by C-GET; by C-MOVE they came", self._node.name)
        asked = sum(one.requests for one in moved if isinstance(one, Outcome))
        return _together(got, merge(came), requests=asked)

    def _get_or_move(self, request: Request, sink: "_Counted", groups: list[frozenset[str]]) -> Outcome:
        """C-GET; where not one image comes, C-MOVE. Which of them brought images is how it is done from then on.

        A refusal for want of resources says nothing about C-GET: it stands, and nothing is remembered.
        """
        ended = _attempt(lambda: self._get(request, sink, groups))
        if sink.received:
            retrieve_methods.remember(self._node, RetrieveMethod("c-get"))
        elif not (isinstance(ended, PacsError) and _out_of_resources(ended)):
            moved = _attempt(lambda: self._move(request, sink))
            if sink.received:
                retrieve_methods.remember(self._node, RetrieveMethod("c-move", _NO_GET.format(self._node.name)))
                ended = moved
            elif isinstance(moved, _TurnedAwayError):
                ended = moved
        return _outcome_of(ended)

    def _get(self, request: Request, sink: Sink, groups: list[frozenset[str]]) -> Outcome:
        outcomes = []
        for group in groups:
            once = retrieve.get(self._open(group), sink, node=self._node)
            outcomes.append(retrieve.retrieve(request, once))
            if _whole(outcomes[-1]):  # what is missing all the same is asked for again, by UID
                break
        return outcomes[0] if len(outcomes) == 1 else _over_groups(outcomes)

    def _move(self, request: Request, sink: Sink) -> Outcome:
        move_to = self._node.fetch.move_to
        assert move_to is not None  # noqa: S101 - seen to by _gets
        channel, self._moves = self._open(), self._moves + 1
        if not move_to.ours:
            return retrieve.retrieve(request, retrieve.move(channel, move_to.aet, node=self._node, waiting=None))
        if self._receiver is None:
            self._receiver = receiver.acquire(self._node, move_to)
        ours = self._receiver  # closing from another thread takes it away
        ours.admit(self._node, private_classes(request.sop_classes))
        with receiver.waiting(ours, self._node, study_uid=request.study_uid, sink=sink) as place:
            once = retrieve.move(channel, move_to.aet, node=self._node, waiting=place)
            before = ours.connections
            ended = _attempt(lambda: retrieve.retrieve(request, once))
            reached = ours.connections > before or ours.connected()
        if place.cut and not (isinstance(ended, Outcome) and _whole(ended)):
            raise place.cut
        ended = ended if reached else _unreached(ended, move_to.port or 0)
        if (who := ours.admission.refused()) and not (isinstance(ended, Outcome) and _whole(ended)):
            ended = _turned_away(ended, who)
        return _outcome_of(ended)


class _TurnedAwayError(PacsTransientError):
    """Our storage SCP did not let in whoever sent for a C-MOVE."""


class _Counted:
    """A sink, and how many instances came into it, and which."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.received = 0
        self.uids: set[str] = set()

    def __call__(self, received: Received) -> int:
        self.received += 1
        self.uids.add(received.sop_instance_uid)
        return self._sink(received)


def _attempt(retrieval: Callable[[], Outcome]) -> Outcome | PacsError:
    try:
        return retrieval()
    except PacsError as error:
        return error


def _attempt_to(list_: Callable[[], list[Request]]) -> list[Request]:
    try:
        return list_()
    except PacsError:
        return []


def _outcome_of(ended: Outcome | PacsError) -> Outcome:
    """The outcome. Raises it where it is an error."""
    if isinstance(ended, PacsError):
        raise ended
    return ended


def _together(got: Outcome | PacsError, rest: Outcome, *, requests: int) -> Outcome:
    """How a C-GET ended and the C-MOVEs for what it left, as one."""
    if isinstance(got, PacsError):
        return replace(rest, requests=requests + 1)
    failed = max(0, got.failed - rest.completed - rest.warning)
    status, sent = got.status if failed else SUCCESS, got.completed + rest.completed
    return Outcome(status, sent, failed, got.warning + rest.warning, got.requests + requests)


def _out_of_resources(ended: Outcome | PacsError) -> bool:
    """Whether a retrieval ended with 0xA7xx (PS3.4 C.4.2.1.5, C.4.3.1.4), and nothing was sent."""
    sent = isinstance(ended, Outcome) and ended.completed + ended.warning
    return not sent and ended.status is not None and OUT_OF_RESOURCES <= ended.status < OUT_OF_RESOURCES + 0x100


def _unreached(ended: Outcome | PacsError, port: int) -> Outcome | PacsError:
    """How a C-MOVE ended during which the node did not connect to our `port`: noted where it failed."""
    if isinstance(ended, Outcome):
        return replace(ended, unreached=port) if ended.failed and not ended.completed + ended.warning else ended
    if ended.status is None or not ended.transient:
        return ended
    return PacsTransientError(f"{ended}, and {NEVER} {port}", fix=DESTINATION, status=ended.status)


def _turned_away(ended: Outcome | PacsError, who: str) -> "_TurnedAwayError":
    """How a C-MOVE ended during which our storage SCP did not let somebody in: most likely the node by another name."""
    said = str(ended) if isinstance(ended, PacsError) else f"the node ended the C-MOVE with {told(ended.status)}"
    return _TurnedAwayError(f"{said}; our storage SCP turned away {who}", fix=admission.FIX)


def _whole(outcome: Outcome) -> bool:
    """Whether the node says that it sent something and kept nothing back."""
    return outcome.status == SUCCESS and outcome.completed > 0 and not outcome.failed


def _over_groups(outcomes: list[Outcome]) -> Outcome:
    """One outcome of several passes over the same instances: each gives those of its own storage classes."""
    total = merge(outcomes)
    sent = total.completed + total.warning
    announced = max(one.completed + one.failed + one.warning for one in outcomes)
    failed = max(0, announced - sent)
    status = total.status if failed else 0
    return Outcome(status, total.completed, failed, total.warning, total.requests)
