"""The language of project files as a page for people, written from the schemas."""

import json
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pacsflow.projects.support import not_yet
from schemas import BESIDE, FILES
from schemas._base import OneOf

_HEAD = """# Every field of a project folder

Written by `pacsflow schema --out DIR`. What the language can say and this version
refuses, with exit code 2 and the line, is marked **Not yet**.
"""


def reference() -> str:
    """Markdown: one table per file, one line per field."""
    parts = [_HEAD]
    for name, model in {**FILES, **BESIDE}.items():
        parts += [f"## {name}\n", "| field | value | default | meaning |", "|---|---|---|---|"]
        parts += [*_lines(model, "", file=model), ""]
    return "\n".join(parts)


def _lines(model: type[BaseModel], prefix: str, *, file: type[BaseModel]) -> Iterator[str]:
    for name, info in model.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        instead = not_yet(file, path)
        mark = "Not all of it yet" if instead.startswith("write") else "Not yet"
        meaning = " ".join(filter(None, [_meaning(info), f"**{mark}**: {instead}." if instead else ""]))
        cells = (f"`{path}`", _choices(info.metadata) or _kind(info.annotation), _default(info), meaning)
        yield "| " + " | ".join(cells) + " |"
        for inner in _models(info.annotation):
            kind = inner.model_fields.get("kind")
            label = f"{path}[{get_args(kind.annotation)[0]}]." if kind else f"{path}."
            yield from _lines(inner, label, file=file)


def _kind(annotation: Any) -> str:
    """The kind of value in words; choices as they are written."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _written(arguments)
    if origin is Annotated and (choices := _choices(arguments[1:])):
        return choices
    counted = arguments[:1] if origin is Annotated else arguments
    inner = [_kind(each) for each in counted if each is not type(None)]
    if origin in (Annotated, Union, UnionType):
        return " or ".join(dict.fromkeys(inner))
    forms = {list: f"list of {''.join(inner[:1])}", dict: ": ".join(inner), tuple: f"[{', '.join(inner)}]"}
    if origin in forms:
        return forms[origin]
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "value"}
    return names.get(annotation, "fields below")


def _choices(metadata: Iterable[Any]) -> str:
    """The names of a table that a text must be one of; '' where it may be another."""
    return next((_written(each.names) for each in metadata if isinstance(each, OneOf)), "")


def _written(choices: Iterable[Any]) -> str:
    return " \\| ".join(f"`{each}`" for each in choices)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "needed"
    if info.default is PydanticUndefined or info.default in (None, "", [], {}) or isinstance(info.default, list):
        return ""
    return f"`{json.dumps(info.default)}`"


def _meaning(info: FieldInfo) -> str:
    example = f"Example: `{json.dumps(info.examples[0], ensure_ascii=False)}`" if info.examples else ""
    said = f"{info.description.rstrip('.')}." if info.description else ""
    return " ".join(filter(None, [said, example])).replace("|", "\\|")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
