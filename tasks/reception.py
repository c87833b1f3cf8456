"""What happens to an instance that arrives: is it one of ours, de-identify, verify, to disk."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Self

from pydicom.uid import UID

from pacsflow.deid.contract import Cleaned, Source
from pacsflow.dicom.contract import BrokenError, Received
from pacsflow.errors import PacsflowError, PacsTransientError, RefusalError
from pacsflow.ledger import studies
from pacsflow.ledger.studies import LEASE_SECONDS, Instance, Study
from pacsflow.staging import Stager, sha256
from pacsflow.vault import Link
from tasks.backlog import Backlog
from tasks.session import Session

SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700
"""DIMSE statuses of C-STORE responses, PS3.4 B.2.3. What is refused on purpose is answered with success: some
nodes stop a retrieval at the first failed C-STORE."""
SPOILT = "malformed"
"""Beginning of refusals that may be the transport's fault: such an instance is asked for once more."""
WAITING_BYTES = 4 << 20
"""Of instances that came and are not written yet, in each lane: some slices, or many small images."""
TWICE = "came again with other content, the first is kept"


def disk_refused(error: OSError) -> PacsTransientError:
    """The fault of a retrieval whose files the disk does not take."""
    return PacsTransientError(f"the disk refused a file: {error.strerror}", remedy="make room, then run again")


class StrangerError(RefusalError):
    """An instance that is none of those asked for."""


class Reception:
    """The sink of one study's retrieval: a callable for the contract of the dicom room.

    `strangers`: reason -> number of instances refused that were not asked for.
    """

    def __init__(self, run: Session, study: Study, stager: Stager[Instance]) -> None:
        self._run, self._study, self._stager = run, study, stager
        self._series = {run.cleaner.uid(s.uid): s.key for s in study.wanted}
        known = studies.instances(run.ledger, study.key)
        self._known = {i.uid: i for i in known}
        self._remarks: dict[str, Instance] = {}
        self._lock = threading.Lock()
        self._fault: PacsflowError | None = None
        self._renewed = time.monotonic()
        self._backlog = Backlog(WAITING_BYTES)
        self.strangers: Counter[str] = Counter()
        self.received = self.bytes = 0

    def __call__(self, received: Received) -> int:
        """Take an instance; the status its sender is told.

        A whole one waits for the cleaner and the disk while its sender is told success and the next one comes. It is
        held only once it is on disk: what goes wrong meanwhile leaves it expected and is a fault of the retrieval.
        After a fault, as with a large one, the sender is told how it went.
        """
        with self._lock:
            self.received += 1
            self.bytes += len(received.dataset)
            self._renew()
            if self._fault is None and received.rest is None:
                self._backlog.add(len(received.dataset), partial(self._status, received))
                return SUCCESS
            self._backlog.drain()
            return self._status(received)

    def _status(self, received: Received) -> int:
        try:
            self._take(received)
        except RefusalError as refusal:
            self._refuse(received, refusal)
        except OSError as error:
            self._fault = disk_refused(error)
            return OUT_OF_RESOURCES
        except BrokenError:  # it did not come whole, and stays expected
            raise
        except PacsflowError as error:
            self._fault = error
            return OUT_OF_RESOURCES
        return SUCCESS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """What came whole is cleaned and with the stager, whatever happened."""
        with suppress(*([Exception] if kind else [])):
            self._backlog.close()

    def _counted(self, rest: Iterator[memoryview]) -> Iterator[memoryview]:
        """The pieces of a large instance, which may take longer than a lease."""
        for piece in rest:
            self.bytes += len(piece)
            self._renew()
            yield piece

    def _renew(self) -> None:
        """Keep the study's lease while images still come."""
        if time.monotonic() - self._renewed > LEASE_SECONDS / 4:
            studies.claim(self._run.ledger, self._study.key, self._run.owner)
            self._renewed = time.monotonic()

    def _take(self, received: Received) -> None:
        run, study = self._run, self._study
        known = self._known.get(received.sop_instance_uid)
        if known and known.status == "refused":
            return
        uids = (received.sop_class_uid, received.sop_instance_uid, received.transfer_syntax_uid)
        rest = None if received.rest is None else self._counted(received.rest)
        cleaned = run.cleaner.clean(Source(*uids, received.dataset, rest))
        series = self._belongs(cleaned, received)
        if known and known.status == "held":
            self._compare(known, chain(cleaned.parts, cleaned.rest))
            return
        if run.vault:
            person = cleaned.person
            run.vault.record(Link(person.patient_id, person.issuer, person.pseudonym, person.shift_days))
        path = f"{study.key}/{series}/{cleaned.sop_instance_uid}.dcm"

        def note(size: int, sha256: str) -> Instance:
            uid, sop_class = received.sop_instance_uid, received.sop_class_uid
            self._known[uid] = Instance(series, uid, sop_class, "held", "", path, size, sha256)
            return self._known[uid]

        self._stager.put(run.staging / path, cleaned.parts, note, rest=cleaned.rest)
        self._remarks.pop(received.sop_instance_uid, None)

    def _belongs(self, cleaned: Cleaned, received: Received) -> str:
        """Key of the wanted series the instance is of. Raises StrangerError, RefusalError."""
        study, run = self._study, self._run
        if not cleaned.study_instance_uid:
            raise RefusalError(f"{SPOILT}: it does not tell which study it is of")
        if cleaned.study_instance_uid != run.cleaner.uid(study.uid):
            raise StrangerError("of another study than asked for")
        if study.patient_id and cleaned.person.patient_id.strip() not in ("", study.patient_id.strip()):
            raise StrangerError("of another patient than asked for")
        expected = self._known.get(received.sop_instance_uid)
        series = self._series.get(cleaned.series_instance_uid)
        if series is None or (expected and expected.series_key != series):
            raise StrangerError("of another series than asked for")
        if cleaned.sop_instance_uid != run.cleaner.uid(received.sop_instance_uid):
            raise StrangerError("another instance than its sender called it")
        if not UID(cleaned.sop_instance_uid).is_valid:
            raise RefusalError("SOP Instance UID is not valid")
        return series

    def _compare(self, held: Instance, parts: Iterable[bytes | memoryview]) -> None:
        """Remark on an instance that is held and came again as another one."""
        if sha256(parts) != held.sha256:
            self._remarks[held.uid] = replace(held, reason=TWICE)

    def _refuse(self, received: Received, refusal: RefusalError) -> None:
        """Write an expected instance down as refused; one that came spoilt for the first time stays expected."""
        known = self._known.get(received.sop_instance_uid)
        if known is None or isinstance(refusal, StrangerError):
            self.strangers[refusal.reason] += 1
        elif known.status == "expected":
            again = refusal.reason.startswith(SPOILT) and not known.reason
            spoilt = replace(known, sop_class=received.sop_class_uid, reason=refusal.reason)
            self._remarks[known.uid] = spoilt if again else replace(spoilt, status="refused")

    def remarks(self) -> list[Instance]:
        """What is to be noted, once the stager is closed: refused, spoilt, or held and came again differently."""
        return list(self._remarks.values())

    def raise_fault(self) -> None:
        """Raise what went wrong on our side, if anything did."""
        if self._fault:
            raise self._fault
