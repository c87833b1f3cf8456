"""`report.html`: one page, no network needed, nothing on it that identifies a patient."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from pacsflow.ledger.summary import SeriesState
from pacsflow.report.flow import cohort_flow
from pacsflow.report.hours import traffic
from pacsflow.report.methods import methods
from pacsflow.report.records import FINISHED, Look, RowOutcome, RunSummary, StudyOutcome
from pacsflow.report.table import proof_of
from pacsflow.report.tally import stages, tally
from pacsflow.report.words import linked, spoken
from pacsflow.staging import PUBLIC, write_text
from pacsflow.wording import addressed, counted

ROWS_SHOWN = 5000
"""A table up to this length is on the page; of a longer one the first of those that are not done."""
OPEN_ROWS_SHOWN = 1000
ITEMS_SHOWN = 500
PICTURES_SHOWN = 60
MOST_NAMED = 5 * ITEMS_SHOWN
"""Studies of which it is looked up which rows take them: there are so many kinds of concerns about studies."""
_ROWS_NAMED = 3
_ONE = {"rows": "row", "studies": "study", "images": "image"}
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_THOUSAND = 1000


@dataclass
class Concern:
    """A section about things that need a person: the first `items` as (name, reason), and how many there are."""

    kind: str
    title: str
    advice: str
    items: list[tuple[str, str]] = field(default_factory=list)
    number: int = 0

    def add(self, name: str, reason: str) -> None:
        """One more; it is shown, or counted."""
        self.number += 1
        if len(self.items) < ITEMS_SHOWN:
            self.items.append((name, reason))


@dataclass(frozen=True)
class Shown:
    """A picture on the page: `source` is a data URI."""

    source: str
    study: StudyOutcome
    series: SeriesState
    look: Look


def write_page(run: RunSummary, path: Path) -> Path:
    """Write the page. Of more than ROWS_SHOWN rows only open ones are shown; pictures beyond PICTURES_SHOWN, not."""
    return write_text(path, render(run), PUBLIC)


def render(run: RunSummary) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=PackageLoader("pacsflow.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"size": _size, "count": _count, "of_count": _of_count, "t": spoken}
    rows = _rows(run)
    environment.filters["own"] = partial(addressed, project=run.project)
    environment.filters["linked"] = partial(linked, rows={row.number for row in rows})
    shown = list(_pictures(run))
    several_nodes = len({study.node for study in run.studies}) > 1
    return environment.get_template("report.html.j2").render(
        run=run,
        tally=tally(run),
        stages=stages(run),
        flow=cohort_flow(run),
        methods=methods(run),
        traffic=traffic(run),
        concerns=[concern for concern in _concerns(run) if concern.number],
        pictures=shown[:PICTURES_SHOWN],
        pictures_left=max(0, len(shown) - PICTURES_SHOWN),
        rows=rows,
        rows_left=len(run.rows) - len(rows),
        proof=lambda row: proof_of(run.taken(row)),
        pseudonyms=lambda row: _named_once(study.pseudonym for study in run.taken(row)),
        nodes=lambda row: _named_once(study.node for study in run.taken(row)),
        several_nodes=several_nodes,
        seconds=int((run.ended - run.started).total_seconds()),
    )


def _rows(run: RunSummary) -> list[RowOutcome]:
    """The rows that are shown."""
    if len(run.rows) <= ROWS_SHOWN:
        return list(run.rows)
    return list(islice((row for row in run.rows if row.status not in FINISHED), OPEN_ROWS_SHOWN))


def _named_once(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, names)))


def _concerns(run: RunSummary) -> Sequence[Concern]:
    of_rows = {
        "held": Concern(
            "held", "Held for a person", "Say which study is meant: pacsflow settle PROJECT ROW --take STUDY"
        ),
        "failed": Concern("failed", "Failed rows", "Fix the cause, then run again: only these are asked again."),
        "unmatched": Concern(
            "unmatched", "Unmatched rows", "The PACS has nothing for these. Check identifiers and dates."
        ),
    }
    broken = Concern("failed", "Incomplete or failed studies", "Run again: only what is missing is asked for.")
    away = Concern(
        "held",
        "Offline or locked at the PACS",
        "They are not lost: the PACS must bring them back first. Run again later.",
    )
    undelivered = Concern("failed", "Not delivered", "Fix the cause, then run again: nothing is fetched twice.")
    odd = Concern("warning", "Not converted", "Their DICOM files are delivered all the same.")
    warned = Concern("warning", "Warnings", "Nothing stopped, but look.")
    for note in run.notes:
        warned.add("run", note)
    if run.outside_hours:
        warned.add("run", f"asked outside the hours of the node: {run.outside_hours}")
    for row in run.rows:
        if row.status in of_rows:
            of_rows[row.status].add(_name(row), row.reason)
        for text in row.warnings:
            warned.add(_name(row), text)
    whose = _whose(run)
    for study in filter(_is_told, run.studies):
        called = whose.get(study.key, f"study {study.key}")
        if study.status in ("incomplete", "failed", "offline"):
            (away if study.status == "offline" else broken).add(called, study.state.reason)
        for delivery in (one for one in study.deliveries if one.status != "done"):
            undelivered.add(called, f"{delivery.target}: {delivery.reason}")
        _of_series(study, called, odd, warned)
    return of_rows["held"], of_rows["failed"], broken, away, undelivered, of_rows["unmatched"], odd, warned


def _of_series(study: StudyOutcome, called: str, odd: Concern, warned: Concern) -> None:
    for series in study.series:
        if series.converted[0] == "refused":
            odd.add(f"{called}, series {series.number}", series.converted[1])
        for text in series.notes:
            warned.add(f"{called}, series {series.number}", text)


def _is_told(study: StudyOutcome) -> bool:
    """Whether the page names a study beside the table."""
    return (
        study.status in ("incomplete", "failed", "offline")
        or any(delivery.status != "done" for delivery in study.deliveries)
        or any(series.converted[0] == "refused" or series.notes for series in study.series)
    )


def _name(row: RowOutcome) -> str:
    return f"row {row.number}" if row.label == str(row.number) else f"row {row.number} ({row.label})"


def _whose(run: RunSummary) -> dict[str, str]:
    """Key of a study that the page names -> what the rows are called that take it, as far as they are shown."""
    told = {study.key for study in islice(filter(_is_told, run.studies), MOST_NAMED)}
    rows: dict[str, list[str]] = {}
    for row in run.rows:
        for key in told.intersection(row.keys):
            rows.setdefault(key, []).append(_name(row))
    return {key: _named(names) for key, names in rows.items()}


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _ROWS_NAMED} more" if len(names) > _ROWS_NAMED else ""
    return f"{', '.join(names[:_ROWS_NAMED])}{more}"


def _pictures(run: RunSummary) -> list[Shown]:
    seen = ((study, series, run.looks.get(series.key)) for study in run.studies for series in study.series)
    return [
        Shown("data:image/png;base64," + base64.b64encode(look.picture).decode(), study, series, look)
        for study, series, look in seen
        if look and look.picture
    ]


def _size(number: int) -> str:
    """Bytes as people say them, in powers of a thousand."""
    value, unit = float(number), 0
    while value >= _THOUSAND and unit < len(_UNITS) - 1:
        value, unit = value / _THOUSAND, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{counted(number, 'byte')}"


def _count(number: int) -> str:
    """A number with a thin space between thousands."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _of_count(words: str, number: int) -> str:
    return _ONE.get(words, words) if number == 1 else words
