"""Keyword arguments -> a query row, checked by the rules of a project's rows; nothing is asked yet."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

from pacsflow.errors import ArgumentError, Problem
from pacsflow.projects.validation import nearest
from pacsflow.query.columns import Columns, keyword_fault, vr_of
from pacsflow.query.levels import SERIES_KEYWORDS, STUDY_KEYWORDS, level_of
from pacsflow.query.raw import Cell, RawRow
from pacsflow.query.row import Row
from pacsflow.query.rows import Harvest, RowRecipe

AnswerLevel = Literal["study", "series", "instance"]
"""How deep answers go."""
DEPTHS: tuple[AnswerLevel, ...] = get_args(AnswerLevel)
_DEPTH_OF = {"STUDY": 0, "SERIES": 1, "IMAGE": 2}
_HIGHER = {"Modality": "ModalitiesInStudy", "SOPClassUID": "SOPClassesInStudy"}
"""What is asked of studies instead of what only series and images answer."""
_CALL = "find()"
_DECEMBER = 12
_RANGE_ENDS = 2


def checked_level(level: str) -> AnswerLevel:
    """The level, if it is one. Raises ArgumentError."""
    for known in DEPTHS:
        if level == known:
            return known
    near = nearest(str(level), list(DEPTHS))
    fix = f"write level={near!r}" if near else "write level='study', 'series' or 'instance'"
    raise ArgumentError(f"{_CALL}: level is not one of {', '.join(DEPTHS)}", fix=fix)


def row_of(keys: Mapping[str, Any], include: Iterable[str], level: AnswerLevel) -> Row:
    """The row that asks for `keys` and has `include` answered.

    Raises ArgumentError, with every mistake at once and no value, for keywords and values that rows of a project
    would not be taken with, and for keywords that no answer of the level has.
    """
    wished = [include] if isinstance(include, str) else list(include)
    asked = {**dict.fromkeys((str(name) for name in wished), ""), **keys}
    problems = [problem for keyword in asked for problem in _keyword_problems(keyword, level)]
    if problems:
        raise _mistakes(problems)
    if not any(value is not None and str(value).strip() for value in keys.values()):
        fix = "give PatientID, AccessionNumber, StudyInstanceUID or StudyDate"
        raise ArgumentError(f"{_CALL}: nothing is asked for", fix=fix)
    cells = {keyword: _cell(keyword, value) for keyword, value in keys.items() if value is not None}
    harvest = Harvest()
    harvest.add(RowRecipe(_CALL, Columns({keyword: keyword for keyword in cells})), RawRow(0, cells))
    if harvest.problems:
        raise _mistakes(harvest.problems)
    [row] = harvest.rows
    return Row(1, "", {**dict.fromkeys(asked, ""), **row.keys}, {}, (_CALL, 0), {}, row.warnings)


def uid_row(**uids: str) -> Row:
    """The row that asks for what has these UIDs."""
    return Row(1, "", uids, {}, ("", 0), {})


def _mistakes(problems: Iterable[Problem]) -> ArgumentError:
    told = list(problems)
    fix = "; ".join(dict.fromkeys(problem.fix for problem in told if problem.fix))
    return ArgumentError("\n".join(str(problem) for problem in told), fix=fix)


def _keyword_problems(keyword: str, level: AnswerLevel) -> Iterator[Problem]:
    if fault := keyword_fault(keyword):
        message, fix = fault
        near = nearest(keyword, STUDY_KEYWORDS | SERIES_KEYWORDS)
        yield Problem(_CALL, 0, keyword, message, f"write `{near}`" if near else fix)
        return
    depth = _DEPTH_OF[level_of(keyword)]
    if depth > DEPTHS.index(level):
        needed = DEPTHS[depth]
        fix = f"write level={needed!r}"
        if keyword in _HIGHER and level == "study":
            fix += f", or ask for `{_HIGHER[keyword]}`"
        yield Problem(_CALL, 0, keyword, f"is answered at level {needed!r}, not at {level!r}", fix)


def _cell(keyword: str, value: Any) -> Cell:
    """The cell a value would be in a table; "odd" where rows would not take it."""
    if vr_of(keyword) in ("DA", "TM") and (text := _span(keyword, value)) is not None:
        return Cell(text)
    if isinstance(value, str):
        return Cell(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Cell(str(value), "unquoted")
    if vr_of(keyword) == "UI" and isinstance(value, list | tuple | set | frozenset):
        return Cell("\\".join(map(str, value)))
    return Cell("…", "odd")


def _span(keyword: str, value: Any) -> str | None:
    """A date or time, or a range (from, to) of which one end may be None, as text; None where it is neither."""
    if isinstance(value, tuple) and len(value) == _RANGE_ENDS:
        ends = [_end(keyword, one, last=last) for one, last in zip(value, (False, True), strict=True)]
        return "-".join(str(end) for end in ends) if None not in ends and any(ends) else None
    if isinstance(value, str):
        days = _year_or_month(value) if vr_of(keyword) == "DA" else None
        return "-".join(days) if days else None
    return _end(keyword, value, last=False) or None


def _end(keyword: str, value: Any, *, last: bool) -> str | None:
    if value is None:
        return ""
    if isinstance(value, dt.date) and vr_of(keyword) == "DA":
        return f"{value:%Y%m%d}"
    if isinstance(value, dt.time) and vr_of(keyword) == "TM":
        return f"{value:%H%M%S}"
    if isinstance(value, str) and vr_of(keyword) == "DA":
        days = _year_or_month(value)
        return days[last] if days else value.strip().replace("-", "")
    return value.strip() if isinstance(value, str) else None


def _year_or_month(text: str) -> tuple[str, str] | None:
    """First and last day of a year (2015) or a month (2015-03, 201503); None where it is neither."""
    found = re.fullmatch(r"([12][0-9]{3})(?:-?(0[1-9]|1[0-2]))?", text.strip())
    if not found:
        return None
    year, month = int(found[1]), int(found[2]) if found[2] else None
    first = dt.date(year, month or 1, 1)
    following = dt.date(year + 1, 1, 1) if (month or _DECEMBER) == _DECEMBER else dt.date(year, (month or 0) + 1, 1)
    return f"{first:%Y%m%d}", f"{following - dt.timedelta(days=1):%Y%m%d}"
