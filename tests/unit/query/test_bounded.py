"""Inputs that are far too large, or no files at all, are mistakes in words, found soon."""

import os
import zipfile

import openpyxl
import pytest

from pacsflow.query.fault import FaultError
from pacsflow.query.tables import read_table
from yaml_folder import problems_of, write_files

HUGE = "9" * 5000


def table(folder, name):
    return problems_of(write_files(folder, query=f"table: {{file: {name}}}\n"))


@pytest.mark.parametrize(
    "text",
    [
        f'[{{"PatientID": {HUGE}}}]',
        f'[{{"PatientID": 1e{HUGE}}}]',
        "[" * 100_000,
        '[{"PatientID": "\\ud800"}]',
        "[{}]",
        "[1]",
    ],
)
def test_json_of_an_odd_kind_is_a_mistake(tmp_path, text):
    folder = write_files(tmp_path / "p", query="table: {file: t.json}\n")
    (folder / "t.json").write_text(text)
    assert problems_of(folder)


@pytest.mark.parametrize(
    "text", ["PatientID\n" + "1" * 200_000, "x" * 200_000 + "\n1\n", 'PatientID,"' + "y," * 100_000 + '"\n1,2\n']
)
def test_cells_beyond_what_a_csv_holds_are_a_mistake(tmp_path, text):
    folder = write_files(tmp_path / "p", query="table: {file: t.csv}\n")
    (folder / "t.csv").write_text(text)
    assert problems_of(folder)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "xlsx", "json", "parquet"])
@pytest.mark.parametrize("kind", ["device", "pipe", "folder", "absent"])
def test_what_is_not_a_file_is_not_a_table(tmp_path, kind, suffix):
    place = tmp_path / f"t.{suffix}"
    if kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    with pytest.raises(FaultError):
        read_table(place, place.name)


@pytest.mark.parametrize(
    "value", ["0x" + "f" * 6000, HUGE, "-" + HUGE, "1e" + HUGE, "0o" + "7" * 6000, f"[{HUGE}]", f"{{a: {HUGE}}}"]
)
@pytest.mark.parametrize("name", ["pacs", "project", "deid", "export", "query"])
def test_numbers_beyond_all_sense_are_mistakes(tmp_path, name, value):
    for key in ("port", "version", "name", "rows", "nifti", "base"):
        assert problems_of(write_files(tmp_path / key, **{name: f"{key}: {value}\n"}))


def test_a_project_file_that_is_a_device_is_a_mistake(tmp_path):
    folder = write_files(tmp_path / "p")
    (folder / "pacs.yaml").unlink()
    (folder / "pacs.yaml").symlink_to("/dev/zero")
    assert problems_of(folder)


def workbook(place, **cells):
    book = openpyxl.Workbook()
    for at, value in {"A1": "PatientID", "A2": "0007", **cells}.items():
        book.active[at] = value
    book.save(place)


def test_a_formatted_cell_far_away_is_none_of_the_table(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"], book.active["A2"] = "PatientID", "0007"
    book.active["XFD1048576"].number_format = "0.00"
    book.save(tmp_path / "t.xlsx")
    read = read_table(tmp_path / "t.xlsx", "t.xlsx")
    assert [row.cells["PatientID"].text for row in read.rows] == ["0007"]


def test_a_word_far_away_is_named(tmp_path):
    workbook(tmp_path / "t.xlsx", XFD1048576="x")
    with pytest.raises(FaultError, match="XFD1048576"):
        read_table(tmp_path / "t.xlsx", "t.xlsx")


def test_cells_merged_over_a_whole_sheet_are_named_before_they_are_made(tmp_path):
    workbook(tmp_path / "w.xlsx")
    with zipfile.ZipFile(tmp_path / "w.xlsx") as old, zipfile.ZipFile(tmp_path / "t.xlsx", "w") as new:
        for name in old.namelist():
            merged = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
            new.writestr(name, old.read(name).replace(b"</sheetData>", merged) if "sheet1" in name else old.read(name))
    with pytest.raises(FaultError, match="merged"):
        read_table(tmp_path / "t.xlsx", "t.xlsx")


def test_a_workbook_that_is_a_bomb_is_not_unpacked(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "t.xlsx", "w", zipfile.ZIP_DEFLATED) as bomb,
        bomb.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(1100):
            part.write(bytes(1 << 20))
    with pytest.raises(FaultError, match="unpacked"):
        read_table(tmp_path / "t.xlsx", "t.xlsx")
