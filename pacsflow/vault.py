"""The vault: patient -> pseudonym and day shift, apart from the ledger, encrypted, readable by its owner only.

It holds each study to one patient, too: what its instances say of their patient, and whose pseudonym they have.
An append-only file of lines, each one record under AES-256-GCM with a key derived (HKDF-SHA256, RFC 5869)
from the project's key, chained to those before it (`vault_records`). A line that a killed process left half-written is
cut off by the next writer.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pacsflow.errors import KeyMismatchError, LedgerError
from pacsflow.staging import sync
from pacsflow.system import lock
from pacsflow.vault_records import GONE, GONE_STUDY, Chain, Claim, Fault, Head, Line, Lines, Link, Mark, Record, Said
from pacsflow.wording import counted

__all__ = ["Claim", "Fault", "Head", "Link", "Said", "Vault"]


VAULT_FIX = (
    "put the newest backup of private/vault back; `pacsflow check PROJECT` says what is wrong, `pacsflow vault export` "
    "writes what can be read, `pacsflow vault accept` goes on with that"
)
"""What to do about a vault that is not as it was written."""


def _patient(link: Link) -> tuple[str, str, str]:
    """Whom a link is of; without a patient id, each study has a pseudonym of its own."""
    return link.patient_id, link.issuer, "" if link.patient_id else link.pseudonym


class Vault:
    """The links of one project. Safe to share between threads and processes.

    `shared`: ids with one pseudonym are one patient's, who has one day shift; else two ids never share one.
    `noted`: told how far the vault goes after each change. `lenient`: read what can be read, and see `faults`; else
    LedgerError is raised where a line is not as it was written, and KeyMismatchError where no line can be read.
    """

    def __init__(
        self,
        path: Path,
        key: bytes,
        *,
        shared: bool = False,
        lenient: bool = False,
        noted: Callable[[Head], None] = lambda _: None,
    ) -> None:
        self._path, self._shared, self._lenient, self._noted = path, shared, lenient, noted
        self._lock = threading.Lock()
        self._lines = Lines(AESGCM(HKDF(SHA256(), 32, salt=None, info=b"pacsflow vault").derive(key)))
        self._chain = Chain()
        self._known: dict[tuple[str, str, str], Link] = {}
        self._holders: dict[str, Link] = {}
        self._studies: dict[str, dict[Said, Link]] = {}
        self._end = self._forgotten = self._links = 0
        self._readable = False
        if path.exists():
            with self._opened():
                pass

    @property
    def head(self) -> Head:
        """How far the vault goes, as far as this process knows."""
        with self._lock:
            return Head(self._chain.lines, self._ever, self._chain.digest.hex())

    @property
    def faults(self) -> list[Fault]:
        """The lines that are not as they were written."""
        with self._lock:
            return [*self._chain.faults, *self._chain.not_gone()]

    @property
    def chained(self) -> bool:
        """Whether a lost line would be noticed; False for one that only earlier versions wrote to."""
        with self._lock:
            return self._chain.numbered or not self._chain.lines

    def compared(self, noted: Head) -> str:
        """What is wrong with a vault of which `noted` was known before; empty where it goes on from there."""
        head = self.head
        if head.lines < noted.lines:
            return (
                f"{noted.lines - head.lines} of its {counted(noted.lines, 'line is', 'lines are')} missing at the end"
            )
        with self._lock:
            then = self._chain.heads[noted.lines].hex()
        return "" if then == noted.digest else "it is another copy than the one that was written last"

    def accept(self, noted: Head) -> None:
        """Go on with the vault as it is: sequential numbers that were given before `noted` are not given again."""
        with self._lock, self._opened() as file:
            self._write(file, Mark(links=max(noted.links, self._ever)))
        self._noted(self.head)

    def copied(self, path: Path, key: bytes) -> None:
        """Write a new vault at `path` that holds what could be read of this one."""
        fresh = Vault(path, key, shared=self._shared, lenient=True)
        for link in self.known():
            fresh.record(link)
        for study, known in self._studies.items():
            for said, link in known.items():
                fresh.bind(study, said, lambda _: None, link)

    def record(self, link: Link) -> None:
        """Write a link down, once; on disk when this returns. Raises LedgerError when a patient's changed.

        Without a patient id there is a pseudonym for each study.
        """
        if self._settled(_patient(link), lambda _: link) != link:
            raise LedgerError(
                "a patient of the vault would get another pseudonym or day shift",
                fix="put the former profile back, or begin again in another workdir",
            )

    def find(self, patient_id: str, issuer: str) -> Link | None:
        """The link of a patient, as far as this process knows."""
        with self._lock:
            return self._known.get((patient_id, issuer, ""))

    def pseudonym(self, patient_id: str) -> str | None:
        """One that the patient has, of whatever issuer, as far as this process knows."""
        with self._lock:
            return next((link.pseudonym for link in self._known.values() if link.patient_id == patient_id), None)

    def settle(self, patient_id: str, issuer: str, make: Callable[[int], Link]) -> Link:
        """The link of a patient; of a new one what `make` gives by the number of links so far, on disk then.

        Under the lock of all processes. Raises LedgerError where another patient has that pseudonym.
        """
        return self._settled((patient_id, issuer, ""), make)

    def bound(self, study_uid: str, said: Said) -> Link | None:
        """The link of a study for instances that say this, as far as this process knows."""
        with self._lock:
            return self._studies.get(study_uid, {}).get(said)

    def bind(
        self, study_uid: str, said: Said, agrees: Callable[[Iterable[Said]], None], first: Link | None
    ) -> Link | None:
        """The link of a study, on disk then; `first` where the study has none yet, and None where that is None.

        Under the lock of all processes. `agrees` is given what other instances of the study said, and raises where
        this cannot be the same patient.
        """
        with self._lock, self._opened() as file:
            known = self._studies.get(study_uid, {})
            if known and said not in known:
                agrees(known)
            link = next(iter(known.values()), first)
            fresh = link is not None and said not in known
            if link is not None and fresh:
                self._write(file, Claim(study_uid, said, link))
        if fresh:
            self._noted(self.head)
        return link

    def studies(self) -> dict[str, Link]:
        """Study Instance UID -> its patient's link, as far as this process knows."""
        with self._lock:
            return {study: next(iter(known.values())) for study, known in self._studies.items()}

    def known(self) -> list[Link]:
        """The links of this process: those that stood when it opened the vault, and its own since."""
        with self._lock:
            return [self._known[patient] for patient in sorted(self._known)]

    def forget(self, link: Link) -> int:
        """Overwrite all that is written of a patient, links and studies, on disk then; the number of records.

        Under the lock of all processes. Lines keep their lengths, so that others read on where they are; that a link
        stood there is still known, as the number of links decides the next sequential pseudonym.
        """
        with self._lock, self._opened() as file:
            gone = self._overwrite(file, link)
            file.seek(self._end)
            self._known.pop(_patient(link), None)
            self._holders.pop(link.pseudonym, None)
            self._studies = {
                study: left
                for study, known in self._studies.items()
                if (left := {said: held for said, held in known.items() if held != link})
            }
            if gone:
                self._write(file, Mark(tuple(gone), self._ever))
        self._noted(self.head)
        return len(gone)

    def _overwrite(self, file: BinaryIO, link: Link) -> list[int]:
        """Overwrite what is written of a link; the numbers of the lines."""
        file.seek(0)
        at, gone = 0, []
        for number, whole in enumerate(file.read().splitlines(keepends=True), start=1):
            line = whole.rstrip(b"\n")
            record = self._lines.read(line).record
            if (record.link if isinstance(record, Claim) else record) == link:
                kind = GONE_STUDY if isinstance(record, Claim) else GONE
                file.seek(at)
                file.write(self._lines.forgotten(line, kind) + b"\n")
                self._forgotten += isinstance(record, Link)
                self._chain.forgotten.add(number)
                gone.append(number)
            at += len(whole)
        file.flush()
        os.fsync(file.fileno())
        return gone

    def _settled(self, patient: tuple[str, str, str], make: Callable[[int], Link]) -> Link:
        with self._lock:
            if patient not in self._known:
                with self._opened() as file:
                    if fresh := patient not in self._known:  # another process may have been first
                        self._append(file, make(self._ever))
            else:
                fresh = False
            link = self._known[patient]
        if fresh:
            self._noted(self.head)
        return link

    @property
    def _ever(self) -> int:
        """The number of links that were ever written, forgotten ones and those of lost lines included."""
        return max(len(self._known) + self._forgotten, self._links)

    def _append(self, file: BinaryIO, link: Link) -> None:
        holder = self._holders.get(link.pseudonym, link)
        alike = self._shared and holder.shift_days == link.shift_days
        if holder.patient_id != link.patient_id and not alike:
            raise LedgerError(
                "two patients would get the same pseudonym", fix="give each an own one where pseudonyms come from"
            )
        self._write(file, link)

    def _write(self, file: BinaryIO, record: Record) -> None:
        if not self._chain.lines and not isinstance(record, Mark):
            self._write(file, Mark())
        text = self._lines.write(record, self._chain.lines + 1, self._chain.digest)
        file.write(text + b"\n")
        file.flush()
        os.fsync(file.fileno())
        self._end = file.tell()
        self._take(self._lines.read(text), text)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """The file, ours alone, at its end; what other processes wrote since is known, a torn line is cut off."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = not self._path.exists()
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        if fresh:
            sync(self._path.parent)
        with os.fdopen(descriptor, "r+b") as file:
            lock(file)
            file.seek(self._end)
            lines = file.read()
            whole = lines[: lines.rfind(b"\n") + 1]
            for text in whole.splitlines():
                self._take(self._lines.read(text), text)
            self._end += len(whole)
            self._check()
            file.truncate(self._end)
            file.seek(self._end)
            yield file

    def _check(self) -> None:
        """Raise where a line is not as it was written, before anything is changed."""
        if self._lenient or not (faults := [*self._chain.faults, *self._chain.not_gone()]):
            return
        if not self._readable:
            raise KeyMismatchError(
                "the vault cannot be read with this key", fix="put the key back that the vault was written with"
            )
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise LedgerError(f"the vault is damaged: {faults[0]}{more}", fix=VAULT_FIX)

    def _take(self, line: Line, text: bytes) -> None:
        """Take in the next line of the file."""
        if self._chain.add(line, text):
            self._readable = self._readable or line.record is not None
            self._forgotten += line.record is None and text.startswith(GONE)
            self._learn(line.record)

    def _learn(self, record: Record | None) -> None:
        match record:
            case Claim():
                self._studies.setdefault(record.study_uid, {})[record.said] = record.link
            case Link():
                self._known[_patient(record)] = record
                self._holders[record.pseudonym] = record
            case Mark():
                self._links = max(self._links, record.links)

    def links(self) -> list[Link]:
        """All links, each once."""
        if self._path.exists():
            with self._lock, self._opened():
                pass
        return list(dict.fromkeys(self._known.values()))
