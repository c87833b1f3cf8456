"""What can be done with an element. Each action takes the value as encoded and says what stands in its place."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol

from pacsflow.deid import dates
from pacsflow.deid.values import DUMMY

if TYPE_CHECKING:
    from pacsflow.deid.contract import Person
    from pacsflow.deid.free_text import Scrubber
    from pacsflow.deid.identity import Identity


class _Kept:
    """The answer of an action that leaves the element as it is."""


OLDEST: Final = 90
_AGE: Final = re.compile(rb"(\d{3})([DWMY])")

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
        return next((action(vr, value, case) for name, action in self.by_vr if name == vr), KEPT)


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
        """The moved value; KEPT for a time; None where the VR is none of DA, DT, TM."""
        if vr == "TM":
            return KEPT
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
class Clean:
    """Free text without the patient's own identifiers and without words that no list allows."""

    rest: Action = Empty()
    """What is done where no word is left."""
    says: str = "cleaned: own identifiers scrubbed, then only allowed words kept"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """The text that is left, in ASCII."""
        return case.scrubber.clean(value, case.charsets) or self.rest(vr, value, case)


@dataclass(frozen=True)
class Age:
    """An age that is not above 90 years: those over 89 become 090Y (45 CFR 164.514(b)(2)(i)(C))."""

    says: str = "kept, over 89 years cut to 90"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """KEPT, 090Y, or nothing where it is no age (PS3.5 6.2, VR AS)."""
        match = _AGE.fullmatch(value.strip(b" \0"))
        if not match:
            return b""
        years = int(match[1]) / {b"D": 365.25, b"W": 52.18, b"M": 12, b"Y": 1}[match[2]]
        return b"090Y" if years >= OLDEST else KEPT


Mode = Literal["plain", "codes", "texts", "structured"]
"""How items are cleaned: by the rules; and codes become dummies; and free texts and names become dummies; by the rules
for structured content."""


@dataclass(frozen=True)
class Nested:
    """A sequence that stays, its items cleaned (action D of PS3.15 E.1.1: with dummies in them)."""

    mode: Mode = "plain"
    says: str = "kept, their items cleaned"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """None: what stands in a sequence's place without being one is not understood, and goes."""
        return None
