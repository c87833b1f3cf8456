"""A JSON list of objects, keyword -> value, as pacsnpull writes it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pacsflow.query.fault import FaultError
from pacsflow.query.raw import Cell, RawRow, RawTable, Reading

_NEXT = re.compile(r"[\s,]*")
_FIX = 'write [{"PatientID": "…"}, …]'


class _Number(str):
    """The text of a number, which may once have had zeros at its front."""

    __slots__ = ()


def read_json(file: Path, name: str, _how: Reading) -> RawTable:
    """The rows of a list of objects. `"*"` asks back and filters nothing. Raises FaultError, OSError."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        objects = list(_objects(text))
        json.dumps(objects, ensure_ascii=False).encode()  # half a character, as \\ud800, is none
    except UnicodeDecodeError:
        raise FaultError("is not UTF-8 text", "save it as UTF-8") from None
    except RecursionError:
        raise FaultError("is not a list of objects", _FIX) from None
    except json.JSONDecodeError as error:
        raise FaultError(f"line {error.lineno} is not JSON: {error.msg}", "fix this line") from None
    headings = tuple(dict.fromkeys(key for _, each in objects for key in each))
    rows = tuple(RawRow(line, {key: _cell(value) for key, value in each.items()}) for line, each in objects)
    return RawTable(name, headings, rows, stars_ask_back=True)


def _objects(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a list, each with its line."""
    json.loads(text, parse_int=_Number, parse_float=_Number)  # the whole must be right before its parts are looked at
    decoder = json.JSONDecoder(parse_int=_Number, parse_float=_Number, object_pairs_hook=_object)
    at = text.find("[")
    if text[:at].strip() or at < 0:
        raise FaultError("is not a list of objects", _FIX)
    while (begin := _NEXT.match(text, at + 1)) and text[begin.end() :][:1] == "{":
        value, at = decoder.raw_decode(text, begin.end())
        yield text.count("\n", 0, begin.end()) + 1, value
    if text[at + 1 :].strip(" \t\r\n]"):
        raise FaultError("is not a list of objects", _FIX)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise FaultError("an object has the same key twice", "keep one of them")
    return dict(pairs)


def _cell(value: Any) -> Cell:
    if value is None:
        return Cell("")
    if isinstance(value, _Number):
        return Cell(value, "number")
    return Cell(value) if isinstance(value, str) else Cell(str(value), "odd")
