"""A recipe's text as lines with their numbers; all that cannot be read is found here, at once.

The `deid` package ends the process at its first mistake, passes over what it does not know, and over actions in small
letters: so its loader is not used. A test holds this reading against it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pacsflow.deid.recipe.filters import NOWHERE, FilterError, Label, clauses
from pacsflow.errors import Problem

ACTIONS: Final = ("ADD", "BLANK", "JITTER", "KEEP", "REPLACE", "REMOVE")
NEEDS_VALUE: Final = frozenset({"ADD", "JITTER", "REPLACE"})
TAKES_NO_VALUE: Final = frozenset({"BLANK", "KEEP"})
SECTIONS: Final = ("header", "filter", "values", "fields")
_GROUP_ACTIONS: Final = {"fields": ("FIELD",), "values": ("FIELD", "SPLIT")}
_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""")
_COORDINATES = re.compile(r"(?:ctp)?(?:keep)?coordinates\b\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class RecipeLine:
    """One action: where it stands, what is done, to which fields, with what."""

    number: int
    action: str
    field: str
    value: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.action, self.field, self.value)))


@dataclass
class ParsedRecipe:
    """What a recipe says. `values` and `fields` are its named lists."""

    name: str
    header: list[RecipeLine] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    values: dict[str, list[RecipeLine]] = field(default_factory=dict)
    fields: dict[str, list[RecipeLine]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def problem(self, number: int, message: str, fix: str) -> None:
        """Record a mistake in line `number`."""
        self.problems.append(Problem(self.name, number, "", message, fix))

    def section(self, name: str, title: str) -> list[RecipeLine]:
        """The lines of a section; those of named lists stand apart."""
        return self.header if name == "header" else (self.fields if name == "fields" else self.values)[title]


def parse(text: str, name: str) -> ParsedRecipe:
    """The recipe `text` of the file `name`; its mistakes gather in `problems`."""
    recipe = ParsedRecipe(name)
    section, title, form = "", "", False
    for number, line in _lines(text):
        if line.startswith("%"):
            section, title = _section(recipe, number, line)
        elif line.upper().startswith("FORMAT"):
            form = True
            if line[len("FORMAT") :].strip().lower() != "dicom":
                recipe.problem(number, "no format that is read here", "write FORMAT dicom")
        elif section == "filter":
            _filter_line(recipe, number, line, group=title)
        elif section:
            _action_line(recipe, number, line, place=(section, title))
        else:
            recipe.problem(number, "stands before the first section", "write %header above it")
    if not form:
        recipe.problem(1, "the format is missing", "write FORMAT dicom in the first line")
    return recipe


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line and not line.startswith("#"):
            yield number, line


def _section(recipe: ParsedRecipe, number: int, line: str) -> tuple[str, str]:
    section, _, title = line.lstrip("%").split("#")[0].strip().partition(" ")
    section, title = section.lower(), title.strip()
    if section not in SECTIONS:
        recipe.problem(number, f"%{section} is not a section that does something here", "write %header, or take it out")
        return "unknown", ""
    if section != "header" and not title:
        recipe.problem(number, f"%{section} has no name", f"write %{section} NAME")
    if section in _GROUP_ACTIONS:
        (recipe.fields if section == "fields" else recipe.values).setdefault(title, [])
    return section, title


def _action_line(recipe: ParsedRecipe, number: int, line: str, *, place: tuple[str, str]) -> None:
    section, title = place
    if section == "unknown":
        return
    words = _WORD.findall(line)
    action = words[0].upper()
    known = _GROUP_ACTIONS.get(section, ACTIONS)
    if action not in known:
        recipe.problem(number, f"{words[0]} is not an action of %{section}", f"write one of {', '.join(known)}")
        return
    if len(words) == 1 or words[1].startswith("#"):
        recipe.problem(number, f"{action} without a field", f"write {action} PatientID")
        return
    value = " ".join(words[2:]).split("#")[0].strip() or None
    if action in NEEDS_VALUE and value is None:
        recipe.problem(number, f"{action} without a value", f"write {action} {words[1]} VALUE")
    elif action in TAKES_NO_VALUE and value is not None:
        recipe.problem(number, f"{action} takes no value", f"write {action} {words[1]}")
    else:
        recipe.section(section, title).append(RecipeLine(number, action, words[1], value))


def _filter_line(recipe: ParsedRecipe, number: int, line: str, *, group: str) -> None:
    if line.upper().startswith("LABEL"):
        recipe.labels.append(Label(group.lower(), line[len("LABEL") :].split("#", maxsplit=1)[0].strip(), number))
        return
    if not recipe.labels:
        recipe.problem(number, "stands before the first LABEL", "write LABEL and a name above it")
        return
    label = recipe.labels[-1]
    if match := _COORDINATES.fullmatch(line):
        label.coordinates.append(match[1])
        return
    try:
        label.lines.append(clauses(line))
        if any(clause.tag == NOWHERE for clause in label.lines[-1]):
            recipe.notes.append(f"{recipe.name}:{number}: names no attribute of PS3.6, so it is taken as absent.")
    except FilterError as error:
        recipe.problem(number, str(error), error.fix)
