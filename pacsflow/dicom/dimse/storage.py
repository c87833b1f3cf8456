"""Our storage SCP: takes what a C-MOVE sends and hands it to the lane that asked (PS3.4 B, C.4.2)."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING
from zlib import MAX_WBITS, decompressobj

from pydicom.filereader import read_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from pacsflow.dicom.budget import Budget, EndlessError
from pacsflow.dicom.contract import Received, Sink
from pacsflow.dicom.status import OUT_OF_RESOURCES
from pacsflow.errors import BrokenError
from schemas.pacs import Timeouts

if TYPE_CHECKING:
    from pacsflow.dicom.dimse.channel import Incoming

LOG = logging.getLogger(__name__)
NOT_AUTHORIZED = 0x0124
_STUDY_INSTANCE_UID = 0x0020000D
_HEAD = 1 << 16
_TURN = 10.0
"""Seconds that an instance waits for another one of the same C-MOVE, before it is looked at how that one comes."""
_LEAST = 1000
"""Bytes per second with which a large instance comes at least, while others wait for it."""


@dataclass
class Waiting:
    """A lane that waits for what its C-MOVE sends. `connected`: whether an association is open.

    `touched`: when bytes of an instance last came, for any lane.
    """

    calling_aet: str
    study_uid: str
    sink: Sink
    connected: Callable[[], bool] = lambda: True
    touched: Callable[[], float] = lambda: 0.0
    message_id: int = 0
    received: int = 0
    last: float = field(default_factory=time.monotonic)
    error: BaseException | None = None
    gone: bool = False
    budget: Budget = field(default_factory=lambda: Budget(Timeouts(), lasting=True))
    cut: EndlessError | None = None
    _abort: Callable[[], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _passed: int = 0

    def take(self, incoming: "Incoming") -> int:
        """The status of the sink; an error of the sink is kept for the lane, which then ends its C-MOVE.

        Raises BrokenError where the association did not bring the instance whole: that is not an error of the sink's.
        """
        with self._in_turn():
            self._abort = incoming.abort if incoming.received.rest is not None else None
            if self.gone:  # looked at last, as `give_up` says it first
                return NOT_AUTHORIZED
            try:
                status = self._sunk(incoming.received)
            except EndlessError as error:
                self.error = error
                raise
            except BrokenError:
                raise
            except BaseException as error:  # noqa: BLE001 - raised again by the lane's own thread
                self.error = error
                status = OUT_OF_RESOURCES
            finally:
                self._abort = None
            self.received += 1
            self.last = time.monotonic()
        return status

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """One instance at a time. A large one that is being read, and hardly comes, does not hold the others back."""
        while not self._lock.acquire(timeout=_TURN):
            before, passed = self._abort, self._passed
            if not self._lock.acquire(timeout=_TURN):
                if before is not None and before is self._abort and self._passed - passed < _TURN * _LEAST:
                    before()
                continue
            break
        try:
            yield
        finally:
            self._lock.release()

    def _sunk(self, received: Received) -> int:
        new = self.budget.instance(received.sop_instance_uid)
        if received.rest is not None:
            return self.sink(replace(received, rest=self._alive(received.rest, new=new)))
        with self.budget.ours():
            return self.sink(received)

    def _alive(self, rest: Iterator[memoryview], *, new: bool) -> Iterator[memoryview]:
        """The pieces, each noted as a sign of life."""
        for piece in rest:
            self.last = time.monotonic()
            self._passed += len(piece)
            if new:
                self.budget.goes_on()
            with self.budget.ours():
                yield piece

    def give_up(self) -> None:
        """The retrieval is over: the sink is not called again, and has ended when this returns."""
        self.gone = True
        if abort := self._abort:
            abort()
        with self._lock:
            pass


class Desk:
    """Which lane waits for which instances at one storage SCP."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._lock = threading.Lock()
        self._unclaimed = count(1)
        self._touched = 0.0

    def enter(self, waiting: Waiting) -> None:
        """From now on instances may come for `waiting`."""
        with self._lock:
            self._waiting.append(waiting)

    def leave(self, waiting: Waiting) -> None:
        """`waiting` takes no more instances; one that is still on its way is broken off."""
        with self._lock:
            self._waiting.remove(waiting)
        waiting.give_up()

    def deliver(self, incoming: "Incoming") -> int:
        """The status of the C-STORE response; an instance that no retrieval waits for is refused and counted.

        An instance that does not name its study is given to no lane, except one that came whole and names its C-MOVE:
        that lane refuses it with a reason.
        """
        study = study_uid(incoming.received)
        with self._lock:
            waiting = self._originator(incoming)
            if study is None:
                waiting = waiting if incoming.received.rest is None else None
            else:
                waiting = waiting or self._of_study(study)
        if waiting is not None:
            return waiting.take(incoming)
        LOG.warning("refused an instance that no retrieval waits for (%d so far)", next(self._unclaimed))
        return NOT_AUTHORIZED

    def touch(self, uid: str, originator: str, message_id: int) -> None:
        """Bytes of an instance come now, for the C-MOVE it names; where it names none that waits, for any of them."""
        self._touched = time.monotonic()
        with self._lock:
            named = [one for one in self._waiting if (one.calling_aet, one.message_id) == (originator, message_id)]
            for one in named or self._waiting:
                one.budget.comes(uid)

    def touched(self) -> float:
        """When bytes of an instance last came."""
        return self._touched

    def ended(self, error: EndlessError) -> None:
        """An association was ended by us; nobody knows for whom its instance was, so all are told."""
        with self._lock:
            for one in self._waiting:
                one.cut = error

    def _originator(self, incoming: "Incoming") -> Waiting | None:
        named = (incoming.originator, incoming.originator_message_id)
        return next((one for one in self._waiting if (one.calling_aet, one.message_id) == named), None)

    def _of_study(self, study: str) -> Waiting | None:
        return next((one for one in self._waiting if one.study_uid == study), None)


def study_uid(received: Received) -> str | None:
    """Study Instance UID of an encoded dataset; None where its beginning does not hold it."""
    head = bytes(received.dataset[:_HEAD])
    syntax = UID(received.transfer_syntax_uid)
    try:
        if syntax == DeflatedExplicitVRLittleEndian:
            head = decompressobj(-MAX_WBITS).decompress(head, _HEAD)
        dataset = read_dataset(
            BytesIO(head),
            syntax.is_implicit_VR,
            syntax.is_little_endian,
            stop_when=lambda tag, _vr, _length: tag > _STUDY_INSTANCE_UID,
            specific_tags=[_STUDY_INSTANCE_UID],
        )
        return str(dataset.StudyInstanceUID)
    except Exception:  # noqa: BLE001 - nothing of a dataset that cannot be read may be repeated
        return None
