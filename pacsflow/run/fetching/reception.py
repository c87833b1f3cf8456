"""An instance that arrives: compared with what was asked for, de-identified, verified, written to disk."""

import re
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

from pacsflow.deid.contract import Cleaned, NotWantedError, OtherPatientError, Source
from pacsflow.dicom.budget import EndlessError
from pacsflow.dicom.contract import Received
from pacsflow.errors import BrokenError, PacsflowError, PacsTransientError, RefusalError
from pacsflow.ledger import studies
from pacsflow.ledger.studies import LEASE_SECONDS, Instance, Study
from pacsflow.run.fetching.held_faces import HeldFaces, HeldImage
from pacsflow.run.fetching.naming import Naming
from pacsflow.run.fetching.other_patient import DIFFERS, same_patient
from pacsflow.run.fetching.single_instances import NOT_ASKED
from pacsflow.run.fetching.work_queue import WorkQueue
from pacsflow.run.session import Session
from pacsflow.run.unexpected import fault_of
from pacsflow.staging import Stager, sha256
from pacsflow.vault import Link

SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700
"""DIMSE statuses of C-STORE responses, PS3.4 B.2.3. What is refused on purpose is answered with success: some
nodes stop a retrieval at the first failed C-STORE."""
SPOILT = "malformed"
"""Beginning of refusals that may be the transport's fault: such an instance is asked for once more."""
WAITING_BYTES = 4 << 20
"""Of instances that came and are not written yet, in each lane: some slices, or many small images."""
MOST_STRANGERS = 1000
"""Instances that nobody asked for, in one retrieval, before it is ended; twice as many as are known where those are
more: a node may send a whole study for one of its series."""
ODD_UID = "kept although the SOP Instance UID breaks PS3.5 9.1 (a leading zero, or over 64 characters)"
_NAMEABLE = re.compile(r"(?=.{1,128}$)[0-9]+(\.[0-9]+)*")
TWICE = "came again with other content, the first is kept"


def disk_refused(error: OSError) -> PacsTransientError:
    """The fault of a retrieval whose files the disk does not take."""
    return PacsTransientError(f"the disk refused a file: {error.strerror}", fix="make room, then run again")


class StrangerError(RefusalError):
    """An instance that is none of those asked for."""


class Reception:
    """The sink of one study's retrieval: a callable for the contract of the dicom room.

    `strangers`: reason -> number of instances refused that were not asked for.
    """

    def __init__(self, run: Session, study: Study, stager: Stager[Instance]) -> None:
        self._run, self._study, self._stager = run, study, stager
        self._series = {run.cleaner.uid(s.uid): s.key for s in study.wanted}
        self._only = {s.key: s.only for s in study.wanted if s.only is not None}
        known = studies.instances(run.ledger, study.key)
        self._known = _by_uid(known)
        self._whose = same_patient(run.ledger, study, run.project.query.guards.patient_differs_in_images)
        self._remarks: dict[tuple[str, str], Instance] = {}
        self._lock = threading.Lock()
        self._fault: PacsflowError | None = None
        self._renewed = self._progress = time.monotonic()
        self._patience = run.project.pacs.timeouts.progress
        self._queue = WorkQueue(WAITING_BYTES)
        self._naming = Naming(run, study)
        self._faces = HeldFaces(run, stager)
        self.strangers: Counter[str] = Counter()
        self.received = self.bytes = 0

    def __call__(self, received: Received) -> int:
        """Take an instance; the status for its sender.

        A whole one waits for the cleaner and the disk while its sender is told success and the next one comes. It is
        held only once it is on disk: what goes wrong meanwhile leaves it expected and is a fault of the retrieval.
        After a fault, as with a large one, the sender is told how it went.
        """
        with self._lock:
            self.received += 1
            self.bytes += len(received.dataset)
            self._renew()
            self._bear()
            if self._fault is None and received.rest is None:
                self._queue.add(len(received.dataset), partial(self._status, received))
                return SUCCESS
            self._queue.drain()
            return self._status(received)

    def _bear(self) -> None:
        """Raise EndlessError where nothing comes but what nobody asked for."""
        number, now = self.strangers.total(), time.monotonic()
        if not number:
            self._progress = now
        elif number > max(MOST_STRANGERS, 2 * len(self._known)) or now - self._progress > self._patience:
            raise EndlessError(
                f"the node sends images that were not asked for, without end: {number} so far, and we ended it",
                fix="ask the PACS administrator what it sends when one study is retrieved",
            )

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
        except BaseException as error:  # noqa: BLE001 in a thread of its own SystemExit would end in silence
            self._fault = fault_of(error, "reception")
            return OUT_OF_RESOURCES
        return SUCCESS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """What came whole is cleaned and with the stager, whatever happened."""
        with suppress(*([Exception] if kind else [])):
            self._queue.close()
        with suppress(*([Exception] if kind else [])), self._faces:
            self._settle_faces()
        with suppress(*([Exception] if kind else [])):
            self._naming.close()

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
        namesakes = self._known.get(received.sop_instance_uid, {}).values()
        if namesakes and all(one.status == "refused" for one in namesakes):
            return
        uids = (received.sop_class_uid, received.sop_instance_uid, received.transfer_syntax_uid)
        rest = None if received.rest is None else self._counted(received.rest)
        of_study = Source(
            *uids,
            received.dataset,
            rest,
            with_series=True,
            patient_id=study.patient_id.strip(),
            study_uid=study.uid,
            whose=self._whose,
        )
        cleaned = run.cleaner.clean(of_study)
        series = self._belongs(cleaned, received)
        self._naming.ask(series, received)
        known = self._known.get(received.sop_instance_uid, {}).get(series)
        if known and known.status == "held":
            self._compare(known, chain(cleaned.parts, cleaned.rest))
            return
        if run.vault:
            person = cleaned.person
            run.vault.record(Link(person.patient_id, person.issuer, person.pseudonym, person.shift_days))
        path = f"{study.key}/{series}/{cleaned.sop_instance_uid}.dcm"

        def note(size: int, sha256: str) -> Instance:
            uid, sop_class = received.sop_instance_uid, received.sop_class_uid
            remark = cleaned.remark or ("" if UID(cleaned.sop_instance_uid).is_valid else ODD_UID)
            held = Instance(series, uid, sop_class, "held", remark, path, size, sha256)
            self._known.setdefault(uid, {})[series] = held
            self._progress = time.monotonic()
            return held

        if cleaned.face:
            self._faces.hold(series, HeldImage(received.sop_instance_uid, path, cleaned.face, note), cleaned)
        else:
            self._stager.put(run.staging / path, cleaned.parts, note, rest=cleaned.rest)
        self._remarks.pop((received.sop_instance_uid, series), None)

    def _settle_faces(self) -> None:
        """Write the series whose faces are removed. What is no whole series stays expected, and is asked for again."""
        missing = {
            one.series_key
            for names in self._known.values()
            for one in names.values()
            if one.status == "expected"
            and (one.uid, one.series_key) not in self._faces
            and self._remarks.get((one.uid, one.series_key), one).status == "expected"
        }
        try:
            for image, refusal in self._faces.settled(missing, self._renew):
                known = self._known.get(image.uid, {}).get(image.series)
                held = known or Instance(image.series, image.uid, "", "expected")
                self._remarks[image.uid, image.series] = replace(held, status="refused", reason=refusal.reason)
        except OSError as error:
            self._fault = disk_refused(error)

    def _belongs(self, cleaned: Cleaned, received: Received) -> str:
        """Key of the wanted series the instance is of. Raises StrangerError, RefusalError."""
        study, run = self._study, self._run
        if not cleaned.study_instance_uid:
            raise RefusalError(f"{SPOILT}: it does not name the study it belongs to")
        if cleaned.study_instance_uid != run.cleaner.uid(study.uid):
            raise StrangerError("of another study than asked for")
        expected = self._known.get(received.sop_instance_uid)
        series = self._series.get(cleaned.series_instance_uid)
        if series is None or (expected and series not in expected):
            raise StrangerError("of another series than asked for")
        if received.sop_instance_uid not in self._only.get(series, {received.sop_instance_uid}):
            raise StrangerError(NOT_ASKED)
        if cleaned.sop_instance_uid != run.cleaner.uid(received.sop_instance_uid):
            raise StrangerError("another instance than its sender called it")
        if not _NAMEABLE.fullmatch(cleaned.sop_instance_uid):
            raise RefusalError("SOP Instance UID is not valid")
        return series

    def _compare(self, held: Instance, parts: Iterable[bytes | memoryview]) -> None:
        """Remark on an instance that is held and came again as another one."""
        if sha256(parts) != held.sha256:
            self._remarks[held.uid, held.series_key] = replace(held, reason=TWICE)

    def _refuse(self, received: Received, refusal: RefusalError) -> None:
        """Write an expected instance down as refused; one that came damaged for the first time stays expected."""
        known = _first(self._known.get(received.sop_instance_uid, {}).values())
        if known is not None and known.status == "expected" and isinstance(refusal, OtherPatientError):
            self._remark(known, received, DIFFERS, "expected")
        elif known is None or isinstance(refusal, StrangerError | NotWantedError):
            self.strangers[refusal.reason] += 1
        elif known.status == "expected":
            again = refusal.reason.startswith(SPOILT) and not known.reason
            self._remark(known, received, refusal.reason, "expected" if again else "refused")

    def _remark(self, known: Instance, received: Received, reason: str, status: str) -> None:
        told = replace(known, sop_class=received.sop_class_uid, reason=reason, status=status)
        self._remarks[known.uid, known.series_key] = told

    def remarks(self) -> list[Instance]:
        """Instances to be noted once the stager is closed: refused, damaged, or received again with other content."""
        return list(self._remarks.values())

    def raise_fault(self) -> None:
        """Raise what went wrong on our side, if anything did."""
        if self._fault:
            raise self._fault


def _by_uid(known: Iterable[Instance]) -> dict[str, dict[str, Instance]]:
    """SOP Instance UID -> key of a series -> the instance of that UID: of one series, unless the node names more."""
    found: dict[str, dict[str, Instance]] = {}
    for one in known:
        found.setdefault(one.uid, {})[one.series_key] = one
    return found


def _first(namesakes: Iterable[Instance]) -> Instance | None:
    """The one to which a refusal is put down before it is known of which series it is: one that is expected still."""
    return min(namesakes, key=lambda one: (one.status != "expected", one.series_key), default=None)
