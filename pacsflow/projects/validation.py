"""Plain values -> a model, or problems in plain words: field, what was found, what to write."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pacsflow.projects.fixes import choices, of_choice, of_key, of_kind, of_missing
from pacsflow.projects.source import MOST_TOLD, Document, FieldPath, further

_UNSEEN = {"rows", "key", "token", "auth", "password", "ledger", "url", "urls", "webhook", "options", "value"}
"""Fields whose values are never repeated: they may hold an identifier or a secret."""
_SHOWN = 40
_MEANT = {
    "delete": "remove", "drop": "remove", "clear": "empty", "blank": "empty", "zero": "empty", "hash": "uid",
    "retain": "keep", "stop": "hold", "ignore": "accept", "yes": "required", "no": "none", "false": "none",
    "true": "required", "pacs": "dicom", "node": "dicom", "s3": "storage", "sftp": "storage", "zip": "archive",
    "dicom-web": "dicomweb", "directory": "folder", "dir": "folder", "path": "folder",
}  # fmt: skip
"""What people write -> the word that is meant, where it is one of those allowed."""
_QUOTED = re.compile(r"'([^']*)'")

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], document: Document) -> M | None:
    """The document as `model`; None, and problems in the document, where it does not fit."""
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        gathered = _by_field(document, error)
        first, later = _first(document, gathered)
        gathered = {path: gathered[path] for path in first}
        meant = {path: _meant(model, document, path) for path, details in gathered.items() if _unknown(details)}
        absent = {(*path[:-1], name) for path, name in meant.items()}
        for path, details in gathered.items():
            if path in meant:
                _explain_key(model, document, path, meant[path])
            elif path not in absent or details[0]["type"] != "missing":
                _explain(model, document, path, details)
        if later:
            document.problems.append(further(document.file, document.line_of(later[0]), len(later)))
        return None


def _first(document: Document, gathered: Iterable[FieldPath]) -> tuple[list[FieldPath], list[FieldPath]]:
    """The fields whose mistakes are told, and those that are only counted: each costs time to explain."""
    ordered = sorted(gathered, key=document.line_of)
    most = MOST_TOLD if len(ordered) > MOST_TOLD + 1 else len(ordered)
    return ordered[:most], ordered[most:]


def nearest(word: str, known: Iterator[str] | list[str] | frozenset[str], *, likeness: float = 0.7) -> str:
    """The known word most like `word`, case aside; empty where none is near."""
    folded = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), folded, n=1, cutoff=likeness)
    return folded[found[0]] if found else ""


def _by_field(document: Document, error: ValidationError) -> dict[FieldPath, list[ErrorDetails]]:
    """Errors gathered per field: a union reports once for each of its members."""
    gathered: dict[FieldPath, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        gathered.setdefault(_place(document, details), []).append(details)
    return gathered


def _place(document: Document, details: ErrorDetails) -> FieldPath:
    """The path in the file: a location of pydantic's without the names of union members."""
    path: FieldPath = ()
    for part in details["loc"]:
        if (*path, part) in document.lines:
            path = (*path, part)
    if details["type"] == "missing":
        path = (*path, details["loc"][-1])
    return path


def _unknown(details: list[ErrorDetails]) -> bool:
    return {detail["type"] for detail in details} == {"extra_forbidden"}


def _meant(model: type[BaseModel], document: Document, path: FieldPath) -> str:
    """The key that was probably meant by an unknown one; empty where none is near."""
    models, _ = _field(model, document, path)
    return nearest(str(path[-1]), [name for each in models for name in _names(each)])


def _explain_key(model: type[BaseModel], document: Document, path: FieldPath, meant: str) -> None:
    models, _ = _field(model, document, path)
    known = {name: info for each in models for name, info in _names(each).items()}
    below: dict[str, list[str]] = {}
    for name, info in known.items():
        for key in {key for inner in _models(info) for key in _names(inner)}:
            below.setdefault(key, []).append(name)
    around = document.value_at(path[:-1])
    here = around if isinstance(around, dict) else {}
    empty = [name for name in below.get(str(path[-1]), []) if name in here and not here[name]]
    if empty:  # its key stands there without anything below it: that is where this one belongs
        below[str(path[-1])], meant = empty, ""
    document.problem(path, "unknown key", of_key(str(path[-1]), known, below, meant))


def _explain(model: type[BaseModel], document: Document, path: FieldPath, details: list[ErrorDetails]) -> None:
    _, info = _field(model, document, path)
    if any(detail["type"] == "missing" for detail in details):
        document.problem(path, "is missing", of_missing(str(path[-1]), info))
        return
    said = dict.fromkeys(_message(detail) for detail in details if detail["type"] != "extra_forbidden")
    message = " or ".join(said).replace(" or should be", " or") + _found(path, details[0])
    if path in document.lines and document.value_at(path) is None and path in document.texts:
        message = "is empty"
    nested = any(detail["type"] == "model_type" for detail in details)
    models = list(_models(info)) if info and nested else []
    fix = _fix(document, path, details) or _wrapped(document, path, models) or of_kind(details, info, models)
    document.problem(path, message, fix)


def _wrapped(document: Document, path: FieldPath, models: list[type[BaseModel]]) -> str:
    """`fetch: {method: c-get}` for a value that stands where its field belongs; '' where nobody knows which."""
    value = document.value_at(path)
    if not isinstance(value, str) or _UNSEEN.intersection(path):
        return ""
    for name, info in ((name, info) for each in models for name, info in _names(each).items()):
        if value in choices(info) or (info.is_required() and info.annotation is str):
            return f"write `{path[-1]}: {{{name}: {value}}}`"
    return ""


def _fix(document: Document, path: FieldPath, details: list[ErrorDetails]) -> str:
    if path in document.texts and any(detail["type"] == "string_type" for detail in details):
        return "write it in quotes"
    if any("keyring" in str(detail.get("ctx", {}).get("pattern")) for detail in details):
        return "write where the secret is: ${env:NAME}, ${file:PATH} or ${keyring:SERVICE/NAME}"
    contexts = [detail.get("ctx", {}) for detail in details]
    allowed = _QUOTED.findall(" ".join(str(c.get("expected") or c.get("expected_tags") or "") for c in contexts))
    value = document.value_at(path)
    if isinstance(value, dict):  # of several kinds, told by its field `kind`
        value = value.get("kind", "")
    word = _MEANT.get(str(value).casefold(), "")
    return of_choice(allowed, word if word in allowed else nearest(str(value), allowed, likeness=0.55))


def _message(detail: ErrorDetails) -> str:
    kind, message = detail["type"], detail["msg"]
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind == "string_pattern_mismatch":
        return "has not the right form"
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        tags = detail.get("ctx", {}).get("expected_tags", "")
        return f"`kind` must say one of {tags}" if tags else "`kind` is missing"
    if kind == "bool_parsing":
        return "should be true or false"
    if kind == "model_type":
        return "should be `key: value` lines"
    message = message.split(", unable to parse")[0]
    return message.replace("Input should", "should").replace("valid string", "text").replace("String", "text")


def _found(path: FieldPath, detail: ErrorDetails) -> str:
    """The value found, where it may be repeated."""
    value = detail["input"]
    if _UNSEEN.intersection(path) or not isinstance(value, str | int | float) or detail["type"] == "value_error":
        return ""
    text = str(value)
    return f", found `{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}`"


def _field(
    model: type[BaseModel], document: Document, path: FieldPath
) -> tuple[list[type[BaseModel]], FieldInfo | None]:
    """The models whose keys may stand beside the last part of `path`, and the field it names."""
    models: list[type[BaseModel]] = [model]
    for depth, part in enumerate(path[:-1], start=1):
        value = document.value_at(path[:depth])
        if isinstance(part, str):
            inner = [each for outer in models if part in _names(outer) for each in _models(_names(outer)[part])]
            models = inner or models
        models = _of_kind(models, value)
    last = next((part for part in reversed(path) if isinstance(part, str)), "")
    infos = [_names(each)[last] for each in models if last in _names(each)]
    return models, infos[0] if infos else None


def _of_kind(models: list[type[BaseModel]], value: Any) -> list[type[BaseModel]]:
    kind = value.get("kind") if isinstance(value, dict) else None
    fitting = [each for each in models if "kind" in _names(each) and kind in get_args(_names(each)["kind"].annotation)]
    return fitting or models


def _names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, FieldInfo):
        annotation = annotation.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
