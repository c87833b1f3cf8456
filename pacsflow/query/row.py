"""A query row, ready to be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

IDENTIFIERS = frozenset(
    {
        "PatientID",
        "PatientName",
        "AccessionNumber",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SOPInstanceUID",
    }
)
"""Keywords that identify a person or a study; their values are never repeated in a message."""

INDEX_DATE = "IndexDate"
"""A row's own date, which is no attribute of DICOM: studies are chosen around it."""


@dataclass(frozen=True)
class Row:
    """One row of the query. Its representation shows no value, so that none ends in a log.

    `number` is its 1-based position among all rows, `id` the user's own name for it; `keys` are DICOM
    keywords with the values sent (empty: only asked back); `extra` other columns the project uses;
    `origin` the file and 1-based line; `cells` the row as the user wrote it, all columns in order.
    `level` is what the row wants: patient, study or series. `index_date` (YYYYMMDD): the day that studies are chosen
    around; it is not asked.
    """

    number: int
    id: str = field(repr=False)
    keys: Mapping[str, str] = field(repr=False)
    extra: Mapping[str, str] = field(repr=False)
    origin: tuple[str, int]
    cells: Mapping[str, str] = field(repr=False)
    warnings: tuple[str, ...] = ()
    level: str = "study"
    index_date: str = field(default="", repr=False)
