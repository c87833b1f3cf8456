"""The files of old systems, read strictly: a mistake in them is reported with file and field."""

import json
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from pacsflow.errors import Problem, ProjectError
from pacsflow.regular_files import read_regular

T = TypeVar("T")


def read_json(file: Path) -> Any:
    """What a JSON file holds. Raises ProjectError."""
    try:
        return json.loads(read_regular(file).decode("utf-8-sig"))
    except OSError as error:
        refuse(file, "", f"cannot be read: {error.strerror or type(error).__name__}", "fix the path")
    except UnicodeDecodeError:
        refuse(file, "", "is not UTF-8 text", "save it as UTF-8")
    except json.JSONDecodeError as error:
        raise ProjectError.at(file.name, f"is not JSON: {error.msg}", "fix it", line=error.lineno) from None
    except (ValueError, RecursionError):
        refuse(file, "", "is not JSON that can be read", "look for numbers and nesting without end")


def checked(file: Path, shape: type[T]) -> T:
    """What a JSON file holds, as `shape` (a model, a mapping) says. Raises ProjectError with all its problems."""
    value = read_json(file)
    try:
        return TypeAdapter(shape).validate_python(value)
    except ValidationError as error:
        problems = [
            Problem(file.name, 0, ".".join(map(str, one["loc"])), one["msg"], "fix the old configuration first")
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise ProjectError(problems) from None


def refuse(file: Path, field: str, message: str, fix: str) -> NoReturn:
    """Raise ProjectError about a field of an old file."""
    raise ProjectError.at(file.name, message, fix, field=field)
