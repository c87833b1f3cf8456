"""Pseudonyms from a table: JSON as PACSMAN's `new_ids`, or CSV of two columns."""

import ast
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pacsflow.errors import Problem, ProjectError
from pacsflow.pseudonyms.contract import Assigned, PseudonymContext, Pseudonyms
from pacsflow.pseudonyms.legal import folded, patient_fault, pseudonym_fault
from pacsflow.regular_files import read_regular
from pacsflow.wording import counted

T = TypeVar("T")
Entry = tuple[int, str, str]
"""1-based line, patient id, pseudonym."""

_GAP = re.compile(r"[\s,:]*")
_HEADINGS = frozenset(
    ["patientid", "patient", "mrn", "id", "oldid", "pid", "pseudonym", "newid", "newids", "newpseudonym", "code"]
)
_PREFIX = "sub-"
_DAYS = re.compile(r"[+-]?\d{1,6}")
MOST_OF_A_TABLE = 1 << 28
"""Bytes of a table of patients, at most."""
FARTHEST = 366 * 100
"""Days that a shift may have; a date beyond is not a date any more."""
_COLUMNS = 2


class _TableBrokenError(ValueError):
    """A table that cannot be read: line, why, what to do. Holds nothing of the table."""

    def __init__(self, line: int, message: str, fix: str) -> None:
        super().__init__(message)
        self.line, self.fix = line, fix


def source(means: PseudonymContext) -> Pseudonyms:
    """Pseudonyms of the table, whatever the issuer. Raises ProjectError with each mistake of the table."""
    table = checked(read_table(Path(means.patient.file or ""), shared=means.patient.shared))

    def given(patient_id: str, _issuer: str, shift_days: int) -> Assigned | None:
        pseudonym = table.get(patient_id)
        return Assigned(pseudonym, shift_days) if pseudonym else None

    return given


def read_table(file: Path, *, shared: bool = False) -> tuple[dict[str, str], list[Problem]]:
    """Patient id -> pseudonym, and what is wrong with the table; no problem holds a value of it.

    `shared`: ids with the very same pseudonym are one patient's, and no mistake.
    """
    entries, problems = read_entries(file)
    problems += [] if problems else _problems(file.name, entries, shared=shared)
    return {patient: pseudonym for _, patient, pseudonym in entries}, problems


def read_shifts(file: Path) -> tuple[dict[str, int], list[Problem]]:
    """Patient id -> days that every date moves, and what is wrong with the table; no problem holds a value of it.

    0 is not a mistake of the table: it is refused for its patient alone (`legal.shift_fault`).
    """
    entries, problems = read_entries(file, days=True)
    problems += [] if problems else _problems_of_shifts(file.name, entries)
    return {} if problems else {patient: int(days) for _, patient, days in entries}, problems


def checked(read: tuple[T, list[Problem]]) -> T:
    """What was read. Raises ProjectError where something is wrong with it."""
    found, problems = read
    if problems:
        raise ProjectError(problems)
    return found


def read_entries(file: Path, *, days: bool = False) -> tuple[list[Entry], list[Problem]]:
    """What stands in a table of patients, or why it cannot be read."""
    try:
        text = read_regular(file, MOST_OF_A_TABLE).decode("utf-8-sig")
        return list(_json(text, days=days) if file.suffix.lower() == ".json" else _csv(text)), []
    except OSError as error:
        broken = _TableBrokenError(0, f"cannot be read: {error.strerror}", "fix the path")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        broken = _TableBrokenError(line, "is not UTF-8 text", "save the table as UTF-8")
    except _TableBrokenError as error:
        broken = error
    return [], [Problem(file.name, broken.line, "", str(broken), broken.fix)]


def first_ids(file: Path) -> dict[str, str]:
    """Patient id -> the id that stands first in the table with the same pseudonym, of ids that are not first."""
    first: dict[str, str] = {}
    table = read_table(file, shared=True)[0]
    leaders = {patient: first.setdefault(pseudonym, patient) for patient, pseudonym in table.items()}
    return {patient: leader for patient, leader in leaders.items() if patient != leader}


def _problems(name: str, entries: list[Entry], *, shared: bool) -> Iterator[Problem]:
    if not entries:
        yield Problem(name, 0, "", "the table is empty", "write a patient id and a pseudonym per line")
    patients: dict[str, int] = {}
    pseudonyms: dict[str, int] = {}
    spelt: dict[str, str] = {}
    for line, patient, pseudonym in entries:
        for column, fault in (("patient id", patient_fault(patient)), ("pseudonym", pseudonym_fault(pseudonym))):
            if fault:
                yield Problem(name, line, column, fault, "fix this cell")
        if patient in patients:
            message = f"stands in line {patients[patient]} already"
            yield Problem(name, line, "patient id", message, "keep one of them")
        elif folded(pseudonym) in pseudonyms and not (shared and spelt[folded(pseudonym)] == pseudonym):
            message = f"is that of line {pseudonyms[folded(pseudonym)]}, or differs in case or punctuation only"
            fix = "give every patient an own one; where both ids are one patient's, write `shared: true` beside `file`"
            yield Problem(name, line, "pseudonym", message, fix)
        patients |= {patient: line} if patient else {}
        pseudonyms |= {folded(pseudonym): line} if pseudonym else {}
        spelt.setdefault(folded(pseudonym), pseudonym)


def _problems_of_shifts(name: str, entries: list[Entry]) -> Iterator[Problem]:
    if not entries:
        yield Problem(name, 0, "", "the table is empty", "write a patient id and a number of days per line")
    patients: dict[str, int] = {}
    for line, patient, days in entries:
        if fault := patient_fault(patient):
            yield Problem(name, line, "patient id", fault, "fix this cell")
        if not _DAYS.fullmatch(days) or abs(int(days)) > FARTHEST:
            yield Problem(name, line, "day shift", "is not a whole number of days", "write a number, as -12")
        if patient in patients:
            yield Problem(name, line, "patient id", f"stands in line {patients[patient]} already", "keep one of them")
        patients |= {patient: line}


def _json(text: str, *, days: bool) -> Iterator[Entry]:
    given: dict[str, tuple[bool, object]] = {}
    for line, key, value in _pairs(text):
        patient, prefixed = key.strip().removeprefix(_PREFIX), key.strip().startswith(_PREFIX)
        if given.get(patient) != (not prefixed, value):  # the same under both its keys is said once
            yield line, patient, _text(value, line, days=days)
        given.setdefault(patient, (prefixed, value))


def _pairs(text: str) -> Iterator[tuple[int, str, object]]:
    """Line, key and value of each member of an object; in single quotes too, as PACSMAN's readme shows it."""
    fix = 'write {"patient id": "pseudonym", …}'
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        if (pairs := _python_pairs(text)) is not None:
            yield from pairs
            return
        raise _TableBrokenError(error.lineno, f"is not JSON: {error.msg}", "fix this line") from None
    except (ValueError, RecursionError):  # ValueError: a number of more digits than Python reads
        whole = None
    if not isinstance(whole, dict):
        raise _TableBrokenError(0, "is no JSON object", fix)
    decoder, line, seen = json.JSONDecoder(), 1, 0
    at = _after_gap(text, text.index("{") + 1)
    while text[at] != "}":
        line, seen = line + text.count("\n", seen, at), at
        key, at = decoder.raw_decode(text, at)
        value, at = decoder.raw_decode(text, _after_gap(text, at))
        at = _after_gap(text, at)
        yield line, key, value


def _python_pairs(text: str) -> list[tuple[int, str, object]] | None:
    """The members of a dict of texts and numbers as Python writes it; None where it is none. Nothing is run."""
    try:
        body = ast.parse(text.strip(), mode="eval").body
        if not isinstance(body, ast.Dict):
            return None
        read = [
            (key, ast.literal_eval(key), ast.literal_eval(value))
            for key, value in zip(body.keys, body.values, strict=True)
            if key
        ]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    above = text[: len(text) - len(text.lstrip())].count("\n")
    pairs = [(key.lineno + above, name, value) for key, name, value in read]
    whole = len(pairs) == len(body.keys) and all(isinstance(name, str) for _, name, _ in pairs)
    return pairs if whole else None


def _text(value: object, line: int, *, days: bool) -> str:
    if not isinstance(value, str) and (not days or isinstance(value, bool) or not isinstance(value, int)):
        what = "the day shift is not a whole number" if days else "the pseudonym is not text"
        raise _TableBrokenError(line, what, "write a number" if days else "write it in quotes")
    return str(value).strip()


def _after_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _csv(text: str) -> Iterator[Entry]:
    heading = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=heading.count), strict=True)
    line = 1
    try:
        for position, cells in enumerate(reader):
            entry = [cell.strip() for cell in cells]
            if any(entry) and len(entry) != _COLUMNS:
                raise _TableBrokenError(line, f"has {counted(len(entry), 'cell')}", "write two: patient id, pseudonym")
            if any(entry) and not (position == 0 and _is_heading(entry)):
                yield line, entry[0].removeprefix(_PREFIX), entry[1]
            line = reader.line_num + 1
    except csv.Error:
        raise _TableBrokenError(line, "is no CSV", "look for a quotation mark without its partner") from None


def _is_heading(cells: list[str]) -> bool:
    return any(re.sub(r"[\W_]+", "", cell).casefold() in _HEADINGS for cell in cells)
