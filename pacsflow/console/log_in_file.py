"""The file that names an OpenID provider (`pacsflow console --oidc FILE`)."""

from pathlib import Path

from pacsflow.errors import ProjectError
from pacsflow.projects.source import read_document
from pacsflow.projects.validation import validated
from schemas.log_in import LogIn


def read_log_in(file: Path) -> LogIn:
    """What stands in it. Raises ProjectError with the lines that cannot be followed."""
    document = read_document(file, file.name)
    found = validated(LogIn, document) if document.value is not None else None
    if found is None or document.problems:
        raise ProjectError(document.problems)
    return found
