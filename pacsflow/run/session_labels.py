"""What sessions of a BIDS dataset are called: by their order, by a column of the query, by days from an index date."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from pacsflow.ledger.studies import Study
from pacsflow.query.row import Row
from pacsflow.run.reporting.row_label import row_label
from schemas.export import BidsDataset


def session_label(study: Study, wanting: Iterable[Row], settings: BidsDataset, order: str) -> str:
    """The label of a study's session, letters and digits; empty where nothing gives one, or several differ.

    `wanting`: the rows that take the study; `order`: its place among the patient's. A cell that identifies the
    patient gives none.
    """
    if settings.sessions == "order":
        return order
    column = settings.session_column or ""
    if settings.sessions == "days":
        labels = {_days(row.cells.get(column, ""), study.attributes.get("StudyDate", "")) for row in wanting}
    else:
        labels = {_of_cell(row, column, study) for row in wanting}
    return labels.pop() if len(labels) == 1 else ""


def _of_cell(row: Row, column: str, study: Study) -> str:
    cell = row.cells.get(column, "").strip()
    harmless = row_label(replace(row, id=cell), [study.attributes]) == cell
    return "".join(c for c in cell if c.isascii() and c.isalnum()) if harmless else ""


def _days(cell: str, study_date: str) -> str:
    """Days from an index date to the study: `p0012` after it, `m0012` before."""
    try:
        index, day = date.fromisoformat(cell.strip()[:10]), date.fromisoformat(study_date.strip())
    except ValueError:
        return ""
    apart = (day - index).days
    return f"{'m' if apart < 0 else 'p'}{abs(apart):04}"
