"""Datasets of selected studies, one after the other: received in a thread, de-identified, verified, given away."""

import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

from pydicom import Dataset, dcmread

from pacsflow.deid.contract import Cleaned, Cleaner, NotWantedError, Source
from pacsflow.dicom.contract import Lane, Received, Request
from pacsflow.errors import (
    BrokenError,
    IncompleteError,
    PacsError,
    PacsflowError,
    PacsflowWarning,
    PacsTransientError,
    RefusalError,
)
from pacsflow.library.listing import ExpectedStudy, expected_of
from pacsflow.library.pipe import AbandonedError, Pipe
from pacsflow.library.selection import SelectedStudy
from pacsflow.library.sources import PacsSource
from pacsflow.run.again import tried_again
from pacsflow.run.unexpected import fault_of
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pacsflow.run.lanes.pool import LanePool

WAITING_BYTES = 64 << 20
"""Of instances that came and nobody took yet; more wait at the node."""
SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700
"""DIMSE statuses of C-STORE responses, PS3.4 B.2.3."""
NOT_THERE = "the node has no such study"


@dataclass
class StreamAccount:
    """What did not come, and why. Nothing in it tells who the patients are."""

    came: int = 0
    missing: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def failure(self) -> IncompleteError | None:
        """The error that tells of all that did not come whole; None where everything did."""
        if not self.reasons:
            return None
        why = "; ".join(f"{reason} ({number})" for reason, number in sorted(self.reasons.items()))
        told = f"{counted(self.came, 'instance')} came, {self.missing} are missing, {self.refused} were refused: {why}"
        fix = "ask again for what is missing; what was refused stays refused"
        numbers = {"missing": self.missing, "refused": self.refused}
        return IncompleteError(told, fix=fix, reasons=dict(self.reasons), **numbers)


class DatasetStream:
    """The retrieval of some studies. `heard` is called with the number of instances that came."""

    def __init__(
        self, source: PacsSource, cleaner: Cleaner, *, raw: bool, heard: Callable[[int], None] = lambda _: None
    ) -> None:
        self.source, self.raw = source, raw
        self._cleaner, self.heard = cleaner, heard
        self._pipe = Pipe(WAITING_BYTES)
        self.lane: Lane | None = None
        """The lane that is used now, for whoever must break it off."""
        self.spoilt: PacsflowError | None = None
        """What went wrong on our side with an instance that came."""
        self._fault: PacsflowError | None = None
        self._slots: dict[str, LanePool] = {}
        self.consumer = 0
        """The thread that takes the datasets."""
        self._answered = False
        self._held = ExitStack()
        self.account = StreamAccount()

    def datasets(self, studies: Sequence[SelectedStudy]) -> Iterator[Dataset]:
        """The datasets, each as it comes; raises IncompleteError at the end where not all came whole.

        Where the consumer stops early, the retrieval is broken off, and nothing is raised.
        """
        worker = threading.Thread(target=self._work, args=(studies,), daemon=True, name="pacsflow datasets")
        self.consumer = threading.get_ident()
        self.source.streams.append(self)
        worker.start()
        try:
            for piece in self._pipe:
                yield dcmread(BytesIO(piece))
        finally:
            self._abandon()
            worker.join()
            self.source.streams.remove(self)
        if self._fault:
            raise self._fault
        if failure := self.account.failure():
            raise failure

    @property
    def abandoned(self) -> bool:
        """Whether nobody wants what comes any more."""
        return self._pipe.abandoned.is_set()

    def waits_at(self, node: str) -> bool:
        """Whether an association to a node is held, and waits until a dataset is taken."""
        return node in self._slots and self._pipe.full

    def _abandon(self) -> None:
        """Nothing more is wanted: what is under way is broken off."""
        self._pipe.abandon()
        if lane := self.lane:
            lane.close()

    @contextmanager
    def lane_to(self, node: str) -> Iterator[Lane]:
        """A lane to a node; the association stays open until the stream ends. Raises PausedError, BusyError."""
        if node not in self._slots:
            self._slots[node] = self._held.enter_context(self.source.slot(node, asker=self.consumer))
        with self._slots[node].borrow() as lane:
            self.lane = lane
            try:
                yield lane
            finally:
                self.lane = None

    def _work(self, studies: Sequence[SelectedStudy]) -> None:
        try:
            with self._held:
                for study in studies:
                    if self._pipe.abandoned.is_set():
                        break
                    self._study(study)
        except BaseException as error:  # noqa: BLE001 it is raised in the consumer's thread
            if not self._pipe.abandoned.is_set():
                with suppress(BaseException):
                    self._fault = fault_of(error, "datasets")
        finally:
            self._pipe.end()

    def _study(self, selection: SelectedStudy) -> None:
        """Fetch a study from the first of the nodes that has it; what fails is put into the account."""
        names = [selection.answer.node] if selection.answer else list(self.source.nodes)
        faults: list[PacsflowError] = []
        for name in names:
            fetching = _StudyFetch(self, selection, name)
            retries = self.source.nodes[name].retries
            try:
                tried_again(fetching.attempt, retries, "datasets", stopped=self._pipe.abandoned)
            except PacsflowError as error:
                faults.append(error)
            else:
                self._answered = True
            if fetching.study is not None:
                self._answered = True
                self._settle(fetching.study, faults)
                return
        if faults and not self._answered:  # who does not answer for the first will not for the others
            raise faults[0]
        if faults:
            self.account.reasons.update(str(error) for error in faults)
        else:
            self.account.reasons[NOT_THERE] += 1

    def _settle(self, study: ExpectedStudy, faults: Sequence[PacsflowError]) -> None:
        """Put what did not come of a study into the account."""
        account, reasons = self.account, self.account.reasons
        account.missing += len(study.missing)
        account.refused += len(study.refused)
        reasons.update(study.refused.values())
        if study.missing:
            reasons["did not come"] += len(study.missing)
            reasons.update(study.strangers)
        if study.missing or (faults and not study.expected):
            reasons.update(str(error) for error in faults)
        if not study.expected and not faults:
            reasons["the node lists no instance"] += 1
        if study.unlisted:
            study.doubts.add(("fewer_images_than_counted", "the node counts more images than it lists and sends"))
        guards = self.source.query.guards
        for guard, why in sorted(study.doubts):
            rule = getattr(guards, guard, "hold")
            if rule == "hold":
                reasons[why] += 1
            elif rule == "warn":
                warnings.warn(why, PacsflowWarning, stacklevel=2)

    def take(self, study: ExpectedStudy, received: Received) -> int:
        """Take an instance of a study; the status its sender is told."""
        uid = received.sop_instance_uid
        if uid in study.came or uid in study.refused:
            return SUCCESS
        try:
            cleaned = self._cleaned(study, received)
            whole = b"".join(map(bytes, (*cleaned.parts, *cleaned.rest)))
            self._pipe.put(whole)
        except NotWantedError as refusal:
            study.strangers[refusal.reason] += 1
        except RefusalError as refusal:
            study.refused[uid] = refusal.reason
        except AbandonedError:  # the request had not begun when the lane was closed
            if lane := self.lane:
                lane.close()
            return OUT_OF_RESOURCES
        except BrokenError:  # it did not come whole, and stays expected
            raise
        except BaseException as error:  # noqa: BLE001 in the thread of an association it would end in silence
            self.spoilt = fault_of(error, "datasets")
            return OUT_OF_RESOURCES
        else:
            study.came.add(uid)
            self.account.came += 1
            self.heard(1)
        return SUCCESS

    def _cleaned(self, study: ExpectedStudy, received: Received) -> Cleaned:
        """The instance, de-identified and verified. Raises NotWantedError where it was not asked for; RefusalError."""
        uids = (received.sop_class_uid, received.sop_instance_uid, received.transfer_syntax_uid)
        patient = "" if self.raw else study.patient_id
        source = Source(*uids, received.dataset, received.rest, patient_id=patient, study_uid=study.uid)
        cleaned = self._cleaner.clean(source)
        known = next((s for s, uids in study.series.items() if received.sop_instance_uid in uids), "")
        series = known or next(iter(study.whole & self._original(study, cleaned)), "")
        if cleaned.study_instance_uid != self._cleaner.uid(study.uid) or not series:
            raise NotWantedError("was not asked for")
        if cleaned.series_instance_uid != self._cleaner.uid(series):
            raise NotWantedError("of another series than asked for")
        if cleaned.sop_instance_uid != self._cleaner.uid(received.sop_instance_uid):
            raise NotWantedError("another instance than its sender called it")
        study.series[series].setdefault(received.sop_instance_uid, received.sop_class_uid)
        self.source.remember(cleaned.person, raw=self.raw)
        return cleaned

    def _original(self, study: ExpectedStudy, cleaned: Cleaned) -> set[str]:
        """The series of the study that a cleaned instance is of, by the UID it had."""
        return {uid for uid in study.series if self._cleaner.uid(uid) == cleaned.series_instance_uid}


class _StudyFetch:
    """Attempts at one study of a node; `study` is None until the node lists it, and where it has no such study."""

    def __init__(self, stream: DatasetStream, selection: SelectedStudy, node: str) -> None:
        self._stream, self._selection, self._node = stream, selection, node
        self.study: ExpectedStudy | None = None

    def attempt(self) -> None:
        """List the study if need be and fetch what is missing. Raises PacsTransientError while something is."""
        with self._stream.lane_to(self._node) as lane:
            self._fetch(lane)

    def _fetch(self, lane: Lane) -> None:
        stream, source = self._stream, self._stream.source
        if self.study is None:
            self.study = expected_of(self._selection, source, lane, self._node)
        study = self.study
        if study is None:
            return
        if nameless := source.nameless(study.patient_id, raw=stream.raw):
            study.refused |= dict.fromkeys(study.missing, nameless)
            return
        failed: PacsError | None = None
        for request in study.requests():
            if stream.abandoned:
                return
            failed = self._ask(lane, study, request) or failed
        source.count(self._node, images=len(study.came))
        if spoilt := stream.spoilt:
            stream.spoilt = None
            raise spoilt
        if study.missing:
            raise failed or PacsTransientError(f"{counted(len(study.missing), 'instance')} did not come")

    def _ask(self, lane: Lane, study: ExpectedStudy, request: Request) -> PacsError | None:
        """Have what is asked for sent; what the node said where it will not, which does not keep back the others.

        Raises PacsError where it did not answer.
        """
        try:
            outcome = lane.fetch(request, lambda received: self._stream.take(study, received))
        except PacsError as error:
            if error.status is None:
                raise
            return error
        self._stream.source.count(self._node, retrievals=outcome.requests)
        return None
