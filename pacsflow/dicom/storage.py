"""Our storage SCP: takes what a C-MOVE sends and hands it to the lane that asked (PS3.4 B, C.4.2)."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING
from zlib import MAX_WBITS, decompressobj

from pydicom.filereader import read_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from pacsflow.dicom.contract import BrokenError, Received, Sink
from pacsflow.dicom.status import OUT_OF_RESOURCES

if TYPE_CHECKING:
    from pacsflow.dicom.channel import Incoming

LOG = logging.getLogger(__name__)
NOT_AUTHORIZED = 0x0124
_STUDY_INSTANCE_UID = 0x0020000D
_HEAD = 1 << 16


@dataclass
class Waiting:
    """A lane that waits for what its C-MOVE sends. `connected`: whether anybody is, who could send something."""

    calling_aet: str
    study_uid: str
    sink: Sink
    connected: Callable[[], bool] = lambda: True
    message_id: int = 0
    received: int = 0
    last: float = field(default_factory=time.monotonic)
    error: BaseException | None = None
    gone: bool = False
    _abort: Callable[[], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, incoming: "Incoming") -> int:
        """The status of the sink; an error of the sink is kept for the lane, which then ends its C-MOVE.

        Raises BrokenError where the association did not bring the instance whole: that is no error of the sink's.
        """
        with self._lock:
            self._abort = incoming.abort if incoming.received.rest is not None else None
            if self.gone:  # looked at last, as `give_up` says it first
                return NOT_AUTHORIZED
            try:
                status = self.sink(self._watched(incoming.received))
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

    def _watched(self, received: Received) -> Received:
        """The instance, each piece of its rest noted as a sign of life."""
        return received if received.rest is None else replace(received, rest=self._alive(received.rest))

    def _alive(self, rest: Iterator[memoryview]) -> Iterator[memoryview]:
        for piece in rest:
            self.last = time.monotonic()
            yield piece

    def give_up(self) -> None:
        """Nobody waits any more: the sink is not called again, and has ended when this returns."""
        self.gone = True
        if abort := self._abort:
            abort()
        with self._lock:
            pass


class Desk:
    """Who waits for what at one storage SCP."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._lock = threading.Lock()
        self._unclaimed = count(1)

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
        """The status of the C-STORE response; what nobody waits for is refused and counted, not kept."""
        with self._lock:
            waiting = self._originator(incoming) or self._of_study(incoming.received)
        if waiting is not None:
            return waiting.take(incoming)
        LOG.warning("refused an instance that nobody waits for (%d so far)", next(self._unclaimed))
        return NOT_AUTHORIZED

    def _originator(self, incoming: "Incoming") -> Waiting | None:
        named = (incoming.originator, incoming.originator_message_id)
        return next((one for one in self._waiting if (one.calling_aet, one.message_id) == named), None)

    def _of_study(self, received: Received) -> Waiting | None:
        if not self._waiting:
            return None
        study = study_uid(received)
        if study is None and len(self._waiting) == 1:
            return self._waiting[0]
        return next((one for one in self._waiting if one.study_uid == study), None)


def study_uid(received: Received) -> str | None:
    """Study Instance UID of an encoded dataset; None where its beginning does not tell."""
    head = bytes(received.dataset[:_HEAD])
    syntax = UID(received.transfer_syntax_uid)
    try:
        if syntax == DeflatedExplicitVRLittleEndian:
            head = decompressobj(-MAX_WBITS).decompress(head)
        dataset = read_dataset(
            BytesIO(head),
            syntax.is_implicit_VR,
            syntax.is_little_endian,
            stop_when=lambda tag, _vr, _length: tag > _STUDY_INSTANCE_UID,
            specific_tags=[_STUDY_INSTANCE_UID],
        )
        return str(dataset.StudyInstanceUID)
    except Exception:  # noqa: BLE001 - a dataset that cannot be read tells nothing, and nothing of it may be told
        return None
