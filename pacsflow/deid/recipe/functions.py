"""Values of a recipe's lines as actions: literals, our own functions, those of `deid`, and a user's."""

import ast
import re
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pacsflow.deid.encoding.dictionary import WordingError
from pacsflow.deid.encoding.values import TEXT, encoded
from pacsflow.deid.rules import dates
from pacsflow.deid.rules.actions import (
    KEPT,
    Action,
    Answer,
    Case,
    Clean,
    Date,
    Dummy,
    KeepPrivate,
    Pseudonym,
    Replace,
    Uid,
)
from pacsflow.policy import code_fault
from pacsflow.regular_files import read_regular
from pacsflow.wording import counted

DAYS: Final = frozenset({"DA", "DT"})
TIMES: Final = DAYS | {"TM"}
_DAYS_OF_YEAR: Final = 365
_LONGEST: Final = 2_000_000
_HASHED: Final = 10


class ValueFaultError(WordingError):
    """A value that cannot be read, or does not fit its attribute."""


@dataclass(frozen=True)
class Jitter:
    """Complete dates moved by a number of days, the same for everybody; others emptied, times stay."""

    days: int

    @property
    def says(self) -> str:
        """With the number of days."""
        return f"moved by {counted(self.days, 'day')}, as the recipe says"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """The moved value; KEPT for a time; None where the VR is none of DA, DT, TM."""
        if vr == "TM":
            return KEPT
        return dates.shifted(vr, value, self.days) if vr in DAYS else None


@dataclass(frozen=True)
class Hash:
    """16 letters and digits that the key makes of the value; the same value gives the same."""

    says: str = "replaced by a keyed digest of the value"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """ASCII, legal in every VR of text but AE's and SH's shorter ones: 16 is their limit."""
        text = value.strip(b" \0").decode("latin-1")
        return b32encode(case.identity.digest("value", text)[:_HASHED])


@dataclass(frozen=True)
class GivenValue(KeepPrivate):
    """What the recipe's process has put there."""

    says: str = "given by a function of the recipe"


@dataclass(frozen=True)
class AsProfile:
    """What the profile does without the recipe."""

    says: str = "as without the recipe"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """KEPT: never asked, as the profile's own action stands in its place."""
        return KEPT


Fits = Callable[[str], bool]


def _text(vr: str) -> bool:
    return vr in TEXT


OWN: Final[dict[str, tuple[Action, Fits, str]]] = {
    "pseudonym": (Pseudonym(), lambda vr: vr in {"LO", "PN", "UC", "UT"}, "text of 64 letters"),
    "uid": (Uid(), lambda vr: vr == "UI", "UI"),
    "date": (Date(), lambda vr: vr in TIMES, "DA, DT and TM"),
    "hash": (Hash(), _text, "text"),
    "clean": (Clean(), _text, "text"),
    "dummy": (Dummy(), lambda vr: vr not in {"SQ", "UN"}, "all but SQ"),
    "profile": (AsProfile(), lambda _: True, "everything"),
}
"""`func:NAME` of pacsflow: the action, the VRs it fits, and how they are called."""
VARIABLES: Final = {
    "pseudonym": "pseudonym",
    "entity_id": "pseudonym",
    "item_id": "profile",
    "entity_timestamp": "profile",
    "item_timestamp": "profile",
}
"""`var:NAME`, those of the recipe that `deid` ships too, as functions of our own."""
_UUIDS: Final = frozenset({"dicom_uuid", "suffix_uuid", "basic_uuid", "pydicom_uuid"})


@dataclass(frozen=True)
class FunctionValue:
    """A line's value: what kind it is and its name, number or text."""

    kind: Literal["literal", "own", "uuid", "jitter", "user"]
    text: str = ""
    days: int = 0


def parse_value(text: str, action: str, user: frozenset[str]) -> FunctionValue:
    """The value of a line; `user` are the functions of the user's own file. Raises ValueFaultError."""
    kind, colon, name = text.partition(":")
    if colon and kind in ("var", "func", "deid_func"):
        return _called(kind, name.strip(), user)
    if action == "JITTER":
        return FunctionValue("jitter", days=_number(text))
    return FunctionValue("literal", text)


def _called(kind: str, name: str, user: frozenset[str]) -> FunctionValue:
    if kind == "deid_func":
        return _of_deid(*name.split(maxsplit=1))
    if kind == "func" and name in user:
        return FunctionValue("user", name)
    known = VARIABLES if kind == "var" else dict.fromkeys(OWN)
    if name not in known:
        more = " or give `functions:` in deid.yaml the file that has it" if kind == "func" else ""
        raise ValueFaultError(f"no {kind}:{name} is known", f"write one of {', '.join(known)}{more}")
    return FunctionValue("own", VARIABLES[name] if kind == "var" else name)


def _of_deid(name: str, extras: str = "") -> FunctionValue:
    if name in _UUIDS:
        return FunctionValue("uuid")
    if name != "jitter":
        raise ValueFaultError(f"`deid` has no function {name}", f"write jitter or one of {', '.join(sorted(_UUIDS))}")
    given = dict(pair.split("=", 1) for pair in extras.split() if "=" in pair)
    days = _number(given.get("days", "1")) + _DAYS_OF_YEAR * _number(given.get("years", "0"))
    return FunctionValue("jitter", days=days)


def _number(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,6}", text):
        raise ValueFaultError("no number of days", "write a whole number, as -31")
    return int(text)


def action_of(value: FunctionValue, vr: str) -> Action:
    """What is done with an attribute of this VR. Raises ValueFaultError where the value does not fit it."""
    if value.kind == "jitter":
        return _fitting(Jitter(value.days), vr in TIMES, vr, "DA, DT and TM")
    if value.kind == "user":
        return _fitting(GivenValue(), vr != "SQ", vr, "all but SQ")
    if value.kind == "own":
        action, fits, which = OWN[value.text]
        return _fitting(action, fits(vr), vr, which)
    if value.kind == "uuid":
        return Uid() if vr == "UI" else _fitting(Hash(), _text(vr), vr, "UI and text")
    try:
        return Replace(encoded(vr, value.text), says="replaced by the value the recipe gives")
    except ValueError as error:
        raise ValueFaultError(f"no value of VR {vr}: {error}", "see PS3.5 6.2 for its values") from None


def _fitting(action: Action, fits: bool, vr: str, which: str) -> Action:
    if not fits:
        raise ValueFaultError(f"does not fit VR {vr}", f"it fits {which}")
    return action


def defined_in(file: Path) -> tuple[bytes, frozenset[str]]:
    """The text of a user's file of functions, and their names; the file is read, not run.

    Raises ValueFaultError where it is no Python, or takes a name of ours.
    """
    try:
        text = read_regular(file)
        if len(text) > _LONGEST:
            raise ValueFaultError("is not a file of functions", "name a Python file")
        if fault := code_fault(text):
            raise ValueFaultError(
                fault, "have whoever runs this machine read it, and add its SHA-256 to `functions` there"
            )
        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ValueFaultError(f"cannot be read as Python{line}", "name a Python file that runs") from None
    names = frozenset(each.name for each in tree.body if isinstance(each, ast.FunctionDef))
    if taken := sorted(names & OWN.keys()):
        raise ValueFaultError(f"defines {taken[0]}, which is pacsflow's own", "give it another name")
    return text, names
