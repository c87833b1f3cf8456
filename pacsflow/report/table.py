"""The user's own table back: the same rows, the same columns in the same order, and what became of them."""

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path

from pacsflow.report.records import RowResult, RunSummary, StudyResult
from pacsflow.report.sheets import Sheet, write_csv, write_workbook

ADDED = (
    "status",
    "reason",
    "studies",
    "series",
    "images expected",
    "images received",
    "proof",
    "pseudonym",
    "node",
    "output",
)


def write_table(summary: RunSummary, folder: Path) -> tuple[Path, Path]:
    """`results.csv` and `results.xlsx` in `folder`, mode 0600: they hold what the user's table held."""
    sheet = result_sheet(summary)
    return (
        write_csv(folder / "results.csv", sheet, exact=True),
        write_workbook(folder / "results.xlsx", [sheet]),
    )


def result_sheet(summary: RunSummary) -> Sheet:
    """The table. A heading of the user's that is also one of ours leaves ours with `pacsflow ` before it."""
    own = own_columns([row.cells for row in summary.rows])
    taken = {heading.strip().casefold() for heading in own}
    added = [f"pacsflow {name}" if name in taken else name for name in ADDED]
    studies = {study.key: study for study in summary.studies}
    rows = [[*(row.cells.get(name, "") for name in own), *_outcome(row, studies)] for row in summary.rows]
    return Sheet("results", [*own, *added], rows)


def own_columns(cells: Sequence[Mapping[str, str]]) -> list[str]:
    """The headings of all rows in the order in which they first stand; rows may come from several tables."""
    return list(dict.fromkeys(name for row in cells for name in row))


def _outcome(row: RowResult, studies: Mapping[str, StudyResult]) -> list[str]:
    taken = [studies[key] for key in row.studies if key in studies]
    outputs = [folder for study in taken for folder in _folders(study)]
    return [
        row.status,
        "; ".join(filter(None, (row.reason, *row.warnings))),
        str(len(row.studies)),
        str(row.series),
        "" if row.expected is None else str(row.expected),
        str(row.received),
        proof_of(taken),
        "; ".join(dict.fromkeys(study.pseudonym for study in taken if study.pseudonym)),
        "; ".join(dict.fromkeys(study.node for study in taken if study.node)),
        "; ".join(dict.fromkeys(outputs)),
    ]


def proof_of(studies: Sequence[StudyResult]) -> str:
    """What tells that nothing is missing of these studies, or that something is: uid, count, retrieval."""
    return ", ".join(sorted({study.proof for study in studies} - {""}))


def _folders(study: StudyResult) -> list[str]:
    """Where each target has the study: the folder all of its files share."""
    return [
        f"{delivery.target}: {posixpath.commonpath([posixpath.dirname(path) for path, _, _ in delivery.files])}"
        for delivery in study.deliveries
        if delivery.files
    ]
