"""A recipe made into rules: for each attribute what its lines come to, decided once over the dictionary of PS3.6.

Lines work one after the other, as in `deid`: what REPLACE or JITTER names is exempt from REMOVE, what KEEP names is
exempt from everything. What takes an instance's values is left to a process of its own.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pacsflow.deid.encoding.dictionary import NEEDED, VR_OF, PrivateTag, TagError, parse_private, parse_tag
from pacsflow.deid.recipe.fields import Attribute, attribute, attributes, repeating
from pacsflow.deid.recipe.filters import Filters
from pacsflow.deid.recipe.functions import (
    DAYS,
    AsProfile,
    FunctionValue,
    GivenValue,
    Jitter,
    ValueFaultError,
    action_of,
    defined_in,
)
from pacsflow.deid.recipe.parse import ParsedRecipe, RecipeLine, parse
from pacsflow.deid.recipe.steps import Step, StepContext, read_steps
from pacsflow.deid.recipe.worker import Job, Workers
from pacsflow.deid.rules.actions import Action, Empty, Keep, Remove, Replace, Uid
from pacsflow.deid.rules.dates import shifted
from pacsflow.errors import Problem
from pacsflow.regular_files import read_regular
from pacsflow.wording import counted
from schemas.deid import DeidProfile

_BLOCK: Final = 0x1000
_OLD_VALUE: Final = {"jitter": "DA", "date": "DA", "uid": "UI"}
"""VR of private elements that a value is for; for others it is text."""


@dataclass(frozen=True)
class RecipeRule:
    """What is done with an attribute, and by which line. `exact`: the line names it, not a class of attributes."""

    action: Action
    line: RecipeLine
    exact: bool


@dataclass
class CompiledRecipe:
    """A recipe, compiled. `table` has a rule for each attribute that lines decide about, `added` for those put in."""

    name: str
    digest: str = ""
    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    table: dict[int, RecipeRule] = field(default_factory=dict)
    added: dict[int, RecipeRule] = field(default_factory=dict)
    private: dict[PrivateTag, RecipeRule] = field(default_factory=dict)
    filters: Filters | None = None
    workers: Workers | None = None

    def fill(self) -> None:
        """Decide about all attributes of the dictionary, and the private elements that lines name."""
        lines: dict[int, list[Step]] = defaultdict(list)
        for step in self.steps:
            for tag in step.tags:
                lines[tag].append(step)
        for each in attributes():
            steps = [step for step in lines.get(each.tag, ()) if step.touches(each)]
            if (rule := self.fold(each, steps)) is not None:
                self.table[each.tag] = rule
            if (rule := self._added(each, steps)) is not None:
                self.added[each.tag] = rule
        for step in self.steps:
            if step.field.private:
                self.private[step.field.private] = RecipeRule(self._private(step), step.line, exact=True)

    def yield_to(self, elements: Sequence[str]) -> None:
        """Leave the attributes that `elements` names to its rules."""
        for text in elements:
            if private := parse_private(text):
                self.private.pop(private, None)
                continue
            with suppress(TagError):
                tag, _ = parse_tag(text)
                self.table.pop(tag, None)
                self.added.pop(tag, None)

    def fold(self, each: Attribute, steps: Sequence[Step]) -> RecipeRule | None:
        """What lines that touch an attribute come to; None where they do nothing with it."""
        for step in steps:
            if step.line.action == "KEEP":
                return RecipeRule(Keep(), step.line, step.field.exact)
        return self._folded(each, [step for step in steps if step.line.action != "ADD"], steps)

    def _folded(self, each: Attribute, steps: Sequence[Step], all_steps: Sequence[Step]) -> RecipeRule | None:
        exempt = any(step.line.action in ("JITTER", "REPLACE") for step in all_steps)
        rule: RecipeRule | None = None
        for step in steps:
            if not (exempt and step.line.action == "REMOVE"):
                rule = self._next(rule, step, each)
        return rule

    def _next(self, rule: RecipeRule | None, step: Step, each: Attribute) -> RecipeRule | None:
        """The rule after one more line."""
        action, before = step.line.action, rule.action if rule else None
        if action in ("BLANK", "REMOVE"):
            new: Action | None = Remove() if action == "REMOVE" else Empty()
        elif isinstance(before, Empty) and action == "JITTER":
            return rule
        else:
            new = self._action(step, each)
        if isinstance(before, Remove) and action != "ADD":
            return rule
        if isinstance(new, Jitter) and isinstance(before, Replace):
            new = Replace(shifted(each.vr, before.value, new.days), before.says)
        return rule if new is None else RecipeRule(new, step.line, step.field.exact)

    def _action(self, step: Step, each: Attribute) -> Action | None:
        """What the line's value means for the attribute; where it does not fit one of many, the safe side of it."""
        value = step.value or FunctionValue("literal")
        try:
            action = action_of(value, each.vr)
        except ValueFaultError as error:
            if step.field.exact:
                self._problem(step, str(error), error.fix)
            return None if value.kind == "jitter" or each.tag in NEEDED else Empty()
        if each.tag in NEEDED and not isinstance(action, Uid | AsProfile):
            self._problem(step, "no instance can be without this UID", "write func:uid, or take the line out")
        return action

    def _problem(self, step: Step, message: str, fix: str) -> None:
        self.problems.append(Problem(self.name, step.line.number, "", message, fix))

    def _added(self, each: Attribute, steps: Sequence[Step]) -> RecipeRule | None:
        """What ADD and the lines after it come to at top level; KEEP is stronger."""
        actions = [step.line.action for step in steps]
        if "ADD" not in actions or "KEEP" in actions:
            return None
        rule = self._folded(each, steps[actions.index("ADD") :], steps)
        return None if rule is None or isinstance(rule.action, Remove | AsProfile) else rule

    def _private(self, step: Step) -> Action:
        simple: dict[str, Action] = {"KEEP": Keep(), "REMOVE": Remove(), "BLANK": Empty()}
        if step.line.action in simple:
            return simple[step.line.action]
        value = step.value or FunctionValue("literal")
        vr = _OLD_VALUE.get(value.text if value.kind == "own" else value.kind, "LO")
        return self._action(step, Attribute(0, "", "", vr)) or Remove()

    def unlisted(self, tag: int) -> RecipeRule | None:
        """The rule for a tag of a repeating group, or for one that a line names by its number."""
        each = attribute(tag) or Attribute(tag, "", "", "UN")
        rule = self.fold(each, [step for step in self.steps if step.touches(each)])
        if rule is None or isinstance(rule.action, AsProfile):
            return None
        return rule if each.keyword or rule.exact or not isinstance(rule.action, Keep) else None

    def takes(self, tag: PrivateTag) -> bool:
        """Whether lines for classes of attributes remove a private element that the profile keeps."""
        from pydicom.datadict import private_dictionary_description

        group, creator, number = tag
        try:
            name = private_dictionary_description(group << 16 | _BLOCK | number, creator)
        except KeyError:
            name = "Private tag data"
        each = Attribute(group << 16 | _BLOCK | number, "", name, "UN")
        rule = self.fold(each, [step for step in self.steps if not step.field.exact and step.touches(each)])
        return rule is not None and not isinstance(rule.action, Keep | AsProfile)

    @property
    def keeps_graphics(self) -> bool:
        """Whether lines keep something of curves and overlays (PS3.5 7.6), which the profile removes."""
        kept = [step for step in self.steps if step.line.action == "KEEP"]
        return any(step.touches(each) for step in kept for each in repeating())

    @property
    def keeps_dates(self) -> bool:
        """Whether a line keeps a date as it is, or leaves it to a function of the user's own."""
        return any(isinstance(self.table[tag].action, Keep | GivenValue) for tag in self.table.keys() & _dates())

    @property
    def moves_dates(self) -> bool:
        """Whether a line moves dates by days of its own."""
        return any(isinstance(self.table[tag].action, Jitter) for tag in self.table.keys() & _dates())

    def sentences(self) -> list[str]:
        """What it does, for plan and report."""
        said = [f"Recipe {self.name}: {len(self.steps)} header lines, before `vrs` and options; digest {self.digest}."]
        if self.workers:
            runs = sum(step.runs for step in self.steps)
            said.append(f"{runs} of them run in `deid` itself, in a process of their own: that is slower.")
        return said + self.notes


def compile_recipe(profile: DeidProfile) -> CompiledRecipe | None:
    """The profile's recipe, with all its mistakes in `problems`; None where it has none. No function is run."""
    if profile.recipe is None:
        return None
    file = Path(profile.recipe)
    try:
        text = read_regular(file).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        fix = "write the path of a recipe in the language of `deid`"
        return CompiledRecipe(file.name, problems=[Problem("deid.yaml", 0, "recipe", "names no text file", fix)])
    recipe = parse(text, file.name)
    code, functions = _functions(profile, recipe.problems)
    compiled = CompiledRecipe(file.name, hashlib.sha256(text.encode() + b"\0" + code).hexdigest()[:16])
    moves = "retain-longitudinal-modified-dates" in profile.options and profile.dates.method == "shift"
    compiled.steps = read_steps(recipe, StepContext(functions, moves))
    compiled.fill()
    compiled.yield_to([rule.tag for rule in profile.elements])
    compiled.problems += recipe.problems
    compiled.notes += recipe.notes
    if recipe.labels:
        compiled.filters = Filters(file.name, recipe.labels)
        compiled.notes.append(
            f"{counted(len(recipe.labels), 'label of its filters says', 'labels of its filters say')} which "
            f"images may show text."
        )
    if any(step.runs for step in compiled.steps):
        compiled.workers = Workers(_job(compiled.steps, recipe, code))
    return compiled


def _functions(profile: DeidProfile, problems: list[Problem]) -> tuple[bytes, frozenset[str]]:
    if profile.functions is None:
        return b"", frozenset()
    try:
        return defined_in(Path(profile.functions))
    except ValueFaultError as error:
        problems.append(Problem("deid.yaml", 0, "functions", str(error), error.fix))
        return b"", frozenset()


def _job(steps: Sequence[Step], recipe: ParsedRecipe, code: bytes) -> Job:
    """What the process is told: its own lines, and those that keep or protect."""
    return Job(
        header=[_told(step.line) for step in steps if step.runs],
        keep=[step.line.field for step in steps if step.line.action == "KEEP"],
        exempt=[step.line.field for step in steps if step.line.action in ("JITTER", "REPLACE")],
        values={name: [_told(line) for line in lines] for name, lines in recipe.values.items()},
        fields={name: [_told(line) for line in lines] for name, lines in recipe.fields.items()},
        code=code.decode("utf-8", "replace"),
        functions=sorted({step.value.text for step in steps if step.value and step.value.kind == "user"}),
    )


def _dates() -> set[int]:
    return {tag for tag, vr in VR_OF.items() if vr in DAYS}


def _told(line: RecipeLine) -> dict[str, str]:
    said = {"action": line.action, "field": line.field}
    return said if line.value is None else said | {"value": line.value}
