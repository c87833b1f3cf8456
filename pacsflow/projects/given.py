"""A node that is given as the fields of pacs.yaml, without a file."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pacsflow.errors import ProjectError
from pacsflow.projects.meaning import check_meaning
from pacsflow.projects.nodes import NodeReader
from pacsflow.projects.places import with_files
from pacsflow.projects.source import Document, FieldPath
from pacsflow.projects.support import check_support
from pacsflow.projects.validation import validated
from schemas import PacsNode


def given_nodes(fields: Mapping[str, Any], *, called: str) -> tuple[PacsNode, ...]:
    """The node that the fields describe, and its fallbacks; checked as a project's. Relative paths start here.

    `called`: what problems are reported under. Raises ProjectError, without values of secrets.
    """
    value = {name: _plain(one) for name, one in fields.items()}
    document = Document(called, value, lines=dict.fromkeys(_paths(value), 0), folder=Path.cwd())
    node = validated(PacsNode, document)
    nodes: tuple[PacsNode, ...] = ()
    if node is not None:
        first = _checked(document, node)
        read = NodeReader(Path.cwd(), _checked).read(document, first)
        document.problems += (problem for one in read.documents.values() for problem in one.problems)
        nodes = (first, *read.fallback.values())
    if document.problems:
        raise ProjectError(document.problems)
    return nodes


def _checked(document: Document, node: PacsNode) -> PacsNode:
    node = with_files(document.folder, node)
    check_meaning(document, node)
    check_support(document, node)
    return node


def _plain(value: Any) -> Any:
    """A value as YAML would give it."""
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True, exclude_unset=True)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _paths(value: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    yield path
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _paths(one, (*path, name))
    elif isinstance(value, list):
        for position, one in enumerate(value):
            yield from _paths(one, (*path, position))
