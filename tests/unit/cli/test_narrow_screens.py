"""On a narrow screen tables fold: not a letter of what is told is lost."""

import inspect
import re

import pytest

from pacsflow.cli import convert, deid, explain, probe, select, shift_table, show, validate, verify
from pacsflow.cli.show import Folding
from pacsflow.errors import Problem

ADVICE = "say under `columns` what it means, as `Number of the patient in the ward's own book: PatientID`, or ignore it"
LONG = "Untersuchungsdatumderletztenkontrolluntersuchungmitkontrastmittelgabe"
WIDTHS = pytest.mark.parametrize("width", [20, 40, 80, 120])


def letters(text):
    return re.sub(r"[\s│┃┏┓┡┩└┘├┤┴┬┼━─╇╈┌┐]", "", text)


@pytest.fixture
def screen(monkeypatch, capsys):
    def shown(width, call, *arguments):
        monkeypatch.setattr(show.console, "_width", width)
        call(*arguments)
        return capsys.readouterr().out

    return shown


@WIDTHS
@pytest.mark.parametrize("columns", [1, 2, 4, 6])
def test_a_table_of_any_width_loses_no_letter(screen, width, columns):
    def call():
        table = Folding(*(f"h{n}" for n in range(columns)))
        table.add_row(*(chr(ord("a") + n) * 90 for n in range(columns)))
        show.console.print(table)

    told = screen(width, call)
    assert "…" not in told
    if width >= 8 * columns:
        assert [letters(told).count(chr(ord("a") + n)) for n in range(columns)] == [90] * columns


@WIDTHS
def test_numbers_of_status_and_plan_are_whole(screen, width):
    told = screen(width, show._numbers, "plan", {LONG: 1234567, "rows": 3})
    assert "…" not in told
    assert width < 40 or letters(LONG) in letters(told.replace("1,234,567", ""))


@WIDTHS
def test_problems_of_validate_are_whole(screen, width, monkeypatch):
    problem = Problem("cohort.xlsx", 5, LONG, "unknown column", ADVICE, "B5")
    told = screen(
        width, validate._show_problems, [problem, Problem("cohort.xlsx", 6, LONG, "unknown column", ADVICE, "B6")]
    )
    assert "…" not in told
    assert letters(ADVICE) in letters(told)
    assert "2rowsofcohort.xlsx(B5,B6)" in letters(told)


@pytest.mark.parametrize("module", [convert, deid, explain, probe, select, shift_table, show, verify])
def test_no_command_makes_a_table_that_cuts(module):
    source = inspect.getsource(module)
    assert re.search(r"\bFolding\(", source)
    assert not re.search(
        r"(?<!class Folding\()(?<![A-Za-z])Table\((?!\):)", source.replace("class Folding(Table):", "")
    )
