"""What to write instead: never a field's description, always something that can be done."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from schemas._base import OneOf

_KINDS = {
    "bool": "write true or false",
    "int": "write a whole number",
    "float": "write a number",
    "list": "write a list: each item on a line of its own that begins with `- `, or [a, b]",
    "tuple": "write a list in brackets: [a, b]",
    "string": "write one text",
    "date": "write a date as 2026-01-31",
}
"""Beginning of a kind of pydantic's mistakes -> what to write."""
_ENUMS = ("literal_error", "enum")
SCANNER = (
    ("mapping values are not allowed", "a `:` where none is expected", ("put a text that holds `: ` in quotes; or look "
     "at the indentation: this line may stand further right than the one it belongs to")),
    ("escape sequence", "a `\\` within double quotes begins a special character", ("write the path in single quotes, "
     "or without any: 'C:\\data\\cohort.csv'")),
    ("unknown escape character", "a `\\` within double quotes begins a special character", ("write the path in single "
     "quotes, or without any: 'C:\\data\\cohort.csv'")),
    ("unexpected end of stream", "the file ends within a text in quotes", ("close the quotation mark that was opened "
     "last: look for a text with only one")),
    ("expected <block end>", "does not fit the lines above it", ("begin keys of one level in the same column, and each "
     "item of a list with `- `")),
    ("could not find expected ':'", "a key without `: `, or a text that is not closed", ("write `key: value`, with a "
     "blank behind the colon")),
    ("cannot start any token", "a text begins with a character that YAML keeps for itself", "put the text in quotes"),
    ("undefined alias", "a text begins with `*`, which YAML takes for a reference", "put the text in quotes"),
    ("expected ',' or ']'", "a `[` without its `]`, or an item without its `,`", "close the list: [a, b]"),
    ("expected ',' or '}'", "a `{` without its `}`, or a field without its `,`", "close it: {a: 1, b: 2}"),
    ("expected the node content", "a value is missing", ("write the value behind `: `, in quotes where it begins "
     "with a special character")),
    ("could not determine a constructor", "a text begins with `!`, which YAML keeps for itself", "put it in quotes"),
)  # fmt: skip
"""Words of the YAML library -> what that means, and what to do."""


def of_scanner(said: str) -> tuple[str, str]:
    """What a message of the YAML library means, and what to do; the message is not repeated where it is known."""
    for words, meaning, fix in SCANNER:
        if words in said:
            return meaning, fix
    return "", "look at this line and the one before it: a quotation mark or bracket may lack its partner"


def of_kind(details: Iterable[Mapping[str, Any]], info: FieldInfo | None, models: Iterable[type[BaseModel]]) -> str:
    """What to write where a value is of the wrong kind; '' for kinds of which more must be known."""
    kinds = [str(detail["type"]) for detail in details]
    below = list(dict.fromkeys(name for model in models for name in model.model_fields))
    if any(kind in {"model_type", "dict_type", "dataclass_type"} for kind in kinds) and below:
        return f"write its fields on lines of their own below it, indented: {', '.join(below)}"
    example = _example(info)
    for kind in kinds:
        if words := _KINDS.get(kind.partition("_")[0]):
            return f"{words}{example}"
    if any(kind in {"dict_type", "model_type"} for kind in kinds):
        return f"write `key: value` lines below it, indented{example}"
    return example.removeprefix(", ")


def of_choice(allowed: list[str], near: str) -> str:
    """What to write where one of a few words is expected."""
    if near:
        return f"write `{near}`"
    return f"write one of {', '.join(f'`{word}`' for word in allowed)}" if allowed else ""


def choices(info: FieldInfo) -> list[str]:
    """The words that a field may have, as its type or a table names them; empty where it may have others."""
    words = [str(word) for word in get_args(info.annotation) if isinstance(word, str | int)]
    return words or [name for each in info.metadata if isinstance(each, OneOf) for name in each.names]


def of_missing(name: str, info: FieldInfo | None) -> str:
    """What to write where a field is missing."""
    if info is None:
        return f"write `{name}: …`"
    words = choices(info)
    value = _plain(info.examples[0]) if info.examples else words[0] if words else "…"
    told = f" ({info.description})" if info.description else ""
    return f"write `{name}: {value}`{told}"


def of_key(key: str, known: Mapping[str, FieldInfo], below: Mapping[str, list[str]], near: str) -> str:
    """What to write for an unknown key. `below`: key -> the fields of this level under which it is known."""
    if near:
        return f"write `{near}`"
    if places := below.get(key):
        where = " or ".join(f"`{place}`" for place in places)
        return f"belongs under {where}: indent it by two blanks more than {where}"
    alike = [name for name in known if key.casefold() in name.casefold() or name.casefold() in key.casefold()]
    if alike:
        return f"write {' or '.join(f'`{name}`' for name in alike)}"
    return f"known here: {', '.join(known)}"


def _example(info: FieldInfo | None) -> str:
    return f", for example {_plain(info.examples[0])}" if info is not None and info.examples else ""


def _plain(value: object) -> str:
    """A value as YAML."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
