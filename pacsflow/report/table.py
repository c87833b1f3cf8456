"""The user's own table back: the same rows, the same columns in the same order, and what became of them."""

import posixpath
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from pacsflow.report.records import RowOutcome, RunSummary, StudyOutcome
from pacsflow.report.sheets import WORKBOOK_ROWS, RemadeLines, Sheet, number, own_columns, write_csv, write_workbook

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

IN_FOLDERS = "pseudonym in folder names"
"""A further column where pseudonyms are spelled otherwise there, as one with a `-`."""


def write_table(summary: RunSummary, folder: Path) -> tuple[Path, ...]:
    """`results.csv` and `results.xlsx` in `folder`, mode 0600: they hold what the user's table held.

    Above WORKBOOK_ROWS there is no workbook; one from before is removed.
    """
    sheet, workbook = result_sheet(summary), folder / "results.xlsx"
    table = write_csv(folder / "results.csv", sheet, exact=True)
    if len(summary.rows) > WORKBOOK_ROWS:
        workbook.unlink(missing_ok=True)
        return (table,)
    return table, write_workbook(workbook, [sheet])


def result_sheet(summary: RunSummary) -> Sheet:
    """The table. A heading of the user's that is also one of ours leaves ours with `pacsflow ` before it."""
    own = own_columns(row.cells for row in summary.rows)
    spelled = any(study.in_folders for study in summary.studies)
    taken = {heading.strip().casefold() for heading in own}
    ours = (*ADDED, IN_FOLDERS) if spelled else ADDED
    added = [f"pacsflow {name}" if name in taken else name for name in ours]

    def lines() -> Iterator[list[str]]:
        for row in summary.rows:
            yield [*(row.cells.get(name, "") for name in own), *_outcome(row, summary.taken(row))[: len(ours)]]

    return Sheet("results", [*own, *added], RemadeLines(lines))


def _outcome(row: RowOutcome, taken: Sequence[StudyOutcome]) -> list[str]:
    outputs = [folder for study in taken for folder in _folders(study, row.images)]
    return [
        row.status,
        row.remarks,
        number(len(row.studies)),
        number(len(row.series)),
        number(row.counts["announced"]),
        number(row.counts["held"]),
        proof_of(taken),
        "; ".join(dict.fromkeys(study.pseudonym for study in taken if study.pseudonym)),
        "; ".join(dict.fromkeys(study.node for study in taken if study.node)),
        "; ".join(dict.fromkeys(outputs)),
        "; ".join(dict.fromkeys(study.in_folders for study in taken if study.in_folders)),
    ]


def proof_of(studies: Sequence[StudyOutcome]) -> str:
    """What shows that nothing is missing of these studies, or that something is: uid, count, retrieval."""
    return ", ".join(sorted({study.state.proof for study in studies} - {""}))


def _folders(study: StudyOutcome, images: AbstractSet[str]) -> Iterator[str]:
    """Where each target has the study: the folder all of its files share, or those of the `images` where it has any."""
    for delivery in study.deliveries:
        own = {posixpath.dirname(path) for path, digest, _ in delivery.files if digest in images}
        if delivery.files and not own:
            own = {posixpath.commonpath([posixpath.dirname(path) for path, _, _ in delivery.files])}
        yield from (f"{delivery.target}: {folder}" for folder in sorted(own))
