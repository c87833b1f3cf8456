"""What happens to an instance that arrives: is it one of ours, de-identify, verify, to disk."""

import threading

from pydicom.uid import UID

from pacsflow.deid.contract import Cleaned, Source
from pacsflow.dicom.contract import Received
from pacsflow.errors import PacsflowError, PacsTransientError, RefusalError
from pacsflow.ledger import studies
from pacsflow.ledger.studies import Instance, Study
from pacsflow.staging import Stager
from pacsflow.vault import Link
from tasks.session import Session

SUCCESS, OUT_OF_RESOURCES, FAILURE = 0x0000, 0xA700, 0xC000
"""DIMSE statuses of C-STORE responses, PS3.4 B.2.3."""


class Reception:
    """The sink of one study's retrieval: a callable for the contract of the dicom room."""

    def __init__(self, run: Session, study: Study, stager: Stager[Instance]) -> None:
        self._run, self._study, self._stager = run, study, stager
        self._series = {run.cleaner.uid(s.uid): s.key for s in study.series}
        known = studies.instances(run.ledger, study.key)
        self._open = {i.uid: i for i in known if i.status == "expected"}
        self._done = {i.uid for i in known if i.status != "expected"}
        self._lock = threading.Lock()
        self._fault: PacsflowError | None = None
        self.refused: list[Instance] = []
        self.received = self.bytes = 0

    def __call__(self, received: Received) -> int:
        """Take an instance; the status its sender is told."""
        with self._lock:
            self.received += 1
            self.bytes += len(received.dataset)
            if received.sop_instance_uid in self._done:
                return SUCCESS
            try:
                self._take(received)
            except RefusalError as refusal:
                return self._refuse(received, refusal.reason)
            except OSError as error:
                text = f"the disk refused a file: {error.strerror}"
                self._fault = PacsTransientError(text, remedy="make room, then run again")
                return OUT_OF_RESOURCES
            except PacsflowError as error:
                self._fault = error
                return OUT_OF_RESOURCES
            self._done.add(received.sop_instance_uid)
            return SUCCESS

    def _take(self, received: Received) -> None:
        run, study = self._run, self._study
        source = Source(
            received.sop_class_uid, received.sop_instance_uid, received.transfer_syntax_uid, received.dataset
        )
        cleaned = run.cleaner.clean(source)
        series = self._belongs(cleaned, received)
        if run.vault:
            person = cleaned.person
            run.vault.record(Link(person.patient_id, person.issuer, person.pseudonym, person.shift_days))
        path = f"{study.key}/{series}/{cleaned.sop_instance_uid}.dcm"

        def note(size: int, sha256: str) -> Instance:
            uid, sop_class = received.sop_instance_uid, received.sop_class_uid
            return Instance(series, uid, sop_class, "held", "", path, size, sha256)

        self._stager.put(run.staging / path, cleaned.parts, note)

    def _belongs(self, cleaned: Cleaned, received: Received) -> str:
        """Key of the wanted series the instance is of; RefusalError when it is not of this study or patient."""
        study, run = self._study, self._run
        if cleaned.study_instance_uid != run.cleaner.uid(study.uid):
            raise RefusalError("of another study than asked for")
        if study.patient_id and cleaned.person.patient_id.strip() not in ("", study.patient_id.strip()):
            raise RefusalError("of another patient than asked for")
        expected = self._open.get(received.sop_instance_uid)
        series = self._series.get(cleaned.series_instance_uid)
        if series is None or (expected and expected.series_key != series):
            raise RefusalError("of another series than asked for")
        if not UID(cleaned.sop_instance_uid).is_valid:
            raise RefusalError("SOP Instance UID is not valid")
        return series

    def _refuse(self, received: Received, reason: str) -> int:
        """Write an expected instance down as refused; the sender is told that it was taken, or not to repeat it."""
        expected = self._open.get(received.sop_instance_uid)
        if expected is None:
            self._run.tell("strangers")
            return FAILURE
        uid, sop_class = expected.uid, received.sop_class_uid
        self.refused.append(Instance(expected.series_key, uid, sop_class, "refused", reason))
        self._done.add(uid)
        return SUCCESS

    def raise_fault(self) -> None:
        """Raise what went wrong on our side, if anything did."""
        if self._fault:
            raise self._fault
