"""`report.html`: one page, no network needed, nothing on it that identifies anybody."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from pacsflow.report.hours import traffic
from pacsflow.report.records import RowResult, RunSummary, SeriesResult, StudyResult
from pacsflow.report.table import proof_of
from pacsflow.report.tally import stages, tally
from pacsflow.staging import PUBLIC, write_text

ROWS_SHOWN = 5000
PICTURES_SHOWN = 60
_ONE = {"rows": "row", "studies": "study", "images": "image"}
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_THOUSAND = 1000


@dataclass(frozen=True)
class Concern:
    """A section of things that want a person: `items` as (who, why)."""

    kind: str
    title: str
    advice: str
    items: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Shown:
    """A picture on the page: `source` is a data URI."""

    source: str
    study: StudyResult
    series: SeriesResult


def write_page(run: RunSummary, path: Path) -> Path:
    """Write the page. Rows beyond ROWS_SHOWN and pictures beyond PICTURES_SHOWN are counted, not shown."""
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
    environment.filters |= {"size": _size, "count": _count, "of_count": _of_count}
    shown = list(_pictures(run.studies))
    return environment.get_template("report.html.j2").render(
        run=run,
        tally=tally(run),
        stages=stages(run),
        traffic=traffic(run),
        concerns=[concern for concern in _concerns(run) if concern.items],
        pictures=shown[:PICTURES_SHOWN],
        pictures_left=max(0, len(shown) - PICTURES_SHOWN),
        rows=run.rows[:ROWS_SHOWN],
        rows_left=max(0, len(run.rows) - ROWS_SHOWN),
        proof=partial(_proof, {study.key: study for study in run.studies}),
        pseudonyms=partial(_of_studies, {study.key: study.pseudonym for study in run.studies}),
        nodes=partial(_of_studies, {study.key: study.node for study in run.studies}),
        several_nodes=len({study.node for study in run.studies}) > 1,
        seconds=int((run.ended - run.started).total_seconds()),
    )


def _of_studies(known: Mapping[str, str], row: RowResult) -> str:
    return ", ".join(dict.fromkeys(filter(None, (known.get(key, "") for key in row.studies))))


def _proof(known: Mapping[str, StudyResult], row: RowResult) -> str:
    return proof_of([known[key] for key in row.studies if key in known])


def _concerns(run: RunSummary) -> list[Concern]:
    return [
        _of_rows(
            run, "held", "Held for a person", "Say which study is meant: pacsflow settle PROJECT ROW --take STUDY"
        ),
        _of_rows(run, "failed", "Failed rows", "Mend the cause, then run again: only these are asked anew."),
        Concern(
            "failed",
            "Incomplete or failed studies",
            "Run again: only what is missing is asked for.",
            [(f"study {s.key}", s.reason) for s in run.studies if s.status in ("incomplete", "failed")],
        ),
        Concern(
            "held",
            "Offline or locked at the PACS",
            "They are not lost: the PACS must bring them back first. Run again later.",
            [(f"study {s.key}", s.reason) for s in run.studies if s.status == "offline"],
        ),
        Concern(
            "failed",
            "Not delivered",
            "Mend the cause, then run again: nothing is fetched twice.",
            [
                (f"study {s.key}", f"{d.target}: {d.reason}")
                for s in run.studies
                for d in s.deliveries
                if d.status != "done"
            ],
        ),
        _of_rows(run, "unmatched", "Unmatched rows", "The PACS has nothing for these. Check identifiers and dates."),
        Concern("warning", "Not converted", "Their DICOM files are delivered all the same.", _not_converted(run)),
        Concern("warning", "Warnings", "Nothing stopped, but look.", _warnings(run)),
    ]


def _of_rows(run: RunSummary, status: str, title: str, advice: str) -> Concern:
    return Concern(status, title, advice, [(_name(row), row.reason) for row in run.rows if row.status == status])


def _name(row: RowResult) -> str:
    return f"row {row.number}" if row.label == str(row.number) else f"row {row.number} ({row.label})"


def _not_converted(run: RunSummary) -> list[tuple[str, str]]:
    return [
        (f"study {study.key}, series {series.number}", series.reason)
        for study in run.studies
        for series in study.series
        if series.converted == "refused"
    ]


def _warnings(run: RunSummary) -> list[tuple[str, str]]:
    told = [("run", note) for note in run.notes]
    told += [("run", f"asked outside the hours of the node: {run.outside_hours}")] if run.outside_hours else []
    told += [(_name(row), text) for row in run.rows for text in row.warnings]
    for study in run.studies:
        told += [(f"study {study.key}", note) for note in study.notes]
        told += [(f"study {study.key}, series {s.number}", text) for s in study.series for text in s.warnings]
    return told


def _pictures(studies: Sequence[StudyResult]) -> list[Shown]:
    return [
        Shown("data:image/png;base64," + base64.b64encode(series.picture).decode(), study, series)
        for study in studies
        for series in study.series
        if series.picture
    ]


def _size(number: int) -> str:
    """Bytes as people say them, in powers of a thousand."""
    value, unit = float(number), 0
    while value >= _THOUSAND and unit < len(_UNITS) - 1:
        value, unit = value / _THOUSAND, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{number} bytes"


def _count(number: int) -> str:
    """A number with a thin space between thousands."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _of_count(words: str, number: int) -> str:
    return _ONE.get(words, words) if number == 1 else words
