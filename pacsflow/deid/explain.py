"""What a profile does to one file, element by element, read from the finished result and not from the rules."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement

from pacsflow.deid.compile import compile_alone
from pacsflow.deid.compile_rules import STUDY_KEYS, SUBJECT, listed_rule, table
from pacsflow.deid.encoding.dictionary import CREATORS, PRIVATE, VR_OF, parse_tag, tag_text
from pacsflow.deid.encoding.part10 import read_part10
from pacsflow.deid.recipe import CompiledRecipe, compile_recipe
from pacsflow.deid.recipe.functions import AsProfile
from pacsflow.deid.rules.actions import Dummy, Empty, Remove
from pacsflow.deid.rules.free_text import ProjectWords
from pacsflow.deid.rules.unlisted import Meaning, Text, cleaning
from pacsflow.wording import counted
from schemas.deid import DeidProfile

MARKING: Final = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
REPEATING: Final = frozenset({0x50, 0x60})
"""Curves and overlays."""
_LONGEST: Final = 64
_BINARY: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


@dataclass(frozen=True)
class Change:
    """One element before and after; None where it is absent. IDENTIFYING: `before` is what stands in the file."""

    tag: str
    keyword: str
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    rule: str


@dataclass(frozen=True)
class _Ruling:
    """A profile and its recipe, asked for the rule of an element."""

    profile: DeidProfile
    recipe: CompiledRecipe | None

    def of(self, elem: DataElement) -> str:
        """Which rule decides about an element."""
        return rule_of(self.profile, int(elem.tag), str(elem.VR), line=self._line(elem))

    def _line(self, elem: DataElement) -> str:
        tag, recipe = int(elem.tag), self.recipe
        if recipe is None:
            return ""
        rule = recipe.private.get((tag >> 16, str(elem.private_creator), tag & 0xFF)) if tag & PRIVATE else None
        if not tag & PRIVATE:
            rule = recipe.added.get(tag) or (recipe.table.get(tag) if tag in VR_OF else recipe.unlisted(tag))
        if rule is None or isinstance(rule.action, AsProfile):
            return ""
        return f"{recipe.name}:{rule.line.number}: {rule.line}"

    def own_words(self, elem: DataElement | None) -> list[str]:
        """The words that stay in an element's text because the project's `vocabulary` says so."""
        vocabulary = self.profile.vocabulary
        if elem is None or elem.VR == "SQ" or not (vocabulary.words or vocabulary.patterns):
            return []
        return ProjectWords.of(vocabulary.words, vocabulary.patterns).found_in(str(elem.value))

    @property
    def by_values(self) -> bool:
        """Whether lines of the recipe look at values."""
        return bool(self.recipe and self.recipe.workers)

    @property
    def otherwise(self) -> str:
        """What else changes an element that the rules keep."""
        found = "verification found the patient in it"
        return (
            f"a line about values in {self.recipe.name}, or {found}" if self.recipe and self.recipe.workers else found
        )


def explain(profile: DeidProfile, key: bytes, file: Path) -> list[Change]:
    """Every element of a DICOM file and of what becomes of it, sequences inside too, in order; kept ones as well.

    Raises ProjectError for mistakes of the profile, RefusalError where the file is refused. Nothing is written.
    """
    cleaned = compile_alone(profile, key).clean(read_part10(file))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pydicom, about values that are not legal
        old = dcmread(file)
        new = dcmread(BytesIO(b"".join(bytes(part) for part in cleaned.parts)))
        return list(_compared(old, new, _Ruling(profile, compile_recipe(profile)), ""))


def _compared(old: Dataset, new: Dataset, ruling: "_Ruling", within: str) -> Iterator[Change]:
    for tag in sorted({int(each) for each in (*old.keys(), *new.keys())}):
        before, after = old.get(tag), new.get(tag)
        shown = before or after
        if shown is None:
            continue
        keyword = within + (shown.keyword or shown.name)
        rule = ruling.of(shown)
        if "cleaned" in rule and (own := ruling.own_words(after)):
            rule = f"{rule} (kept by vocabulary: {', '.join(own)})"
        if _changed_all_the_same(rule, before, after, cleaned=ruling.by_values):
            rule = f"{ruling.otherwise} ({rule})"
        yield Change(tag_text(tag), keyword, _value(before), _value(after), rule)
        if before is not None and after is not None:
            yield from _inside(before, after, ruling, f"{keyword}[{{}}].")


def _inside(before: DataElement, after: DataElement, ruling: "_Ruling", within: str) -> Iterator[Change]:
    """The items of a sequence, where none went: then it is known which is which."""
    if before.VR == after.VR == "SQ" and len(before.value) == len(after.value):
        for number, (old, new) in enumerate(zip(before.value, after.value, strict=True)):
            yield from _compared(old, new, ruling, within.format(number))


def _changed_all_the_same(
    rule: str, before: DataElement | None, after: DataElement | None, *, cleaned: bool = False
) -> bool:
    """Whether an element went that a rule keeps, or, where lines of a recipe look at values, cleans unlisted."""
    keeps = rule.endswith(": kept") or (cleaned and rule.startswith("not in Table E.1-1: cleaned"))
    kept = keeps and before is not None and before.VR != "SQ"
    return kept and (after is None or (bool(before and before.value) and not after.value))


def _value(elem: DataElement | None) -> str | None:
    if elem is None:
        return None
    if elem.VR == "SQ":
        return f"{counted(len(elem.value), 'item')}"
    if elem.VR in _BINARY and isinstance(elem.value, bytes):
        return f"{counted(len(elem.value), 'byte')}"
    text = str(elem.value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def rule_of(profile: DeidProfile, tag: int, vr: str, *, line: str = "") -> str:
    """Which rule decides about an element, in the order of precedence. `line`: that of the recipe, if it has one."""
    if tag in MARKING:
        return "marking"
    if tag & PRIVATE:
        number = tag & 0xFFFF
        return line or ("private" if number not in CREATORS else "private creator: stays with an element of its own")
    own = next((f"elements: {rule.action}" for rule in reversed(profile.elements) if _fits(rule.tag, tag)), line)
    if own:
        return own
    if vr in profile.vrs and tag in VR_OF:
        return f"vrs: {vr} {profile.vrs[vr]}"
    if profile.study_ids == "keyed" and tag in STUDY_KEYS:
        return "study_ids: keyed"
    return "pseudonym" if tag in SUBJECT else _standard(profile, tag, vr)


def _fits(rule: str, tag: int) -> bool:
    if '"' in rule:
        return False
    value, mask = parse_tag(rule)
    return tag & mask == value


def _standard(profile: DeidProfile, tag: int, vr: str) -> str:
    if tag not in VR_OF:
        return "basic profile: X" if tag >> 24 in REPEATING else "not in PS3.6: removed"
    listed = listed_rule(tag, vr)
    if listed is None:
        return f"not in Table E.1-1: {_unlisted(profile, tag, vr)}"
    basic, columns = listed.split(" ")
    chosen = [
        (letter, option)
        for option, letter in zip(table()["options"], columns, strict=True)
        if letter != "." and option in profile.options
    ]
    for wanted, says in (("K", "kept"), ("C", "cleaned")):
        for letter, option in chosen:
            if letter == wanted:
                return f"{option}: {says}"
    return f"basic profile: {basic}"


def _unlisted(profile: DeidProfile, tag: int, vr: str) -> str:
    """What `unlisted` comes to for an attribute."""
    if profile.unlisted == "keep" or vr == "SQ" or (vr == "UI" and "retain-uids" in profile.options):
        return "kept"
    action = cleaning(tag)
    if action is None:
        return "kept"
    if profile.unlisted == "remove" and isinstance(action, Text | Meaning):
        return "removed, as all text is"
    return f"{action.says}, as nobody reviewed it" if isinstance(action, Remove | Empty | Dummy) else action.says
