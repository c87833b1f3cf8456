"""A recipe's header lines with their fields and values read, and what cannot be meant by them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pacsflow.deid.encoding.dictionary import NEEDED
from pacsflow.deid.recipe.fields import Attribute, Field, FieldError, UnknownError, attributes, parse_field
from pacsflow.deid.recipe.functions import FunctionValue, ValueFaultError, parse_value
from pacsflow.deid.recipe.parse import ParsedRecipe, RecipeLine

MARKS: Final = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
"""The marking, which says what was really done."""
PIXELS: Final = 0x7FE0
_CHARSET: Final = 0x00080005
_BOUND: Final = NEEDED | {_CHARSET, *range(0x00281201, 0x00281205), 0x00281221, 0x00281222, 0x00281223}
"""And the character set, and colour palettes: what the rest cannot be read without."""


@dataclass(frozen=True)
class Step:
    """A line with its field and value read."""

    line: RecipeLine
    field: Field
    value: FunctionValue | None

    @property
    def here(self) -> bool:
        """Whether the table can do it; else it takes an instance, in a process of its own."""
        return self.field.decidable and not (self.line.action == "REMOVE" and self.value)

    @property
    def runs(self) -> bool:
        """Whether it runs in that process."""
        return not self.here or (self.value is not None and self.value.kind == "user")

    @cached_property
    def tags(self) -> frozenset[int]:
        """The attributes of the dictionary that it means."""
        return frozenset(each.tag for each in attributes() if self.field.matches(each))

    def touches(self, each: Attribute) -> bool:
        """Whether the table has it do something with the attribute.

        The marking is nobody's but ours; a line for many attributes leaves alone what an instance cannot be without.
        """
        if not self.here or each.tag in MARKS or not self.field.matches(each):
            return False
        bound = each.tag in _BOUND or each.tag >> 16 == PIXELS
        return self.line.action == "KEEP" or self.field.exact or not bound


@dataclass(frozen=True)
class StepContext:
    """What lines may count on: functions of the user's own, and whether the profile moves dates."""

    functions: frozenset[str]
    dates_move: bool


def read_steps(recipe: ParsedRecipe, means: StepContext) -> list[Step]:
    """The header lines, read; mistakes and remarks gather in the recipe."""
    found = (_step(recipe, line, means) for line in recipe.header)
    return [step for step in found if step is not None]


def _step(recipe: ParsedRecipe, line: RecipeLine, means: StepContext) -> Step | None:
    """The line, read; None where it is a mistake, or where it means nothing that can be there."""
    try:
        field = parse_field(line.field, recipe.fields, recipe.values)
        value = parse_value(line.value, line.action, means.functions) if line.value else None
    except UnknownError as error:
        if line.action not in ("BLANK", "REMOVE"):
            recipe.problem(line.number, str(error), error.fix)
        else:
            recipe.notes.append(f"{recipe.name}:{line.number}: {error}; the line does nothing.")
        return None
    except (FieldError, ValueFaultError) as error:
        recipe.problem(line.number, str(error), error.fix)
        return None
    step = Step(line, field, value)
    if fault := _misplaced(step, means):
        recipe.problem(line.number, *fault)
        return None
    if step.field.exact and MARKS & step.tags:
        recipe.notes.append(f"{recipe.name}:{line.number}: left to pacsflow, which says what was really done.")
    return step


def _misplaced(step: Step, means: StepContext) -> tuple[str, str] | None:
    """What is wrong with a line whose parts are right, and what to write."""
    action, field, value = step.line.action, step.field, step.value
    kind = value.kind if value else ""
    faults = (
        (
            action in ("ADD", "KEEP") and not field.decidable,
            f"{action} takes neither values: nor paths",
            "name the attributes",
        ),
        (
            action == "ADD" and (not field.exact or field.private is not None),
            "ADD takes one attribute of PS3.6",
            "name it by its keyword",
        ),
        (
            action == "REMOVE" and kind not in ("", "user"),
            "REMOVE takes no value but a function of your own",
            "write func:NAME, and `functions:` in deid.yaml",
        ),
        (
            action == "JITTER" and kind not in ("jitter", "user"),
            "JITTER without a number of days",
            "write a whole number, as -31",
        ),
        (
            not field.decidable and kind in ("own", "uuid"),
            "the key does not go where values: and paths are looked for",
            "name the attributes",
        ),
        (
            value == FunctionValue("own", "date") and not means.dates_move,
            "dates have no shift",
            "add the option retain-longitudinal-modified-dates, with `dates: {method: shift}`",
        ),
        (
            field.private is not None and kind == "user",
            "functions of your own take no private elements",
            "write a literal, or func:hash",
        ),
    )
    return next(((message, fix) for wrong, message, fix in faults if wrong), _untouchable(step))


def _untouchable(step: Step) -> tuple[str, str] | None:
    if not step.field.exact or step.line.action == "KEEP":
        return None
    if step.line.action in ("BLANK", "REMOVE") and NEEDED & step.tags:
        return "no instance can be without this UID", "write REPLACE and func:uid, or take the line out"
    if any(tag >> 16 == PIXELS for tag in step.tags):
        return "pixel data is not for a recipe", "see `pixels:` in deid.yaml"
    return None
