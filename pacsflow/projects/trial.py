"""A file of a project with another text, tried before anything is saved."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from pacsflow.errors import ProjectError
from pacsflow.projects import inspect_project
from pacsflow.projects.changing import shadow

M = TypeVar("M", bound=BaseModel)


@contextmanager
def model_tried(folder: Path, file: str, text: str, kind: type[M]) -> Iterator[M]:
    """What `file` of a project says with another text; files that it names are there until the end.

    Raises ProjectError with the mistakes in it; OSError.
    """
    with shadow(folder, {file: text}) as tried:
        found = inspect_project(tried)
        model, problems = found.models.get(file), [one for one in found.problems if one.file == file]
        if problems or not isinstance(model, kind):
            raise ProjectError(problems)
        yield model
