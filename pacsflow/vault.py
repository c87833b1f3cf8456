"""The vault: patient -> pseudonym and day shift, apart from the ledger, encrypted, readable by its owner only.

An append-only file of lines, each one record under AES-256-GCM with a key derived (HKDF-SHA256, RFC 5869)
from the project's key. A line that a killed process left half-written is cut off by the next writer.
"""

import base64
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pacsflow.errors import KeyMismatchError, LedgerError


@dataclass(frozen=True)
class Link:
    """What ties a pseudonym to a patient. `shift_days`: days added to every date."""

    patient_id: str
    issuer: str
    pseudonym: str
    shift_days: int


def _patient(link: Link) -> tuple[str, str, str]:
    """Whom a link is of; without a patient id, each study has a pseudonym of its own."""
    return link.patient_id, link.issuer, "" if link.patient_id else link.pseudonym


class Vault:
    """The links of one project. Safe to share between threads and processes."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._cipher = AESGCM(HKDF(SHA256(), 32, salt=None, info=b"pacsflow vault").derive(key))
        self._known: dict[tuple[str, str, str], Link] = {}
        self._holders: dict[str, str] = {}
        self._end = 0
        if path.exists():
            with self._opened():
                pass

    def record(self, link: Link) -> None:
        """Write a link down, once; on disk when this returns. Raises LedgerError when a patient's changed.

        Without a patient id there is a pseudonym for each study.
        """
        if self._settled(_patient(link), lambda _: link) != link:
            raise LedgerError(
                "a patient of the vault would get another pseudonym or day shift",
                remedy="put the former profile back, or begin anew in another workdir",
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

    def known(self) -> list[Link]:
        """The links of this process: those that stood when it opened the vault, and its own since."""
        with self._lock:
            return [self._known[patient] for patient in sorted(self._known)]

    def _settled(self, patient: tuple[str, str, str], make: Callable[[int], Link]) -> Link:
        with self._lock:
            if patient not in self._known:
                with self._opened() as file:
                    if patient not in self._known:  # another process may have been first
                        self._append(file, make(len(self._known)))
            return self._known[patient]

    def _append(self, file: BinaryIO, link: Link) -> None:
        if self._holders.get(link.pseudonym, link.patient_id) != link.patient_id:
            raise LedgerError(
                "two patients would get the same pseudonym", remedy="give each an own one where pseudonyms come from"
            )
        nonce = os.urandom(12)
        text = json.dumps(asdict(link)).encode()
        line = base64.b64encode(nonce + self._cipher.encrypt(nonce, text, None)) + b"\n"
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
        self._end = file.tell()
        self._learn(link)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """The file, ours alone, at its end; what other processes wrote since is known, a torn line is cut off."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(self._end)
            lines = file.read()
            whole = lines[: lines.rfind(b"\n") + 1]
            for line in whole.splitlines():
                self._learn(self._open(line))
            self._end += len(whole)
            file.truncate(self._end)
            file.seek(self._end)
            yield file

    def _learn(self, link: Link) -> None:
        self._known[_patient(link)] = link
        self._holders[link.pseudonym] = link.patient_id

    def links(self) -> list[Link]:
        """All links, each once. Raises KeyMismatchError when the key is another one."""
        whole = self._path.read_bytes() if self._path.exists() else b""
        lines = whole[: whole.rfind(b"\n") + 1].splitlines()
        return list(dict.fromkeys(map(self._open, lines)))

    def _open(self, line: bytes) -> Link:
        try:
            raw = base64.b64decode(line, validate=True)
            return Link(**json.loads(self._cipher.decrypt(raw[:12], raw[12:], None)))
        except (InvalidTag, ValueError):
            raise KeyMismatchError(
                "the vault cannot be read with this key", remedy="put the key back that the vault was written with"
            ) from None
