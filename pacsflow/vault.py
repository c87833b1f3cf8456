"""The vault: patient -> pseudonym and day shift, apart from the ledger, encrypted, readable by its owner only.

An append-only file of lines, each one record under AES-256-GCM with a key derived (HKDF-SHA256, RFC 5869)
from the project's key. A line that a killed process left half-written is cut off by the next writer.
"""

import base64
import fcntl
import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

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


_LONGEST_LINE = 1 << 16


class Vault:
    """The links of one project. Safe to share between threads and processes."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._cipher = AESGCM(HKDF(SHA256(), 32, salt=None, info=b"pacsflow vault").derive(key))
        self._known = {_patient(link): link for link in self.links()}

    def record(self, link: Link) -> None:
        """Write a link down, once; on disk when this returns. Raises LedgerError when a patient's changed.

        Without a patient id there is a pseudonym for each study.
        """
        with self._lock:
            if self._known.get(_patient(link), link) != link:
                raise LedgerError(
                    "a patient of the vault would get another pseudonym or day shift",
                    remedy="put the former profile back, or begin anew in another workdir",
                )
            if _patient(link) not in self._known:
                self._append(link)
                self._known[_patient(link)] = link

    def known(self) -> list[Link]:
        """The links of this process: those that stood when it opened the vault, and its own since."""
        with self._lock:
            return [self._known[patient] for patient in sorted(self._known)]

    def _append(self, link: Link) -> None:
        nonce = os.urandom(12)
        text = json.dumps(asdict(link)).encode()
        line = base64.b64encode(nonce + self._cipher.encrypt(nonce, text, None)) + b"\n"
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            tail = file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST_LINE))
            file.truncate(tail + file.read().rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

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
