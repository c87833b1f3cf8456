"""The vault's lines: each one record under AES-256-GCM, with its number and a digest of all lines before it.

A line that was lost, put back from an older copy, moved or changed does not fit what the lines after it say. Lines of
earlier versions have no number; the first record behind them speaks for them.
"""

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pacsflow.wording import counted

GONE, GONE_STUDY = b"#", b" "
"""How a line begins on which a link, or the patient of a study, stood that was forgotten."""
FIRST = bytes(32)
"""The digest of no lines."""
_NONCE = 12
_DIGEST = 32


@dataclass(frozen=True)
class Link:
    """What ties a pseudonym to a patient. `shift_days`: days added to every date."""

    patient_id: str
    issuer: str
    pseudonym: str
    shift_days: int


Said = tuple[str, str]
"""What an instance says of its patient: id and issuer, each in its comparable form, '' where it says nothing."""


@dataclass(frozen=True)
class Claim:
    """That instances of a study say this of their patient, who is the one of the link."""

    study_uid: str
    said: Said
    link: Link


@dataclass(frozen=True)
class Mark:
    """What holds no patient: `forgotten` are numbers of lines that were, `links` so many were ever written at least."""

    forgotten: tuple[int, ...] = ()
    links: int = 0


Record = Link | Claim | Mark


@dataclass(frozen=True)
class Line:
    """A line that was read: its record, None where it was forgotten; its number and the digest before, as it says.

    `number` is -1 where the line says none. `fault`: why it cannot be used, '' where it can.
    """

    record: Record | None = None
    number: int = -1
    before: bytes = b""
    gone: bytes = b""
    fault: str = ""


class Lines:
    """Writes and reads lines under one key."""

    def __init__(self, cipher: AESGCM) -> None:
        self._cipher = cipher

    def write(self, record: Record, number: int, before: bytes) -> bytes:
        """The line of a record, without its end."""
        kind = {"mark": True} if isinstance(record, Mark) else {}
        told = {**asdict(record), **kind, "n": number, "before": base64.b64encode(before).decode()}
        return base64.b64encode(self._sealed(json.dumps(told).encode(), b""))

    def forgotten(self, line: bytes, kind: bytes) -> bytes:
        """What stands in place of a line that is forgotten, of its length: its digest, and that we forgot it."""
        known = digest_of(line)
        marker = kind + base64.b64encode(known + self._sealed(b"", kind + known))
        return marker.ljust(len(line)) if len(marker) <= len(line) else kind.ljust(len(line))

    def read(self, line: bytes) -> Line:
        """The line; raises nothing."""
        if not line.strip() or line[:1] in (GONE, GONE_STUDY):
            return self._gone(line)
        try:
            told = json.loads(self._opened(base64.b64decode(line, validate=True), b""))
            return _line(told)
        except (InvalidTag, ValueError, KeyError, TypeError):
            return Line(fault="cannot be read with this key")

    def _gone(self, line: bytes) -> Line:
        """A forgotten line; of an earlier version it holds nothing, and stands for itself."""
        if not line[1:].strip():
            return Line(gone=digest_of(line))
        try:
            raw = base64.b64decode(line[1:].rstrip(), validate=True)
            self._opened(raw[_DIGEST:], line[:1] + raw[:_DIGEST])
        except (InvalidTag, ValueError, binascii.Error):
            return Line(fault="was overwritten, and not by pacsflow")
        return Line(gone=raw[:_DIGEST])

    def _sealed(self, text: bytes, beside: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, text, beside or None)

    def _opened(self, raw: bytes, beside: bytes) -> bytes:
        return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], beside or None)


def digest_of(line: bytes) -> bytes:
    """SHA-256 of a line without its end."""
    return hashlib.sha256(line).digest()


def after(before: bytes, line: bytes) -> bytes:
    """The digest of all lines up to one of the digest `line`."""
    return hashlib.sha256(before + line).digest()


def _line(told: dict[str, Any]) -> Line:
    number, before = told.pop("n", -1), base64.b64decode(told.pop("before", ""))
    if told.pop("mark", False):
        return Line(Mark(tuple(told["forgotten"]), told["links"]), number, before)
    if "said" in told:
        return Line(Claim(told["study_uid"], tuple(told["said"]), Link(**told["link"])), number, before)
    return Line(Link(**told), number, before)


@dataclass(frozen=True)
class Head:
    """How far a vault goes: number of lines, of links ever written, and the digest of the lines."""

    lines: int = 0
    links: int = 0
    digest: str = FIRST.hex()


@dataclass(frozen=True)
class Fault:
    """A line of a vault that is not as it was written: its number, from 1, and what is wrong."""

    line: int
    said: str

    def __str__(self) -> str:
        return f"line {self.line} {self.said}"


class Chain:
    """The lines read so far, and what does not fit."""

    def __init__(self) -> None:
        self.heads: list[bytes] = [FIRST]
        self.faults: list[Fault] = []
        self.forgotten: set[int] = set()
        self.numbered = self._unfit = False
        self._marked: set[int] = set()

    @property
    def lines(self) -> int:
        """How many there are."""
        return len(self.heads) - 1

    @property
    def digest(self) -> bytes:
        """Of all of them."""
        return self.heads[-1]

    def add(self, line: Line, text: bytes) -> bool:
        """Take the next line; whether its record can be used."""
        number = self.lines + 1
        if line.fault:
            self.faults.append(Fault(number, line.fault))
        elif line.record is None:
            self.forgotten.add(number)
        elif line.number >= 0:
            self._compare(line, number)
        elif self.numbered:
            self.faults.append(Fault(number, "is of an earlier version and stands behind later ones"))
        self._unfit = self._unfit or bool(line.fault)
        self.heads.append(after(self.heads[-1], line.gone or digest_of(text)))
        if isinstance(line.record, Mark):
            self._marked.update(line.record.forgotten)
        return not line.fault

    def _compare(self, line: Line, number: int) -> None:
        """A line against those before it; from here on what it says of them holds."""
        self.numbered = True
        if line.number != number:
            missing = line.number - number
            self.faults.append(
                Fault(
                    number,
                    f"comes after {counted(missing, 'line')} that are missing" if missing > 0 else "stands twice",
                )
            )
        elif line.before != self.digest and not self._unfit:
            self.faults.append(Fault(number, "does not fit those before it, which were changed"))
        self._unfit = False
        self.heads += [b""] * max(0, line.number - number)
        del self.heads[max(1, line.number) :]
        self.heads[-1] = line.before

    def not_gone(self) -> Sequence[Fault]:
        """Lines that were forgotten and are there again."""
        return [Fault(n, "was forgotten and is there again") for n in sorted(self._marked - self.forgotten)]
