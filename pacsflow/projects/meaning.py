"""What a schema cannot see: DICOM keywords, files that must exist, patterns, layout fields."""

import re
from datetime import date
from pathlib import Path
from zoneinfo import available_timezones

from pydantic import BaseModel
from pydicom.datadict import keyword_dict, tag_for_keyword

from pacsflow.hours import calendar
from pacsflow.projects.node import check_node
from pacsflow.projects.source import Document, FieldPath
from pacsflow.projects.targets import check_targets
from pacsflow.projects.validation import nearest
from pacsflow.pseudonyms.table import read_shifts, read_table
from schemas import DeidProfile, Export, PacsNode, ProjectSettings
from schemas.pacs import Hours

_SECRET = re.compile(r"^\$\{(env|file|keyring|prefect):[^}]+\}$")


def check_meaning(document: Document, model: BaseModel) -> None:
    """A problem in `document` for whatever `model` says that cannot be meant."""
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


def check_keyword(document: Document, path: FieldPath, keyword: str) -> bool:
    """Whether `keyword` is one of DICOM's (PS3.6); else a problem that offers the nearest."""
    if tag_for_keyword(keyword) is not None:
        return True
    near = nearest(keyword, DICOM_KEYWORDS)
    document.problem(path, "is no DICOM keyword", f"write `{near}`" if near else "see PS3.6 for the keywords")
    return False


def _check_ledger(document: Document, model: ProjectSettings) -> None:
    plain = "://" in model.ledger and "@" not in model.ledger
    if model.ledger != "sqlite" and not plain and not _SECRET.match(model.ledger):
        document.problem(("ledger",), "is neither `sqlite` nor a reference", "write sqlite or ${env:NAME}")


def _check_pseudonyms(document: Document, model: DeidProfile) -> None:
    for name, file, read in (("patient", model.patient.file, read_table), ("dates", model.dates.file, read_shifts)):
        if file is not None and not Path(file).is_file():
            document.problem((name, "file"), "names no file", "write the path of a JSON or CSV table")
        elif file is not None:
            document.problems += read(Path(file))[1]


def _check_recipe(document: Document, model: DeidProfile) -> None:
    for name in ("recipe", "functions"):
        file = getattr(model, name)
        if file is not None and not Path(file).is_file():
            document.problem((name,), "names no file", "write its path, seen from the file that names it")


def _check_hours(document: Document, hours: Hours) -> None:
    at: FieldPath = ("hours",)
    if hours.timezone not in (zones := available_timezones()):
        near = nearest(hours.timezone, list(zones))
        document.problem((*at, "timezone"), "is no time zone", f"write `{near}`" if near else "as Europe/Zurich")
    for position, window in enumerate(hours.allow):
        if window.begin == window.end:
            document.problem((*at, "allow", position), "ends when it begins", "for a whole day leave `from`, `to` out")
    for position, text in enumerate(hours.holidays):
        try:
            date.fromisoformat(text)
        except ValueError:
            document.problem((*at, "holidays", position), "is no date", "write YYYY-MM-DD")
    if hours.holiday_calendar is not None:
        try:
            calendar(hours.holiday_calendar)
        except LookupError:
            remedy = "write a country as CH, or a subdivision as CH-ZH; or list dates under `holidays`"
            document.problem((*at, "holiday_calendar"), "is no country or subdivision with known holidays", remedy)


DICOM_KEYWORDS = frozenset(filter(None, keyword_dict))
"""All keywords of the DICOM dictionary (PS3.6)."""
