"""Changes to a project's files: comments survive, what would be wrong is known before anything is written."""

import difflib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final, Literal

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from pacsflow.errors import ProjectError
from pacsflow.projects.source import FieldPath
from pacsflow.regular_files import read_regular

SHADOW: Final = ".change-of-"
"""How the name of a folder begins in which a change is tried."""
_INDENTS: Final = ({"mapping": 2, "sequence": 4, "offset": 2}, {"mapping": 2, "sequence": 2, "offset": 0},
                   {"mapping": 4, "sequence": 6, "offset": 4})  # fmt: skip
_WIDEST: Final = 4096


@dataclass(frozen=True)
class DiffLine:
    """A line of a difference: `same`, `added` or `taken`."""

    what: Literal["same", "added", "taken"]
    text: str


def with_values(text: str, values: Mapping[FieldPath, Any]) -> str:
    """The text of a YAML file with other values; None takes a field out. Comments and the order of fields stay.

    What becomes empty by that is taken out too. Raises ProjectError where the text is not YAML.
    """
    writer = _writer_for(text)
    try:
        tree = writer.load(text) or CommentedMap()
    except YAMLError:
        raise ProjectError.at("change", "the file is not YAML", "correct it in an editor first") from None
    for path, value in values.items():
        if value is not None:
            _put(tree, path, value)
    text = _dumped(writer, tree) if any(value is not None for value in values.values()) else text
    for path in (path for path, value in values.items() if value is None):
        text = _without(text, path)
    return text


def value_of(text: str, path: FieldPath) -> Any:
    """The value of a field as plain data; None where there is none, or the text is not YAML."""
    try:
        value: Any = YAML(typ="safe", pure=True).load(text)
        for part in path:
            value = value[part]
    except (YAMLError, KeyError, IndexError, TypeError):
        return None
    return value


def difference(before: str, after: str, context: int = 2) -> list[DiffLine]:
    """The lines that differ, and `context` lines around them."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), n=context, lineterm="")
    kinds: dict[str, Literal["same", "added", "taken"]] = {" ": "same", "+": "added", "-": "taken"}
    return [
        DiffLine(kinds.get(line[:1], "same"), line[1:])
        for line in found
        if not line.startswith(("---", "+++", "@@")) and line
    ]


@contextmanager
def shadow(folder: Path, texts: Mapping[str, str]) -> Iterator[Path]:
    """A folder beside a project that is the project with other texts of files; it goes at the end.

    It lies beside, so that what the files name relative to them is the same. Raises OSError.
    """
    place = folder.parent / f"{SHADOW}{folder.name}-{secrets.token_hex(4)}"
    place.mkdir(mode=0o700)
    try:
        for each in folder.iterdir():
            if each.name not in texts:
                (place / each.name).symlink_to(each, target_is_directory=each.is_dir())
        for name, text in texts.items():
            (place / name).write_text(text, "utf-8")
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def write_change(file: Path, before: str, after: str) -> None:
    """Write a file that was read as `before`. Raises ProjectError where somebody has changed it since; OSError."""
    if read_text(file) != before:
        raise ProjectError.at(file.name, "was changed by somebody else since it was read", "load the page again")
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with fresh.open("x", encoding="utf-8", newline="") as stream:
            stream.write(after)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(file, fresh)
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)


def read_text(file: Path) -> str:
    """The text of a file of a project, its line ends as they are. Raises ProjectError."""
    try:
        return read_regular(file).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ProjectError.at(file.name, "cannot be read as text", "save it as UTF-8") from None


def _writer_for(text: str) -> YAML:
    """A writer that changes least of this text: indents as the text has them."""

    def changed(writer: YAML) -> int:
        try:
            return sum(line.what != "same" for line in difference(text, _dumped(writer, writer.load(text)), context=0))
        except YAMLError:
            return 0

    return min(map(_writer, _INDENTS), key=changed)


def _writer(indents: Mapping[str, int]) -> YAML:
    writer = YAML(typ="rt")
    writer.preserve_quotes = True
    writer.width = _WIDEST
    writer.indent(**indents)
    return writer


def _dumped(writer: YAML, tree: Any) -> str:
    stream = StringIO()
    writer.dump(tree, stream)
    return stream.getvalue()


def _put(tree: Any, path: FieldPath, value: Any) -> None:
    *above, last = path
    for part in above:
        if isinstance(tree, dict) and not isinstance(tree.get(part), dict | list):
            tree[part] = CommentedMap()
        tree = tree[part]
    if isinstance(tree, list) and isinstance(last, int) and last == len(tree):
        tree.append(value)
    elif not (_is_there(tree, last) and tree[last] == value):
        tree[last] = _in_line(value) if _is_there(tree, last) and _stands_in_line(tree[last]) else value


def _stands_in_line(value: Any) -> bool:
    """Whether a list stands in one line, as [a, b]."""
    return isinstance(value, CommentedSeq) and bool(value.fa.flow_style())


def _in_line(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    inline = CommentedSeq(value)
    inline.fa.set_flow_style()
    return inline


def _without(text: str, path: FieldPath) -> str:
    """The text without a field, and without what becomes empty by that; comments after it stay where they can."""
    writer = _writer_for(text)
    tree = writer.load(text)
    way = [tree]
    for part in path[:-1]:
        if not _is_there(way[-1], part):
            return text
        way.append(way[-1][part])
    if not _is_there(way[-1], path[-1]):
        return text
    while len(way) > 1 and len(way[-1]) == 1:
        way.pop()
    above, key = way[-1], path[len(way) - 1]
    if isinstance(above, CommentedMap) and not above.fa.flow_style():
        return _without_lines(text, above, key)
    del above[key]
    return _dumped(writer, tree)


def _without_lines(text: str, above: CommentedMap, key: str | int) -> str:
    """The text without the lines of a field of a block; the ruamel way would take the comments after it along."""
    first, column = above.lc.key(key)
    lines = text.splitlines(keepends=True)
    last = first + 1
    for place in range(first + 1, len(lines)):
        bare = lines[place].strip()
        if not bare or bare.startswith("#"):
            continue
        if len(lines[place]) - len(lines[place].lstrip()) <= column and not bare.startswith("- "):
            break
        last = place + 1
    return "".join([*lines[:first], *lines[last:]])


def _is_there(tree: Any, part: str | int) -> bool:
    return part in tree if isinstance(tree, dict) else isinstance(part, int) and part < len(tree)
