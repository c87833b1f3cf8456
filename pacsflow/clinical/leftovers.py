"""Search of a finished clinical table for what tells who its patients are."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from pacsflow.clinical.columns import ClinicalColumn
from pacsflow.clinical.grid import Grid, Value, text_of
from pacsflow.clinical.headings import meaning
from pacsflow.deid.proof.known import BIRTH_DATE, Facts, Known
from pacsflow.deid.proof.search_terms import Needle, needles
from pacsflow.deid.proof.structure import Leaf
from pacsflow.deid.proof.verify import bounded, telling
from pacsflow.errors import Problem

PATIENT_ID, PATIENT_NAME = 0x00100020, 0x00100010
_UTF8 = b"ISO_IR 192"


class Leftovers:
    """Finds original identifiers in the cells of a table: those a project knows, and what its own rows gave up."""

    def __init__(self, facts: Facts, before: Grid, columns: Sequence[ClinicalColumn]) -> None:
        self._known = Known(facts)
        self._uids = facts.uids
        self._before, self._columns = before, columns
        self._common = lru_cache(65536)(self._in_text)

    def problems(self, after: Grid) -> Iterator[Problem]:
        """A problem for each cell that holds one; it names column and row, never the value."""
        for heading in after.headings:
            if self._common(heading):
                yield Problem(after.file, 1, "", "a heading holds an original identifier", "rename the column")
        places = {heading: place for place, heading in enumerate(after.headings)}
        ours = {column.heading for column in self._columns if column.treatment == "pseudonym"}
        dated = {column.heading for column in self._columns if column.treatment in ("date", "birth date")}
        for row, line, own in zip(after.rows, after.lines, self._own(), strict=True):
            for heading, place in places.items():
                if heading in ours:
                    continue
                kinds = self._in_cell(
                    row[place], tuple(n for n in own if n.kind != "birth date" or heading not in dated)
                )
                if kinds:
                    message = f"holds an original {', '.join(sorted(kinds))}"
                    fix = f"write --drop '{heading}', or fix the cell"
                    yield Problem(after.file, line, heading, message, fix)

    def _in_cell(self, value: Value, own: Sequence[Needle]) -> set[str]:
        text = text_of(value)
        if not text:
            return set()
        kinds: set[str] = {needle.kind for needle in own if _found(needle, text)}
        number = isinstance(value, int | float) or text.replace(".", "", 1).isdigit()
        return kinds if number else kinds | self._common(text)

    def _in_text(self, text: str) -> set[str]:
        """Kinds of what the project knows and the text holds."""
        hay = text.lower().encode("utf-8", "replace")
        found: set[str] = {needle.kind for needle in self._known.found_in(hay) if _found(needle, text)}
        return {*found, *({"UID"} if any(word in self._uids for word in text.split()) else ())}

    def _own(self) -> Iterator[tuple[Needle, ...]]:
        """Of each row, what it said of its patient in columns that are gone or changed."""
        told = [
            (c.heading, tag)
            for c in self._columns
            if (tag := _tag_of(c)) is not None and (c.treatment != "remove" or c.searched)
        ]
        columns = [(self._before.column(heading), tag) for heading, tag in told]
        for number in range(len(self._before.rows)):
            values = tuple(
                sorted((tag, text.encode()) for column, tag in columns if (text := _dicom(column[number], tag)))
            )
            yield needles(values, _UTF8)


def _tag_of(column: ClinicalColumn) -> int | None:
    tags = {"pseudonym": PATIENT_ID, "birth date": BIRTH_DATE}
    if column.treatment == "remove":
        return PATIENT_NAME if meaning(column.heading) == "name" else PATIENT_ID
    return tags.get(column.treatment)


def _dicom(value: Value, tag: int) -> str:
    """A value as DICOM would write it; of dates only those that are clear."""
    if tag == BIRTH_DATE:
        return (
            f"{value:%Y%m%d}"
            if hasattr(value, "isoformat") and hasattr(value, "year")
            else text_of(value).replace("-", "")
        )
    return text_of(value)


def _found(needle: Needle, text: str) -> bool:
    """Whether the needle stands in the text as more than chance."""
    hay = text.lower().encode("utf-8", "replace")
    position = hay.find(needle.text)
    while position >= 0:
        if telling(needle, Leaf(0, b"LO", 0, len(hay)), alone=bounded(hay, position, len(needle.text))):
            return True
        position = hay.find(needle.text, position + 1)
    return False
