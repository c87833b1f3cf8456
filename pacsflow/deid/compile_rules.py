"""deid.yaml made into rules: what every tag's action is, decided once (PS3.15 Table E.1-1)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from pacsflow.deid.encoding.dictionary import EXACT, NEEDED, VR_OF, PrivateTag, TagError, parse_private, parse_tag
from pacsflow.deid.encoding.values import TEXT, encoded
from pacsflow.deid.recipe.compile import CompiledRecipe
from pacsflow.deid.recipe.functions import AsProfile, GivenValue, Jitter
from pacsflow.deid.rules import unlisted
from pacsflow.deid.rules.actions import (
    Action,
    Age,
    BirthDate,
    Clean,
    Date,
    Dummy,
    Empty,
    Keep,
    KeepPrivate,
    Nested,
    Pseudonym,
    Remove,
    Replace,
    StudyKey,
    Uid,
    Year,
)
from pacsflow.deid.rules.ge_blocks import PROTOCOL_BLOCK, USER_DATA, CleanProtocolBlock, CleanUserData
from pacsflow.deid.rules.private_sets import names, private_tags
from pacsflow.deid.rules.siemens_csa import CSA_HEADERS, CleanCsa
from pacsflow.deid.rules.structured_content import content_rules
from pacsflow.deid.rules.table import OVERRIDDEN, Pattern, Rest, Rules
from pacsflow.errors import Problem
from schemas.deid import DeidProfile, ElementRule

DATES: Final = ("retain-longitudinal-full-dates", "retain-longitudinal-modified-dates")
SUBJECT: Final = (0x00100010, 0x00100020)
"""Patient's Name and Patient ID, which carry the pseudonym."""
STUDY_KEYS: Final[dict[int, Action]] = {
    0x00080050: StudyKey("AccessionNumber"),
    0x00200010: StudyKey("StudyID"),
}
"""Ids of studies that may have a value (Z of PS3.15 E.1.1): some archives join studies of a day that have none."""
SPECIAL: Final[dict[PrivateTag, Action]] = {
    **dict.fromkeys(CSA_HEADERS, CleanCsa()),
    USER_DATA: CleanUserData(),
    PROTOCOL_BLOCK: CleanProtocolBlock(),
}
"""Private elements with an inside that is cleaned, even where a rule keeps them."""
CLEANED_SETS: Final = frozenset(("ps3.15-safe", "nifti-without-creator"))
"""Sets whose text is cleaned; that of the makers' own sets, which conversion reads, stays as it is or goes."""
UNLISTED: Final = {"PN": "X ..........", "DA": "X .....KC...", "DT": "X .....KC...", "TM": "X .....KC..."}
"""Rules for names, dates and times that Table E.1-1 does not list: industrial and retired attributes."""
BIRTH_DATE: Final = 0x00100030
OTHER_CALENDAR: Final = dict.fromkeys((0x00100033, 0x00100034, 0x00100035), "X ..........")
"""Birth and death date in another calendar, which calendar: PS3.3 C.2.2 has them as text, Table E.1-1 not at all."""
LENGTH_TO_END: Final = 0x00080001
"""A retired count of bytes that would be wrong afterwards."""
ENCRYPTED: Final = 0x04000500
"""Encrypted Attributes Sequence: the original values, of which nobody here can tell what they are (PS3.15 E.1.2)."""
NAMING: Final = frozenset({0x00080018, 0x0020000D, 0x0020000E})
"""UIDs that books and references go by: all are new, or all stay."""
OVERLAYS: Final = 0x60000000
CURVES: Final = 0x50000000
GROUPS: Final = 0xFF000000
"""Repeating groups 50xx and 60xx; without their data the rest of such a group says nothing, and goes too."""


@cache
def table() -> dict[str, Any]:
    """The generated copy of PS3.15 Tables E.1-1 and E.3.4-1."""
    return dict(json.loads(files("pacsflow.deid").joinpath("tables/ps315.json").read_text("utf-8")))


def listed_rule(tag: int, vr: str) -> str | None:
    """Letter of the basic profile, and a column per option; None: neither the table nor we have a rule."""
    ours = OTHER_CALENDAR.get(tag, UNLISTED.get(vr))
    return str(table()["rules"].get(f"{tag:08X}") or "") or ours


class Compiler:
    """Turns a profile into Rules. Mistakes gather in `problems`."""

    def __init__(self, profile: DeidProfile, recipe: CompiledRecipe | None = None) -> None:
        self.profile = profile
        self.recipe = recipe
        self.problems: list[Problem] = []
        self.exceeds = False
        self.ruled: set[int] = set()
        self.placed = OVERRIDDEN

    def rules(self, resolve: Callable[[int, str], str]) -> Rules:
        """The rules; `resolve` picks one letter of a compound code for a tag."""
        actions = {tag: action for tag in VR_OF if (action := self._standard(tag, resolve))}
        actions |= {tag: Pseudonym() for tag in SUBJECT}
        actions |= STUDY_KEYS if self.profile.study_ids == "keyed" else {}
        self._apply_vrs(actions)
        patterns, private = self._graphics(), self._private()
        if self.recipe is not None:
            patterns = self._apply_recipe(self.recipe, actions, private, patterns)
        for number, rule in enumerate(self.profile.elements):
            try:
                patterns = self._element(rule, actions, private, patterns)
            except (TagError, ValueError) as error:
                fix = getattr(error, "fix", "see PS3.6 for the attribute's VR and PS3.5 6.2 for its values")
                where = "value" if rule.value is not None and not isinstance(error, TagError) else "tag"
                self._problem(f"elements[{number}].{where}", str(error), fix)
        if isinstance(actions.get(BIRTH_DATE), Date):
            actions[BIRTH_DATE] = BirthDate()
        actions = {tag: action for tag, action in actions.items() if not isinstance(action, Keep)}
        content = content_rules(table()["content"], table()["options"], self.profile.options)
        seen = self.profile.unlisted == "keep"
        return Rules(frozenset(VR_OF), actions, patterns, private, frozenset(self.ruled), content, self.placed, seen)

    def _problem(self, field: str, message: str, fix: str) -> None:
        self.problems.append(Problem("deid.yaml", 0, field, message, fix))

    def _standard(self, tag: int, resolve: Callable[[int, str], str]) -> Action | None:
        """Base and options for one tag; None: kept."""
        vr = VR_OF[tag]
        listed = listed_rule(tag, vr)
        if tag in (LENGTH_TO_END, ENCRYPTED):
            return Remove()
        if listed is None:
            return Nested() if vr == "SQ" else self._unlisted(tag, vr)
        basic, columns = listed.split(" ")
        chosen = {
            letter: option
            for option, letter in zip(table()["options"], columns, strict=True)
            if letter != "." and option in self.profile.options
        }
        if "K" in chosen:
            return self._retained(tag, vr)
        base = basic_action(vr, resolve(tag, basic))
        return (self._cleaning(chosen["C"], vr, base) if "C" in chosen else None) or base

    def _retained(self, tag: int, vr: str) -> Action | None:
        """The action for what an option keeps: numbers must be numbers, and coded strings those of the standard."""
        if vr in unlisted.NUMBERS or vr == "CS" or tag in unlisted.described():
            return unlisted.cleaning(tag)
        return Age() if vr == "AS" else Nested("told") if vr == "SQ" else self._moved(vr)

    def _moved(self, vr: str) -> Action | None:
        """The action for what stays: a date among moved ones is moved, too, as it may be the exam's day."""
        moves = vr in ("DA", "DT", "TM") and DATES[1] in self.profile.options
        return (self.date_action() or Remove()) if moves else None

    def _unlisted(self, tag: int, vr: str) -> Action | None:
        """By `unlisted`, for an attribute that Table E.1-1 does not list; None: kept unseen."""
        how = self.profile.unlisted
        if how == "keep" or (vr == "UI" and "retain-uids" in self.profile.options):
            return None
        action = unlisted.cleaning(tag)
        return (
            unlisted.rest(tag) if how == "remove" and isinstance(action, unlisted.Text | unlisted.Meaning) else action
        )

    def _cleaning(self, option: str, vr: str, base: Action) -> Action | None:
        """The action for C under `option`; None: as the base says, which is stricter."""
        if option == "retain-longitudinal-modified-dates":
            return self.date_action() if vr in ("DA", "DT", "TM") else None
        if vr == "SQ":
            return Nested("structured" if option == "clean-structured-content" else "plain")
        return Clean(base) if vr in TEXT else None

    def date_action(self) -> Action | None:
        """What the profile's date method does; None: as the base says."""
        actions: dict[str, Action] = {"shift": Date(), "keep": Keep(), "year": Year()}
        return actions.get(self.profile.dates.method)

    def _graphics(self) -> tuple[Rest, ...]:
        return (Pattern(CURVES, GROUPS, Remove()), Pattern(OVERLAYS, GROUPS, Remove()))

    def _apply_vrs(self, actions: dict[int, Action]) -> None:
        for vr, verb in self.profile.vrs.items():
            if vr == "UI" and verb != "keep":
                self._problem("vrs.UI", "an instance cannot be without its UIDs", "take UI out")
                continue
            for tag in (tag for tag, known in VR_OF.items() if known == vr and tag not in NEEDED):
                self._weaker(actions.get(tag), verb)
                actions[tag] = _verb(verb, vr)

    def _weaker(self, before: Action | None, verb: str) -> None:
        """Notes where a rule keeps what the standard's profile would not."""
        harmless = Nested | Keep | unlisted.Cleaners
        self.exceeds |= verb == "keep" and before is not None and not isinstance(before, harmless)

    def _apply_recipe(
        self,
        recipe: CompiledRecipe,
        actions: dict[int, Action],
        private: dict[PrivateTag, Action],
        patterns: tuple[Rest, ...],
    ) -> tuple[Rest, ...]:
        for tag, rule in recipe.table.items():
            if isinstance(rule.action, AsProfile):
                continue
            if isinstance(rule.action, Keep | Jitter | GivenValue) and actions.get(tag) != rule.action:
                self._weaker(actions.get(tag), "keep")
            actions[tag] = Nested() if isinstance(rule.action, Keep) and VR_OF[tag] == "SQ" else rule.action
            if rule.exact:
                self.ruled.add(tag)
        for gone in [each for each in private if recipe.takes(each)]:
            del private[gone]
        for single, rule in recipe.private.items():
            private[single] = self._kept_private(single) if isinstance(rule.action, Keep) else rule.action
        self.placed = OVERRIDDEN | recipe.added.keys()
        self.exceeds |= recipe.keeps_graphics
        return (_Unlisted(recipe), *patterns)

    def _private(self) -> dict[PrivateTag, Action]:
        keep = list(self.profile.private.keep)
        if not keep and "retain-safe-private" in self.profile.options:
            keep = ["ps3.15-safe"]
        found, shipped = dict[PrivateTag, Action](), names()
        for number, name in enumerate(keep):
            try:
                texts = unlisted.private_text(makers=name not in CLEANED_SETS) if name in shipped else {}
                found |= {tag: self._kept_private(tag, texts) for tag in private_tags(name)}
            except TagError as error:
                self._problem(f"private.keep[{number}]", str(error), error.fix)
        return found

    def _kept_private(self, tag: PrivateTag, texts: Mapping[str, Action] = MappingProxyType({})) -> Action:
        """The action for a kept private element; `texts` are what is done with VRs of text in a known set."""
        if special := SPECIAL.get(tag):
            return special
        dates: Action = Remove()
        if DATES[0] in self.profile.options:
            dates = Keep()
        elif DATES[1] in self.profile.options:
            dates = self.date_action() or Remove()
        uids = Keep() if "retain-uids" in self.profile.options else Uid()
        by_vr = {"DA": dates, "DT": dates, "TM": dates, "UI": uids}
        by_vr |= {vr: _verb(verb, vr) for vr, verb in self.profile.vrs.items()}
        return KeepPrivate(by_vr=tuple(({"PN": Remove(), **texts} | by_vr).items()))

    def _element(
        self,
        rule: ElementRule,
        actions: dict[int, Action],
        private: dict[PrivateTag, Action],
        patterns: tuple[Rest, ...],
    ) -> tuple[Rest, ...]:
        if single := parse_private(rule.tag):
            private[single] = self._kept_private(single) if rule.action == "keep" else _explicit(rule, "LO")
            return patterns
        value, mask = parse_tag(rule.tag)
        if mask != EXACT or value not in VR_OF:
            self.exceeds |= rule.action == "keep"
            return (Pattern(value, mask, _explicit(rule, "UN")), *patterns)
        if value in NEEDED and rule.action in ("remove", "empty", "dummy", "clean"):
            raise TagError("no instance can be without this UID", "write `uid`, or take the rule out")
        if value in NAMING and rule.action != ("keep" if "retain-uids" in self.profile.options else "uid"):
            fix = "add the option retain-uids, which keeps all UIDs, or take the rule out"
            raise TagError("instances, series and studies are known by this UID: no rule for it alone", fix)
        self._weaker(actions.get(value), rule.action)
        actions[value] = _explicit(rule, VR_OF[value])
        self.ruled.add(value)
        return patterns


@dataclass(frozen=True)
class _Unlisted:
    """A recipe's rules for tags that are not in PS3.6's list one by one."""

    recipe: CompiledRecipe

    def action_for(self, tag: int) -> Action | None:
        """The action for a tag; None where no line means it."""
        rule = self.recipe.unlisted(tag)
        return rule.action if rule else None


def basic_action(vr: str, letter: str) -> Action:
    """The action for one letter of the basic profile's column."""
    if vr == "SQ" and letter in ("D", "U"):
        return Nested("dummies" if letter == "D" else "plain")
    actions: dict[str, Action] = {"X": Remove(), "Z": Empty(), "D": Dummy(), "U": Uid()}
    return actions[letter]


def _verb(verb: str, vr: str) -> Action:
    if verb == "keep":
        return Nested() if vr == "SQ" else Keep()
    return Remove() if verb == "remove" else Empty()


def _explicit(rule: ElementRule, vr: str) -> Action:
    """The action of an element rule. Raises ValueError where it makes no sense for the VR."""
    if rule.action == "replace":
        return Replace(encoded(vr, rule.value or ""))
    fits = {"uid": vr == "UI", "date": vr in ("DA", "DT", "TM"), "clean": vr in TEXT, "dummy": vr != "UN"}
    if not fits.get(rule.action, True):
        raise ValueError(f"`{rule.action}` does not fit VR {vr}")
    simple: dict[str, Action] = {"uid": Uid(), "date": Date(), "clean": Clean()}
    if rule.action in simple:
        return simple[rule.action]
    if rule.action == "dummy":
        return Nested() if vr == "SQ" else Dummy()
    return _verb(rule.action, vr)
