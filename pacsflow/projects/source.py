"""YAML text -> plain values, and where in the file each of them stands.

The node tree is read, not the values a YAML library makes of it: so `0045322` is still there with
its zeros, a date is still the text that was written, and every mistake has its line.
"""

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pacsflow.errors import Problem
from pacsflow.projects.fixes import of_scanner
from pacsflow.regular_files import read_regular
from pacsflow.wording import counted

FieldPath = tuple[str | int, ...]
"""Keys and 0-based list positions from the top of a file to a field."""

_TAG = "tag:yaml.org,2002:"
_TOO_MUCH = (
    "holds too many values, aliases `*…` counted as what they stand for",
    "put rows into a table, `table: {file: rows.csv}`",
)
_DEEPEST = 40
MOST_BYTES = 4 << 20
MOST_NODES = 200_000
"""Values of one file, aliases followed: some seconds of work. More rows than that belong in a table."""
MOST_TOLD = 20
"""Mistakes of one file that are told one by one; of the others their number is."""
_PART = re.compile(r"\[\d+\]|[^.\[]+")


class _EndlessError(Exception):
    def __init__(self, path: FieldPath) -> None:
        self.path = path


class _TooMuchError(Exception):
    def __init__(self, line: int) -> None:
        self.line = line


class _Bounded(Composer):
    """Counts nodes and aliases while they are read, and stops before they fill the memory."""

    _nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """See `Composer`. Raises _TooMuchError."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _TooMuchError(self.parser.peek_event().start_mark.line + 1)
        return super().compose_node(parent, index)


@dataclass
class Document:
    """One YAML file: its values, the line of each field, and the text of each unquoted non-text scalar.

    `folder` is where the file lies. `value` is None where the file could not be read; then `problems` says why.
    """

    file: str
    value: dict[str, Any] | None = None
    lines: dict[FieldPath, int] = field(default_factory=dict)
    texts: dict[FieldPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    folder: Path = Path()
    _values: int = 0

    def count(self, line: int) -> None:
        """Count a value that is read, at a line of the file. Raises an error where they are more than are taken."""
        self._values += 1
        if self._values > MOST_NODES:
            raise _TooMuchError(line)

    def line_of(self, path: FieldPath) -> int:
        """1-based line of a field, or of the nearest field around it; 0 for an empty file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def value_at(self, path: FieldPath) -> Any:
        """The value of a field; None where there is none."""
        value: Any = self.value
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def problem(self, path: FieldPath, message: str, fix: str = "") -> None:
        """Record a mistake at `path`."""
        self.problems.append(Problem(self.file, self.line_of(path), spell(path), message, fix))


def spell(path: FieldPath) -> str:
    """A field in one word: `rows[2].PatientID`, list positions counted from 0."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def unspell(text: str) -> FieldPath:
    """The path that `spell` has spelled."""
    return tuple(int(part[1:-1]) if part[0] == "[" else part for part in _PART.findall(text))


def read_document(file: Path, name: str) -> Document:
    """The YAML file, called `name` in problems. Never raises for what the file holds."""
    document = Document(name, folder=file.parent)
    try:
        text = read_regular(file, MOST_BYTES).decode("utf-8-sig")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # legal, and its text shows the lines
            node = bounded(YAML(typ="rt")).compose(text)
    except OSError as error:
        document.problem((), f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        document.problems.append(Problem(name, line, "", "is not UTF-8 text", "save the file as UTF-8"))
    except MarkedYAMLError as error:
        document.problems.append(_syntax(name, error))
    except _TooMuchError as error:
        document.problems.append(Problem(name, error.line, "", *_TOO_MUCH))
    except (YAMLError, RecursionError):
        document.problem((), "is not YAML", "look for control characters and endless nesting")
    except (ValueError, TypeError, MemoryError, LookupError, AttributeError) as error:
        document.problem((), f"is not YAML ({type(error).__name__})", "look for values of an odd kind")
    else:
        try:
            _fill(document, node)
        except _EndlessError as error:
            document.problem(error.path[:1], "is nested without end", "take the alias `*…` out")
        except _TooMuchError as error:
            document.value = None
            document.problems.append(Problem(name, error.line, "", *_TOO_MUCH))
    document.problems = fewer(document.problems)
    return document


def fewer(problems: list[Problem]) -> list[Problem]:
    """The first of a file's mistakes, in its order, and how many more there are."""
    if len(problems) <= MOST_TOLD + 1:
        return problems
    ordered = sorted(problems)
    following = ordered[MOST_TOLD]
    return [*ordered[:MOST_TOLD], further(following.file, following.line, len(ordered) - MOST_TOLD)]


def further(file: str, line: int, number: int) -> Problem:
    """That a file has so many more mistakes, the first of them in a line."""
    return Problem(file, line, "", f"has {counted(number, 'more mistake')} from here on", "correct those before first")


def bounded(yaml: YAML) -> YAML:
    """A reader or writer of YAML that takes no more than `MOST_NODES`; it raises an exception that is no YAMLError."""
    yaml.Composer = _Bounded
    return yaml


def _syntax(name: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    trouble = " ".join(filter(None, (error.problem, error.context)))
    if "\\t" in trouble:
        return Problem(name, line, "", "a tab", "indent by spaces, YAML takes no tabs")
    if "another document" in trouble:
        return Problem(name, line, "", "a second document begins here", "keep one document; take out the line `---`")
    # Never the library's own words: they may quote what stands in the file.
    meaning, fix = of_scanner(trouble)
    return Problem(name, line, "", f"is not YAML: {meaning}" if meaning else "is not YAML", fix)


def _fill(document: Document, node: Node | None) -> None:
    if isinstance(node, MappingNode):
        document.value = _mapping(document, node, ())
        document.lines[()] = node.start_mark.line + 1
    elif node is None:
        document.problem((), "is empty", "write its fields; `pacsflow init NAME` shows one that is right")
    else:
        document.problem((), "must be `key: value` lines at the top", "write `key: value`, not a list or a single text")


def _plain(document: Document, node: Node, path: FieldPath) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    document.count(node.start_mark.line + 1)
    if len(path) > _DEEPEST:
        raise _EndlessError(path)
    if isinstance(node, MappingNode):
        return _mapping(document, node, path)
    if isinstance(node, SequenceNode):
        return [_plain(document, item, (*path, position)) for position, item in enumerate(node.value)]
    return _scalar(document, node, path) if isinstance(node, ScalarNode) else None


def _mapping(document: Document, node: MappingNode, path: FieldPath) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        document.count(line)
        if not isinstance(key, ScalarNode) or str(key.tag) == f"{_TAG}merge":
            where = Problem(document.file, line, spell(path), "a key that is not a plain word", "write `key: value`")
            document.problems.append(where)
            continue
        here = (*path, key.value)
        if key.value in values:
            first = document.lines[here]
            document.problems.append(
                Problem(document.file, line, spell(here), f"stands twice, first in line {first}", "keep one of them")
            )
            continue
        document.lines[here] = line
        values[key.value] = _plain(document, value, here)
    return values


def _scalar(document: Document, node: ScalarNode, path: FieldPath) -> Any:
    kind, text = str(node.tag).removeprefix(_TAG), str(node.value)
    if kind == "str":
        if _UNWRITABLE.search(text):
            document.problem(path, "holds a character that is none of a text", "write it without control characters")
            return ""
        return text
    document.texts[path] = text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in {"true", "yes", "on", "y"}
    return _number(text) if kind in {"int", "float"} else text


_LONGEST_NUMBER = 300
_UNWRITABLE = re.compile("[\\0\ud800-\udfff]")
"""What no name of a file or host holds, and no file of UTF-8."""


def _number(text: str) -> int | float | str:
    digits = text.replace("_", "")
    if len(digits) > _LONGEST_NUMBER:  # Python refuses to write it as text again
        return text
    for read in (int, lambda value: int(value, 0), float):
        try:
            return read(digits)
        except ValueError:
            continue
    return text
