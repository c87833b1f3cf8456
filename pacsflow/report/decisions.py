"""What a person wrote into the plan: the column `decision` of its sheet `held`."""

import csv
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from pacsflow.errors import Problem, ProjectError
from pacsflow.report.plan import DECISIONS, HELD

_NEEDED = ("row", "study", "decision")


def read_decisions(path: Path) -> list[tuple[int, str, str]]:
    """Row number, short name of the study, `take` or `drop`; lines without a decision are left out.

    Reads plan.xlsx, or plan-held.csv. Raises ProjectError with all mistakes, by line.
    """
    lines = list(_lines(path))
    headings = [text.casefold() for text in lines[0]] if lines else []
    if missing := [name for name in _NEEDED if name not in headings]:
        remedy = "write decisions into the plan's own file"
        raise ProjectError([Problem(path.name, 1, "", f"has no column {', '.join(missing)}", remedy)])
    places = [headings.index(name) for name in _NEEDED]
    problems: list[Problem] = []
    decided = []
    for number, line in enumerate(lines[1:], start=2):
        row, study, decision = (line[place] if place < len(line) else "" for place in places)
        if mistake := _mistake(row, study, decision):
            problems.append(Problem(path.name, number, *mistake))
        elif decision:
            decided.append((int(float(row)), study, decision.casefold()))
    if problems:
        raise ProjectError(problems)
    return decided


def _mistake(row: str, study: str, decision: str) -> tuple[str, str, str] | None:
    if not decision:
        return None
    if decision.casefold() not in DECISIONS:
        return "decision", "is no decision", "write take or drop, or leave it empty"
    if not row.removesuffix(".0").isdecimal() or not study:
        return "row", "the row or the study is gone", "plan again, and change the column `decision` only"
    return None


def _lines(path: Path) -> Iterator[Sequence[str]]:
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from ([text.strip() for text in line] for line in csv.reader(stream))
        return
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError):
        raise ProjectError([Problem(path.name, 0, "", "is no workbook", "name plan.xlsx or plan-held.csv")]) from None
    try:
        if HELD not in book.sheetnames:
            raise ProjectError([Problem(path.name, 0, "", f"has no sheet `{HELD}`", "name the plan's workbook")])
        for line in book[HELD].iter_rows(values_only=True):
            yield ["" if value is None else str(value).strip() for value in line]
    finally:
        book.close()
