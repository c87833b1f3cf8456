"""What a hospital's table says of itself: the fields of `table` in query.yaml, and what only a person can answer.

Nothing here repeats a cell: headings, formats, lengths and numbers of cells are told.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from pacsflow.query.columns import IGNORE, is_row_id, known_keyword, vr_of
from pacsflow.query.fault import FaultError
from pacsflow.query.hospital import meant_by, total_word
from pacsflow.query.raw import Cell, RawTable, Reading
from pacsflow.query.survey import fitting_formats
from pacsflow.query.tables import KINDS, read_table
from pacsflow.wording import counted

MOST_TITLES: Final = 10
"""So many lines are tried for the headings."""
_KEYWORDS: Final = (
    "PatientID AccessionNumber StudyDate StudyTime StudyInstanceUID SeriesInstanceUID Modality PatientBirthDate "
    "SeriesNumber SeriesDescription"
)
_ASKED: Final = frozenset(_KEYWORDS.split())
"""What rows are asked by where a heading of the house means it; names, sex and age are spelt in too many ways."""
_HOUSE_IDS: Final = (
    "nr no lfdnr laufendenummer fall fallid case caseid proband probandenid subject subjectid studienid studiennummer "
    "nummer number zeile row index id code"
)
_ROW_IDS: Final = frozenset(_HOUSE_IDS.split())
_SERIES: Final = frozenset({"SeriesInstanceUID", "SeriesNumber", "SeriesDescription"})
_IDENTIFIERS: Final = ("PatientID", "AccessionNumber")


@dataclass(frozen=True)
class Suggestion:
    """`table`: fields of query.yaml's `table`, but `file`. `said`: what was recognised; `questions`: what was not."""

    table: dict[str, Any]
    level: Literal["patient", "study", "series"]
    said: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass
class _Draft:
    """What is known so far: heading -> keyword, and lines for a person."""

    raw: RawTable
    columns: dict[str, str] = field(default_factory=dict)
    keywords: dict[str, str] = field(default_factory=dict)
    row_id: str = ""
    table: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def cells(self, heading: str) -> list[Cell]:
        """The filled cells of a column, without lines of totals."""
        named = frozenset({*self.keywords, *filter(None, [self.row_id])})
        rows = [row for row in self.raw.rows if not row.blank and not total_word(row, named)]
        return [row.cells[heading] for row in rows if row.cells[heading].text.strip()]


def suggest(file: Path) -> Suggestion:
    """What a table says of itself. Raises FaultError where it cannot be read, or has no heading that is known."""
    raw, heading_row = _read(file)
    draft = _Draft(raw)
    if heading_row:
        draft.table["heading_row"] = heading_row
        draft.said.append(f"headings in line {heading_row}; the lines above are titles")
    _columns(draft)
    _row_id(draft)
    if draft.columns:
        draft.table["columns"] = draft.columns
    _dates(draft)
    _lengths(draft)
    return Suggestion(draft.table, _level(draft), tuple(draft.said), tuple(draft.questions))


def _read(file: Path) -> tuple[RawTable, int | None]:
    """The table and the line of its headings, where that must be said: the line most headings of which mean something.

    Titles stand above the headings of many tables.
    """
    found: list[tuple[int, RawTable, int | None]] = []
    kind = KINDS.get(file.suffix.lower())
    lines = range(1, MOST_TITLES + 1) if kind and "heading_row" in kind.options else ()
    for line in (None, *lines):
        try:
            raw = read_table(file, file.name, Reading(heading_row=line))
        except FaultError:
            if line is None and not lines:
                raise
            continue
        found.append((sum(bool(_meaning(each)) for each in raw.headings), raw, line))
    if not found:
        read_table(file, file.name)  # says what is wrong with it
    known, raw, line = max(found, key=lambda one: one[0])
    if not known:
        fix = "write headings in its first line, as PatientID, StudyDate"
        raise FaultError("holds no heading that is known", fix)
    return raw, line if line != raw.heading_line or line != 1 else None


def _meaning(heading: str) -> str:
    return "id" if is_row_id(heading) else known_keyword(heading) or meant_by(heading)


def _columns(draft: _Draft) -> None:
    """What each heading means; what is not asked by is left out, and said."""
    for heading in draft.raw.headings:
        own, meant = known_keyword(heading), meant_by(heading)
        if is_row_id(heading):
            continue
        if own and own not in draft.keywords.values():
            draft.keywords[heading] = own
        elif meant in _ASKED and meant not in draft.keywords.values():
            draft.keywords[heading] = draft.columns[heading] = meant
            draft.said.append(f"column `{heading}` means {meant}")
    for heading in draft.raw.headings:
        if heading not in draft.keywords and not is_row_id(heading):
            draft.columns[heading] = IGNORE


def _row_id(draft: _Draft) -> None:
    """The column of the row's id: a usual heading whose values are all there and differ."""
    spare = [each for each in draft.raw.headings if draft.columns.get(each) == IGNORE or is_row_id(each)]
    usual = [each for each in spare if is_row_id(each) or _bare(each) in _ROW_IDS]
    rows = sum(not row.blank for row in draft.raw.rows)
    for heading in usual:
        texts = [cell.text.strip() for cell in draft.cells(heading)]
        if len(set(texts)) == len(texts) and len(texts) in (rows, rows - 1):  # a line of totals may have none
            draft.row_id = heading
            break
    ids = [each for each in draft.raw.headings if is_row_id(each)]
    for heading in ids:
        if heading != draft.row_id:
            draft.columns[heading] = IGNORE
    if draft.row_id:
        draft.columns.pop(draft.row_id, None)
        if ids != [draft.row_id]:
            draft.table["id_column"] = draft.row_id
        draft.said.append(f"column `{draft.row_id}` names the rows: its values differ")
    else:
        draft.said.append("no column names the rows: they are called by their numbers")
    if left := [each for each, keyword in draft.columns.items() if keyword == IGNORE]:
        named = ", ".join(f"`{each}`" for each in left)
        draft.questions.append(f"not asked by {named}: is that right? Else write a DICOM keyword instead of `{IGNORE}`")


def _bare(heading: str) -> str:
    return "".join(letter for letter in heading.casefold() if letter.isalnum())


def _dates(draft: _Draft) -> None:
    """The formats of dates that all values of a column fit; two that do are a question."""
    formats: list[str] = []
    for heading, keyword in draft.keywords.items():
        if vr_of(keyword) != "DA":
            continue
        texts = [cell.text.strip() for cell in draft.cells(heading) if cell.kind != "date"]
        fitting, number = fitting_formats(texts)
        if len(fitting) == 1:
            formats += [each for each in fitting if each not in formats]
            draft.said.append(f"column `{heading}`: {counted(number, 'date')} as text: the format {fitting[0]}")
        elif fitting:
            either = " or ".join(f"date_formats: ['{each}']" for each in fitting)
            draft.questions.append(f"column `{heading}`: day and month cannot be told apart: write {either}")
        elif number:
            draft.questions.append(
                f"column `{heading}`: {counted(number, 'date has', 'dates have')} no format in common: correct "
                f"them, or list"
            )
            draft.questions[-1] += " their formats under `date_formats`"
    if formats:
        draft.table["date_formats"] = formats


def _lengths(draft: _Draft) -> None:
    """How long identifiers are; numbers may have lost zeros at their beginning."""
    padded: dict[str, int] = {}
    for heading, keyword in draft.keywords.items():
        if keyword not in _IDENTIFIERS:
            continue
        cells = draft.cells(heading)
        numbers = [cell.text.strip() for cell in cells if cell.kind == "number"]
        texts = Counter(len(cell.text.strip()) for cell in cells if cell.kind != "number")
        lengths = ", ".join(f"{n} with {counted(length, 'character')}" for length, n in _counted(cells))
        draft.said.append(f"{keyword}: {lengths}")
        zeros = {len(cell.text.strip()) for cell in cells if cell.kind != "number" and cell.text.strip()[:1] == "0"}
        longest = max(map(len, numbers), default=0)
        if not numbers:
            continue
        if len(zeros) == 1 and set(texts) == zeros and longest <= min(zeros):
            padded[keyword] = zeros.pop()
            told = f"{len(numbers)} are numbers, and texts have {counted(padded[keyword], 'digit')} and zeros in front"
            draft.said.append(f"{keyword}: {told}: zero_pad writes the zeros again")
        else:
            told = f"{len(numbers)} are numbers of spreadsheets, which lose zeros in front"
            fix = f"if identifiers have more digits, write zero_pad: {{{keyword}: {max(longest, 7)}}}"
            draft.questions.append(f"{keyword}: {told}: {fix}")
    if padded:
        draft.table["zero_pad"] = padded


def _counted(cells: Sequence[Cell]) -> Iterator[tuple[int, int]]:
    yield from sorted(Counter(len(cell.text.strip()) for cell in cells).items())


def _level(draft: _Draft) -> Literal["patient", "study", "series"]:
    """What a row wants, by the finest of what it is asked by."""
    asked = set(draft.keywords.values())
    if asked & _SERIES:
        return "series"
    if asked & {"AccessionNumber", "StudyDate", "StudyInstanceUID"}:
        return "study"
    draft.questions.append("rows name patients only: level `patient` takes every study of each; is that meant?")
    return "patient"
