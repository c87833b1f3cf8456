"""What a schema cannot see: DICOM keywords, files that must exist, patterns, layout fields."""

import re
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from zoneinfo import available_timezones

from pydantic import BaseModel

from pacsflow.extras import missing
from pacsflow.hours import calendar
from pacsflow.projects.hosts import check_hosts
from pacsflow.projects.node import check_node
from pacsflow.projects.source import Document, FieldPath
from pacsflow.projects.targets import check_targets
from pacsflow.projects.validation import nearest
from pacsflow.pseudonyms.table import read_shifts, read_table
from pacsflow.regular_files import is_there
from schemas.deid import DeidProfile
from schemas.export import Export
from schemas.pacs import Hours, PacsNode
from schemas.project import ProjectSettings
from schemas.sources import SOURCES

_SECRET = re.compile(r"^\$\{(env|file|keyring|prefect):[^}]+\}$")


def check_meaning(document: Document, model: BaseModel) -> None:
    """A problem in `document` for whatever `model` says that cannot be meant."""
    check_hosts(document, model)
    if isinstance(model, ProjectSettings):
        _check_ledger(document, model)
    elif isinstance(model, PacsNode):
        check_node(document, model)
        if model.hours:
            _check_hours(document, model.hours)
    elif isinstance(model, DeidProfile):
        _check_pseudonyms(document, model)
        _check_recipe(document, model)
    elif isinstance(model, Export):
        check_targets(document, model.targets)
        _check_header_table(document, model)


def check_workers(documents: Mapping[str, Document], models: Mapping[str, BaseModel]) -> None:
    """A problem where several runs share a project whose pseudonyms only one vault can give."""
    project, deid = models.get("project.yaml"), models.get("deid.yaml")
    if not isinstance(project, ProjectSettings) or not isinstance(deid, DeidProfile) or project.workers == 1:
        return
    if SOURCES[deid.patient.source].invents:
        message = f"pseudonyms are `{deid.patient.source}`, which each work directory would number by itself"
        documents["project.yaml"].problem(("workers",), message, "write workers: 1, or patient: {source: keyed}")


def _check_ledger(document: Document, model: ProjectSettings) -> None:
    if model.ledger != "sqlite" and not _SECRET.match(model.ledger):
        document.problem(("ledger",), "is neither `sqlite` nor a reference", "write sqlite or ${env:NAME}")


def _check_pseudonyms(document: Document, model: DeidProfile) -> None:
    table = partial(read_table, shared=model.patient.shared)
    for name, file, read in (("patient", model.patient.file, table), ("dates", model.dates.file, read_shifts)):
        if file is not None and not is_there(file):
            document.problem((name, "file"), "names no file", "write the path of a JSON or CSV table")
        elif file is not None:
            document.problems += read(Path(file))[1]


def _check_header_table(document: Document, model: Export) -> None:
    if model.header_table and (lacking := missing("pyarrow")):
        document.problem(("header_table",), *lacking)


def _check_recipe(document: Document, model: DeidProfile) -> None:
    for name in ("recipe", "functions"):
        file = getattr(model, name)
        if file is not None and not is_there(file):
            document.problem((name,), "names no file", "write its path, seen from the file that names it")


def _check_hours(document: Document, hours: Hours) -> None:
    at: FieldPath = ("hours",)
    if hours.timezone not in (zones := available_timezones()):
        near = nearest(hours.timezone, list(zones))
        document.problem((*at, "timezone"), "is not a time zone", f"write `{near}`" if near else "as Europe/Zurich")
    for position, window in enumerate(hours.allow):
        if window.begin == window.end:
            document.problem((*at, "allow", position), "ends when it begins", "for a whole day leave `from`, `to` out")
    for position, text in enumerate(hours.holidays):
        try:
            date.fromisoformat(text)
        except ValueError:
            document.problem((*at, "holidays", position), "is not a date", "write YYYY-MM-DD")
    if hours.holiday_calendar is not None:
        try:
            calendar(hours.holiday_calendar)
        except LookupError:
            fix = "write a country as CH, or a subdivision as CH-ZH; or list dates under `holidays`"
            document.problem((*at, "holiday_calendar"), "is no country or subdivision with known holidays", fix)
