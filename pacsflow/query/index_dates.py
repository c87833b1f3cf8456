"""Rows and their IndexDate: there where studies are chosen around it; the node is asked for what can be taken only."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pacsflow.errors import Problem
from pacsflow.query.dates import moved
from pacsflow.query.row import INDEX_DATE, Row
from schemas.query import StudyChoice


def around_index_dates(rows: Sequence[Row], rules: StudyChoice | None) -> tuple[list[Row], list[Problem]]:
    """The rows, those without a StudyDate asked for the days that the rules can take; and what is unclear of them."""
    problems = [problem for row in rows for problem in _faults(row, rules)]
    if problems or rules is None or not rules.by_index:
        return list(rows), problems
    return [_narrowed(row, rules) for row in rows], []


def _faults(row: Row, rules: StudyChoice | None) -> Iterator[Problem]:
    chosen = rules is not None and rules.by_index
    if row.index_date and not chosen:
        fix = "write `studies: {nearest: {StudyDate: [-90, 30]}}` in query.yaml, or leave the column out"
        yield Problem(*row.origin, INDEX_DATE, "nothing is chosen by it", fix)
    elif chosen and not row.index_date:
        yield Problem(*row.origin, INDEX_DATE, "is missing, and studies are chosen around it", "write the day")
    elif "-" in row.index_date:
        yield Problem(*row.origin, INDEX_DATE, "is a range", "write one day")


def _narrowed(row: Row, rules: StudyChoice) -> Row:
    """With the range of study dates that can be taken; a StudyDate of the row's own stays."""
    if row.keys.get("StudyDate"):
        return row
    first, last = rules.nearest.StudyDate if rules.nearest else (0, -1)
    begin = "" if rules.priors else moved(row.index_date, first)
    return replace(row, keys={**row.keys, "StudyDate": f"{begin}-{moved(row.index_date, last)}"})
