"""The user's table comes back with the types and formats it had, and counts can be added up."""

import datetime as dt
import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from pacsflow.export.names import in_names
from pacsflow.query.raw import Reading
from pacsflow.query.tables import read_table
from pacsflow.report.records import RunSummary
from pacsflow.report.table import ADDED, IN_FOLDERS, result_sheet, write_table
from reported import row, study

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def summary(cells, *studies, **more):
    own = row(1, "1", "complete", "", *studies, images=(7, 5), cells=cells)
    return RunSummary("p", "complete", NOW, NOW, (own,), studies, **more)


def back(tmp_path, heads, values, forms):
    """The cells of the user's row as results.xlsx has them, by heading."""
    book = openpyxl.Workbook()
    book.active.append(heads)
    book.active.append(values)
    for place, form in enumerate(forms, 1):
        if form:
            book.active.cell(2, place).number_format = form
    book.save(tmp_path / "own.xlsx")
    raw = read_table(tmp_path / "own.xlsx", "own.xlsx", Reading())
    cells = {heading: cell.shown for heading, cell in raw.rows[0].cells.items()}
    write_table(summary(cells), tmp_path)
    sheet = load_workbook(tmp_path / "results.xlsx").active
    return {head.value: cell for head, cell in zip(sheet[1], sheet[2], strict=True)}


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (65, ""),
        (4711, "0000000"),
        (1.75, "0.00"),
        (dt.datetime(1950, 3, 12), "DD.MM.YYYY"),  # noqa: DTZ001 a day
        (dt.time(12, 30), "HH:MM"),
        (0.25, "0%"),
        ("0045322", "@"),
        (True, ""),
    ],
)
def test_a_cell_comes_back_as_what_it_was(tmp_path, value, form):
    found = back(tmp_path, ["PatientID", "Value"], ["0045322", value], ["", form])
    assert found["Value"].value == value
    assert found["PatientID"].value == "0045322"
    if form:
        assert found["Value"].number_format == form


def test_counts_are_numbers_and_the_csv_is_as_before(tmp_path):
    found = back(tmp_path, ["PatientID"], ["0045322"], [""])
    counts = [found[name].value for name in ("studies", "series", "images expected", "images received")]
    assert counts == [0, 0, 7, 5]
    assert "0045322,complete,,0,0,7,5," in (tmp_path / "results.csv").read_text("utf-8-sig")


def test_folders_are_named_where_they_spell_a_pseudonym_otherwise():
    old = study("k", "KOPF-MRT-UAJ4", in_folders="KOPF_MRT_UAJ4")
    sheet = result_sheet(summary({"ID": "1"}, old))
    assert dict(zip(sheet.headings, next(iter(sheet.rows)), strict=True))[IN_FOLDERS] == "KOPF_MRT_UAJ4"
    assert result_sheet(summary({"ID": "1"}, study("k", "KOPFUAJ4"))).headings == ["ID", *ADDED]


@given(st.from_regex(r"[A-Z0-9]{1,31}", fullmatch=True), st.from_regex(r"[A-Z2-7]{1,16}", fullmatch=True))
def test_a_pseudonym_of_letters_and_digits_has_one_spelling(prefix, rest):
    assert set(in_names(prefix + rest)) == {prefix + rest}


def test_the_page_of_bytes_is_a_workbook(tmp_path):
    back(tmp_path, ["PatientID"], ["0045322"], [""])
    assert load_workbook(io.BytesIO((tmp_path / "results.xlsx").read_bytes())).sheetnames == ["results"]
