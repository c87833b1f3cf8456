"""Attributes that Table E.1-1 does not list: what is known to be harmless stays, the rest goes (`unlisted: clean`).

Numbers and binary values of known meaning stay. Coded strings stay where PS3.3 defines the value for the attribute (or,
where no list of it is known, for any). Text stays where tables/reviewed.json has the attribute, and is cleaned. UIDs
that PS3.6 registers stay, others are mapped. What is left empty is removed, emptied or a dummy, by the strictest type
that PS3.3 gives the attribute anywhere.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from pacsflow.attributes import private_creators, tag_for_keyword
from pacsflow.deid.encoding.dictionary import NEEDED, VR_OF
from pacsflow.deid.rules import binary
from pacsflow.deid.rules.actions import DAY, KEPT, Action, Age, Answer, Case, Dummy, Empty, Remove
from pacsflow.deid.rules.free_text import Scrubber, plain
from pacsflow.deid.rules.icc import CleanIcc
from pacsflow.deid.rules.known_codes import is_code, is_scheme, meanings

TEXT: Final = frozenset(("LO", "LT", "SH", "ST", "UC", "UR", "UT"))
WORDS, DEVICES, LABELS, MEANINGS = range(4)
"""Ways in which text is looked at: what stays in one way need not stay in another."""
ONE_VALUE: Final = frozenset(("LT", "ST", "UR", "UT"))
"""VRs in which a backslash is a letter like any other (PS3.5 6.2)."""
NUMBERS: Final = frozenset(("DS", "IS"))
BINARY: Final = frozenset(("AT", "FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "US", "UV"))
_NUMBER: Final = re.compile(rb"[ \0]*(?:[+-]?(?:\d{1,32}(?:\.\d{0,32})?|\.\d{1,32})(?:[eE][+-]?\d{1,4})?)?[ \0]*")
_TELLING: Final = 3
_ETHNIC_GROUP: Final = 0x00102160
_PICTURES: Final = 0x7FE00000
"""The group of pixel data, which is gone through by itself (envelope)."""
_ANY_DAY: Final = re.compile(r"(?<!\d)(?:19|20)\d\d[-./]?(?:0[1-9]|1[0-2])[-./]?(?:0[1-9]|[12]\d|3[01])(?!\d)")
_PIECES: Final = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]|\d+")
_DAYS: Final = frozenset(("AS", "DA", "DT", "TM"))
_REMEMBERED: Final = 4096
_ANYBODY: Final = Scrubber()
"""Knows no patient: says which words are harmless whoever it is about."""
_REGISTERED: Final = re.compile(r"1\.2\.840\.10008(?:\.\d{1,4}){2,8}")
_MEDIA: Final = frozenset(
    ("application/pdf", "text/xml", "application/xml", "model/stl", "model/obj", "model/mtl", "model/x.stl-binary")
)


@cache
def _table(name: str) -> dict[str, Any]:
    return dict(json.loads(files("pacsflow.deid").joinpath(f"tables/{name}.json").read_text("utf-8")))


@cache
def reviewed() -> dict[int, tuple[str, str]]:
    """Tag -> how it is cleaned, and the reason why it may stay."""
    return {int(tag_for_keyword(name) or 0): tuple(entry) for name, entry in _table("reviewed")["attributes"].items()}


@cache
def _patterns() -> dict[int, re.Pattern[str]]:
    found = _table("reviewed")["patterns"].items()
    return {int(tag_for_keyword(name) or 0): re.compile(pattern) for name, (pattern, _) in found}


@cache
def described() -> frozenset[int]:
    """Attributes of text that an option keeps, but not as somebody's or something's own name: their text is cleaned."""
    return frozenset(int(tag_for_keyword(name) or 0) for name in _table("reviewed")["described"])


@cache
def _groups() -> frozenset[str]:
    return frozenset(_table("reviewed")["ethnic groups"].split())


@cache
def _gone() -> frozenset[int]:
    return frozenset(int(tag_for_keyword(name) or 0) for name in _table("reviewed")["gone"])


@cache
def _any_term() -> frozenset[str]:
    return frozenset(value for values in _table("terms")["terms"].values() for value in values.split("|"))


def _stays(case: Case, kind: int, value: bytes) -> Answer:
    """KEPT; the value is remembered for this patient, so that it need not be looked at again."""
    same = case.scrubber.same[kind]
    if len(same) < _REMEMBERED and b"\\" not in value and b"\x1b" not in value:
        same.add(value)
    return KEPT


def terms(tag: int) -> frozenset[str]:
    """The values that the standard has for a coded string; those of all where none are known of this one."""
    own = _table("terms")["terms"].get(f"{tag:08X}")
    return frozenset(own.split("|")) if own else _any_term()


def rest(tag: int) -> Action:
    """What is done where nothing may stay, by the strictest type the attribute has."""
    kinds: dict[str, Action] = {"1": Dummy(), "2": Empty()}
    return kinds.get(_table("terms")["types"].get(f"{tag:08X}", "3"), Remove())


@dataclass(frozen=True, eq=False)
class Terms:
    """A coded string: values that the standard has, or that hold words of devices and methods; others become empty."""

    harmless: Callable[[str], bool]
    rest: Action
    says: str = "kept where the standard has the value"
    seen: set[bytes] = field(default_factory=set)
    """Values that are kept as they are, whoever it is about."""

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """KEPT, or the values that may stay, each at its place; what `rest` says where none may."""
        values = [each.strip(" \0") for each in value.decode("latin-1").split("\\")]
        kept = [each if not each or self.harmless(each) else "" for each in values]
        if kept == values:
            if len(self.seen) < _REMEMBERED:
                self.seen.add(value)
            return KEPT
        return "\\".join(kept).encode("latin-1") if any(kept) else self.rest(vr, value, case)


@dataclass(frozen=True, eq=False)
class Number:
    """A number written as text (PS3.5 6.2, DS and IS); what is none goes."""

    rest: Action
    says: str = "kept where they are numbers"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """KEPT, or what `rest` says."""
        if all(_NUMBER.fullmatch(each) for each in value.split(b"\\")):
            return KEPT
        return self.rest(vr, value, case)


@dataclass(frozen=True, eq=False)
class PrivateNumber(Number):
    """A number of a private element, which is no day: whose, nobody can tell."""

    rest: Action = field(default_factory=Remove)

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """KEPT, or what `rest` says."""
        told = any(DAY.fullmatch(each) for each in value.split(b"\\"))
        return self.rest(vr, value, case) if told else super().__call__(vr, value, case)


@dataclass(frozen=True, eq=False)
class Text:
    """Text of a reviewed attribute, each of its values cleaned."""

    devices: bool
    rest: Action
    says: str = "cleaned, as text of reviewed attributes"

    @property
    def kind(self) -> int:
        """Which of the scrubber's sets of values that stay is meant."""
        return DEVICES if self.devices else WORDS

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """KEPT, the values that are left, each at its place, or what `rest` says where nothing is left."""
        values = [value] if vr in ONE_VALUE or b"\\" not in value else value.split(b"\\")
        cleaned = [case.cleaned(each, devices=self.devices) for each in values]
        if cleaned == [each.strip(b" \0") for each in values]:
            return _stays(case, self.kind, value)
        return b"\\".join(cleaned) if any(cleaned) else self.rest(vr, value, case)


@dataclass(frozen=True, eq=False)
class PrivateText(Text):
    """Text of a private element: numbers and technical words stay."""

    devices: bool = True
    rest: Action = field(default_factory=Remove)

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """KEPT where all values are numbers and none is a day; else as Text does."""
        values = value.split(b"\\")
        if any(DAY.fullmatch(each) for each in values):
            return self.rest(vr, value, case)
        if all(_NUMBER.fullmatch(each) or _technical(each.decode("latin-1").strip(" \0")) for each in values):
            return KEPT
        return super().__call__(vr, value, case)


@lru_cache(8192)
def _technical(value: str) -> bool:
    """Whether a maker's value is made of numbers, known words and short codes, and no day is in it."""
    if not value.isascii() or not value.isprintable() or _ANY_DAY.search(value):
        return False
    known = _makers_words()
    return all(
        piece.isdigit() or piece.casefold() in known or _ANYBODY.text(piece, devices=True) == piece
        for piece in _PIECES.findall(value)
    )


@cache
def _makers_words() -> frozenset[str]:
    return frozenset(_table("reviewed")["makers' words"].split())


@dataclass(frozen=True, eq=False)
class MakersText(PrivateText):
    """Text that conversion reads in a maker's own set: each value stays as it is, or goes as a whole."""

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """KEPT, the values that may stay, each at its place, or None."""
        values = [each.strip(" \0") for each in value.decode("latin-1").split("\\")]
        kept = [each if _technical(each) and case.scrubber.own.isdisjoint(_words(each)) else "" for each in values]
        if kept == values:
            return KEPT
        return "\\".join(kept).encode("latin-1") if any(kept) else None


def _words(value: str) -> list[str]:
    """Its words that are long enough not to be somebody's by chance; verification looks for all in other ways."""
    return [plain(piece) for piece in _PIECES.findall(value) if len(piece) >= _TELLING]


_MEANING: Final = Text(devices=False, rest=Dummy())


@dataclass(frozen=True, eq=False)
class Label:
    """A name by which parts of an object refer to each other: kept where nothing is to be cleaned, else a keyed one."""

    says: str = "kept where every word is known, else replaced by a keyed label"
    kind: int = LABELS

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """KEPT, or sixteen letters and digits that the key makes of the value."""
        stripped = value.strip(b" \0")
        if not stripped or case.cleaned(stripped, devices=True) == stripped:
            return _stays(case, self.kind, value)
        return case.identity.digest("label", stripped.decode("latin-1")).hex()[:15].upper().encode().rjust(16, b"L")


@dataclass(frozen=True, eq=False)
class Meaning:
    """A code's meaning: one of the standard's, else cleaned as descriptions are."""

    says: str = "kept where the standard has the meaning, else cleaned"
    kind: int = MEANINGS

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """KEPT, or what is left of the text; a dummy where nothing is."""
        if value.strip(b" \0") in meanings():
            return _stays(case, self.kind, value)
        answer = _MEANING(vr, value, case)
        return _stays(case, self.kind, value) if answer is KEPT else answer


@dataclass(frozen=True, eq=False)
class Registered:
    """UIDs: those that the standard gives to classes, syntaxes and context groups stay, others are replaced."""

    says: str = "kept where the standard registers the UID, else replaced by a keyed one"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """KEPT, or as many UIDs as there were."""
        uids = [uid.strip(" \0") for uid in value.decode("latin-1").split("\\")]
        new = [uid if _REGISTERED.fullmatch(uid) else case.identity.uid(uid) for uid in uids]
        return KEPT if new == uids else "\\".join(new).encode("ascii")


_EXACT: Final[dict[str, Callable[[str], bool]]] = {
    "code": is_code,
    "scheme": is_scheme,
    "type": _MEDIA.__contains__,
    "creator": lambda value: value in private_creators(),
}


def private_text(*, makers: bool) -> dict[str, Action]:
    """VR -> what is done with what a private element of a known set holds as text; `makers`: of a maker's own."""
    words: dict[str, Action] = dict.fromkeys((*TEXT, "CS", "AE"), MakersText() if makers else PrivateText())
    return words | dict.fromkeys(NUMBERS, PrivateNumber()) | {"AS": Age()}


@cache
def cleaning(tag: int) -> Action | None:
    """What `unlisted: clean` does with an attribute; None where it is kept unseen."""
    vr = VR_OF[tag]
    if tag in _gone():
        return rest(tag)
    if vr == "UI":
        return None if tag in NEEDED else Registered()
    if vr in NUMBERS:
        return Number(rest(tag))
    if vr == "CS":
        return _coded(tag)
    if vr in BINARY and tag < _PICTURES:
        return binary.action(tag, rest(tag))
    return _text(tag) if vr in TEXT else None


def _coded(tag: int) -> Action:
    how, _ = reviewed().get(tag, ("", ""))
    if how == "label":
        return Label()
    known, pattern = terms(tag), _patterns().get(tag)

    def harmless(value: str) -> bool:
        if value in known or (pattern is not None and pattern.fullmatch(value)):
            return True
        return how == "codes" and _ANYBODY.text(value, devices=True) == value

    return Terms(harmless, rest(tag))


def _ethnic(value: str) -> bool:
    return all(word in _groups() or len(word) == 1 or word.isdecimal() for word in re.findall(r"\w+", value.casefold()))


def _text(tag: int) -> Action:
    if tag == _ETHNIC_GROUP:
        return Terms(_ethnic, rest(tag), "kept where the words are those of ethnic groups")
    how, _ = ("codes", "") if tag in described() else reviewed().get(tag, ("", ""))
    if not how:
        return rest(tag)
    if how in _EXACT:
        return Terms(_EXACT[how], rest(tag), "kept where they are registered")
    if how == "label":
        return Label()
    return Meaning() if how == "meaning" else Text(how == "codes", rest(tag))


def odd(tag: int, vr: str) -> Action | None:
    """For an attribute that is encoded with another VR than its own (PS3.6) and would be kept unseen; None: it may.

    What is a number, a date or bytes by its nature must not become a place for text.
    """
    own = VR_OF[tag]
    if vr == own or own not in BINARY | NUMBERS | _DAYS or (vr in BINARY and own in BINARY | NUMBERS):
        return None
    return Number(rest(tag)) if vr in NUMBERS and own not in _DAYS else Remove()


Texts = Text | Label | Meaning
Cleaners = Terms | Number | Text | Label | Meaning | Registered | binary.Binary | CleanIcc
"""Actions of this list; a rule that keeps what they would clean keeps no more than Table E.1-1 does."""
