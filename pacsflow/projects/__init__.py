"""A folder of YAML -> a project, or all that is wrong with it, each with file, line, field and fix."""

from pacsflow.projects.elsewhere import third_party
from pacsflow.projects.folder import Inspection, inspect_project, read_project, read_targets
from pacsflow.projects.keywords import check_keyword
from pacsflow.projects.places import named_place
from pacsflow.projects.project import Project
from pacsflow.projects.source import Document, FieldPath, spell, unspell
from pacsflow.projects.validation import nearest

__all__ = [
    "Document",
    "FieldPath",
    "Inspection",
    "Project",
    "check_keyword",
    "inspect_project",
    "named_place",
    "nearest",
    "read_project",
    "read_targets",
    "spell",
    "third_party",
    "unspell",
]
