"""The classical protocol: one association per lane for queries and retrievals, open over many requests."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from pydicom import Dataset

from pacsflow.dicom import query, receiver, retrieve, ways
from pacsflow.dicom.association import CrowdedError, associate
from pacsflow.dicom.channel import Channel
from pacsflow.dicom.classes import discover
from pacsflow.dicom.contexts import PATIENT_ROOT, STUDY_ROOT, batches, storage_classes
from pacsflow.dicom.contract import Lane, Level, Outcome, Received, Request, Sink
from pacsflow.dicom.status import DESTINATION, NEVER, SUCCESS
from pacsflow.dicom.ways import Way
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from schemas.pacs import PacsNode

_FEW_CLASSES = 8
"""Storage classes that an association opened anew takes over from the one before."""

_NO_GET = "node {} accepts C-GET, but sent no image by it; by C-MOVE they came, and C-MOVE is used from now on"

_MOMENTS = (0.05, 0.2, 1.0)
"""Seconds waited for a node to forget the association we released."""


def open_lane(node: PacsNode) -> Lane:
    """A lane to `node`; the association is opened by the first request."""
    return DimseLane(node)


class DimseLane:
    """A lane over DIMSE (PS3.7). The node sees one association at a time from it."""

    def __init__(self, node: PacsNode) -> None:
        self._node = node
        self._channel: Channel | None = None
        self._used = 0.0
        self._busy = False
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
            if self._undecided():
                return self._get_or_move(request, _Counted(sink), groups)
            return self._get(request, sink, groups)

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
        """Whether C-GET is the way: what pacs.yaml says, else what the node accepts."""
        fetch = self._node.fetch
        if fetch.method != "auto":
            return self._by_method()
        if fetch.move_to is not None and (way := ways.learnt(self._node)):
            return way.method == "c-get"
        channel = self._open()
        if any(channel.context(model.get) for model in (STUDY_ROOT, PATIENT_ROOT)):
            return True
        if fetch.move_to is None:
            raise PacsPermanentError(
                f"node {self._node.name} does not accept C-GET, and there is nowhere to C-MOVE to",
                remedy="set `fetch.move_to` in pacs.yaml to an AE title and port of this computer, and ask the PACS "
                "administrator to declare them as a C-MOVE destination",
            )
        return False

    def _by_method(self) -> bool:
        fetch = self._node.fetch
        if fetch.method not in ("c-get", "c-move"):
            raise PacsPermanentError(f"{fetch.method} is not a way of DIMSE", remedy="set `fetch.method` to auto")
        if fetch.method == "c-move" and fetch.move_to is None:
            raise PacsPermanentError("C-MOVE needs a destination", remedy="set `fetch.move_to` in pacs.yaml")
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
            way = ways.learnt(self._node)
            return way is not None and way.unannounced
        if any(channel.context(uid) for uid in classes):
            return True
        raise PacsPermanentError(
            f"node {self._node.name} accepts C-GET, but not to send us images of these classes by it",
            remedy="set `fetch.move_to` in pacs.yaml for C-MOVE, or ask the PACS administrator to permit C-GET with "
            "SCP role selection",
        )

    def _undecided(self) -> bool:
        """Whether C-MOVE to us may be tried where C-GET brings nothing: neither has brought an image yet."""
        fetch = self._node.fetch
        ours = fetch.move_to is not None and fetch.move_to.ours
        return fetch.method == "auto" and ours and ways.learnt(self._node) is None

    def _get_or_move(self, request: Request, sink: "_Counted", groups: list[frozenset[str]]) -> Outcome:
        """C-GET; where not one image comes, C-MOVE. Which of them brought images is how it is done from then on."""
        ended = _attempt(lambda: self._get(request, sink, groups))
        if sink.received:
            ways.learn(self._node, Way("c-get"))
        else:
            moved = _attempt(lambda: self._move(request, sink))
            if sink.received:
                ways.learn(self._node, Way("c-move", _NO_GET.format(self._node.name)))
                ended = moved
        if isinstance(ended, PacsError):
            raise ended
        return ended

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
        channel = self._open()
        if not move_to.ours:
            return retrieve.retrieve(request, retrieve.move(channel, move_to.aet, node=self._node, waiting=None))
        if self._receiver is None:
            self._receiver = receiver.acquire(self._node, move_to)
        ours = self._receiver  # closing from another thread takes it away
        with receiver.waiting(ours, self._node, study_uid=request.study_uid, sink=sink) as place:
            once = retrieve.move(channel, move_to.aet, node=self._node, waiting=place)
            before = ours.connections
            ended = _attempt(lambda: retrieve.retrieve(request, once))
            reached = ours.connections > before or ours.connected()
        ended = ended if reached else _unreached(ended, move_to.port or 0)
        if isinstance(ended, PacsError):
            raise ended
        return ended


class _Counted:
    """A sink, and how many instances came into it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.received = 0

    def __call__(self, received: Received) -> int:
        self.received += 1
        return self._sink(received)


def _attempt(retrieval: Callable[[], Outcome]) -> Outcome | PacsError:
    try:
        return retrieval()
    except PacsError as error:
        return error


def _unreached(ended: Outcome | PacsError, port: int) -> Outcome | PacsError:
    """How a C-MOVE ended during which nobody connected to our `port`: said where it failed."""
    if isinstance(ended, Outcome):
        return replace(ended, unreached=port) if ended.failed and not ended.completed + ended.warning else ended
    if ended.status is None or not ended.transient:
        return ended
    return PacsTransientError(f"{ended}, and {NEVER} {port}", remedy=DESTINATION, status=ended.status)


def _whole(outcome: Outcome) -> bool:
    """Whether the node says that it sent something and kept nothing back."""
    return outcome.status == SUCCESS and outcome.completed > 0 and not outcome.failed


def _over_groups(outcomes: list[Outcome]) -> Outcome:
    """One outcome of several passes over the same instances: each gives those of its own storage classes."""
    total = retrieve.merge(outcomes)
    sent = total.completed + total.warning
    announced = max(one.completed + one.failed + one.warning for one in outcomes)
    failed = max(0, announced - sent)
    status = total.status if failed else 0
    return Outcome(status, total.completed, failed, total.warning, total.requests)
