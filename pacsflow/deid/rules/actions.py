"""What can be done with an element. Each action takes the value as encoded and says what stands in its place."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final, Literal, Protocol

from pacsflow.deid.encoding.days import day_of
from pacsflow.deid.encoding.values import BYTES, DUMMY
from pacsflow.deid.rules import dates
from pacsflow.deid.rules.spelled import spells
from pacsflow.errors import RefusalError

if TYPE_CHECKING:
    from pacsflow.deid.contract import Person
    from pacsflow.deid.rules.free_text import Scrubber
    from pacsflow.deid.rules.identity import Identity


class _Kept:
    """The answer of an action that leaves the element as it is."""


OLDEST: Final = 90
_TIME: Final = re.compile(rb"[ \0]*(?:(?:[01]\d|2[0-3])(?::?[0-5]\d(?::?(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?)?[ \0]*")
"""A time of day (PS3.5 6.2, VR TM), with the colons of ACR-NEMA too."""
_AGE: Final = re.compile(rb"(\d{3})([DWMY])")

_LONGEST_NUMBER: Final = 8
DAY: Final = re.compile(rb"[ \0]*(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ \0]*")
"""YYYYMMDD."""
_PRINTED: Final = re.compile(rb"[\x20-\x7e]+\0*")
"""Text, where the VR does not say so; binary numbers of eight bytes may look like it."""

TEXT_AT_MOST = 4 << 20
"""Bytes of free text of one instance that are cleaned: none may take minutes."""
KEPT: Final = _Kept()
Answer = bytes | _Kept | None
"""The new value, KEPT, or None where the element goes."""


@dataclass(slots=True)
class Case:
    """One instance while it is cleaned: whose it is, what replaces identity, how its text is read."""

    identity: "Identity"
    person: "Person"
    scrubber: "Scrubber"
    charsets: list[str] = field(default_factory=list)
    study_uid: str = ""
    birth: bytes = b""
    """Patient's Birth Date where it must go; empty where it may stay, or is the day of the exam, too."""
    exam: bytes = b""
    """Study Date."""
    text_left: int = field(default_factory=lambda: TEXT_AT_MOST)

    def cleaned(self, value: bytes, *, devices: bool = False) -> bytes:
        """Free text, cleaned; `devices` as in Scrubber.clean. Raises RefusalError where there is too much of it."""
        self.text_left -= len(value)
        if self.text_left < 0:
            raise RefusalError(
                f"too large: more than {TEXT_AT_MOST >> 20} MB of free text",
                fix="drop such instances: `drop:` in deid.yaml",
            )
        return self.scrubber.clean(value, self.charsets, devices=devices)


class Action(Protocol):
    """Something done with the value of an element that is not a sequence."""

    @property
    def says(self) -> str:
        """What it does, to end the sentence `(gggg,eeee) is …`."""

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """The element's new value, KEPT, or None where it goes."""


@dataclass(frozen=True)
class Keep:
    """Left as it is."""

    says: str = "kept"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """KEPT."""
        return KEPT


@dataclass(frozen=True)
class KeepPrivate(Keep):
    """A private element that is kept; some VRs have an action of their own, sequences are cleaned inside."""

    by_vr: tuple[tuple[str, Action], ...] = ()

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """What the VR's action says, else KEPT; None for items hidden in UN, which cannot be cleaned as they are."""
        if vr == "UN" and value.startswith(b"\xfe\xff\x00\xe0"):
            return None
        if vr in ("UN", "OB") and _reads_as_text(value):
            vr = "LT"
        rest = None if vr in BYTES and spells(value) else KEPT
        return next((action(vr, value, case) for name, action in self.by_vr if name == vr), rest)


def _reads_as_text(value: bytes) -> bool:
    """Whether a value of no told VR is text: printed, and longer than one binary number, or a day."""
    return bool(_PRINTED.fullmatch(value)) and (len(value) > _LONGEST_NUMBER or bool(DAY.fullmatch(value)))


@dataclass(frozen=True)
class Remove:
    """Taken out."""

    says: str = "removed"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """None."""
        return None


@dataclass(frozen=True)
class Empty:
    """Left without a value."""

    says: str = "emptied"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """No bytes."""
        return b""


@dataclass(frozen=True)
class Dummy:
    """Given a legal value that says nothing."""

    says: str = "replaced by a dummy value"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """The dummy of the VR; a UID that hangs on the old one."""
        return Uid()(vr, value, case) if vr == "UI" else DUMMY.get(vr)


@dataclass(frozen=True)
class Replace:
    """Given a fixed value."""

    value: bytes
    says: str = "replaced by the value the profile gives"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """The profile's value."""
        return self.value


@dataclass(frozen=True)
class Uid:
    """Each UID replaced by the keyed one; those that PS3.6 registers stay."""

    says: str = "replaced by a keyed UID, the same everywhere"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """As many UIDs as there were."""
        return case.identity.uids(value)


@dataclass(frozen=True)
class Date:
    """Day moved by the patient's shift; times of day stay. What has no day or a wrong one is emptied."""

    says: str = "moved by the patient's day shift"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """The moved value; KEPT for a time, nothing for what is none; None where the VR is none of DA, DT, TM."""
        if vr == "TM":
            return KEPT if all(_TIME.fullmatch(each) for each in value.split(b"\\")) else b""
        if case.birth and case.birth in value:  # as in a report's content item
            return b""
        return dates.shifted(vr, value, case.person.shift_days) if vr in ("DA", "DT") else None


@dataclass(frozen=True)
class BirthDate(Date):
    """A birth date, moved; emptied where it tells an age over 89 years (45 CFR 164.514(b)(2)(i)(C))."""

    says: str = "moved by the patient's day shift, emptied over 89 years"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """The moved value, or nothing. The age is that at the exam, where its day is known, else today's."""
        birth = day_of(value.decode("latin-1"))
        exam = day_of(case.exam.decode("latin-1")) or date.today()  # noqa: DTZ011 - birth dates have no zone
        if birth is None or exam.year - birth.year - ((exam.month, exam.day) < (birth.month, birth.day)) >= OLDEST:
            return b""
        return dates.shifted(vr, value, case.person.shift_days) if vr in ("DA", "DT") else None


@dataclass(frozen=True)
class Year:
    """Cut down to the first day of the year."""

    says: str = "cut down to its year"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """YYYY0101; times become midnight."""
        if vr == "TM":
            return DUMMY["TM"]
        return dates.year_only(vr, value) if vr in ("DA", "DT") else None


@dataclass(frozen=True)
class Pseudonym:
    """The patient's pseudonym."""

    says: str = "replaced by the pseudonym"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """The pseudonym, ASCII."""
        return case.person.pseudonym.encode("ascii")


@dataclass(frozen=True)
class StudyKey:
    """Given a keyed value of 16 letters and digits, the same for the whole study; nothing where it names no study."""

    name: str
    says: str = "replaced by a keyed value, the same for the whole study"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """What hangs on the study and the key alone, never on the original value."""
        return case.identity.study_key(self.name, case.study_uid)


@dataclass(frozen=True)
class Clean:
    """Free text without the patient's own identifiers and without words that no list allows."""

    rest: Action = Empty()
    """What is done where no word is left."""
    says: str = "cleaned: own identifiers scrubbed, then only allowed words kept"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """The text that is left, in ASCII."""
        return case.cleaned(value) or self.rest(vr, value, case)


@dataclass(frozen=True)
class Age:
    """An age that is not above 90 years: those over 89 become 090Y (45 CFR 164.514(b)(2)(i)(C))."""

    says: str = "kept, over 89 years cut to 90"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """KEPT, 090Y, or nothing where it is not an age (PS3.5 6.2, VR AS)."""
        match = _AGE.fullmatch(value.strip(b" \0"))
        if not match:
            return b""
        years = int(match[1]) / {b"D": 365.25, b"W": 52.18, b"M": 12, b"Y": 1}[match[2]]
        return b"090Y" if years >= OLDEST else KEPT


Mode = Literal["plain", "dummies", "aged", "structured", "told"]
"""How items are cleaned: by the rules; and texts and codes that are not the standard's become dummies; the same, and
an age over 89 years becomes 90; by the rules for structured content; by the
rules, but codes stay as they are."""


@dataclass(frozen=True)
class Nested:
    """A sequence that stays, its items cleaned (action D of PS3.15 E.1.1: with dummies in them)."""

    mode: Mode = "plain"
    says: str = "kept, their items cleaned"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """None: what stands in a sequence's place without being one is not understood, and goes."""
        return None
