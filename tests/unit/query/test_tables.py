"""Tables in every form people have them in; everything as text, mistakes with their line."""

import datetime as dt
import json
import sys

import openpyxl
import pytest

from yaml_folder import loaded, only_problem, problems_of, write_files


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "lung-ct"


def with_table(folder, name, data, more=""):
    """The folder with one table of these bytes (or text) and nothing else asked for."""
    write_files(folder, query=f"table:\n  file: {name}\n{more}")
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def with_sheet(folder, rows, more="", **formats):
    """The folder with one workbook; `formats` are number formats by cell name."""
    write_files(folder, query=f"table:\n  file: c.xlsx\n{more}")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell, form in formats.items():
        book.active[cell].number_format = form
    book.save(folder / "c.xlsx")
    return folder


def keys(folder):
    return [dict(row.keys) for row in loaded(folder)[1]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_separator_in_any_unicode_gives_the_same_rows(folder, separator, encoding):
    lines = [["ID", "MRN", "PatientName"], ["1", "007", "Müller^Zoë"], ["2", "0012", "Ιωάννου^Άννα"]]
    text = "".join(separator.join(line) + "\r\n" for line in lines)
    assert keys(with_table(folder, "c.csv", text.encode(encoding))) == [
        {"PatientID": "007", "PatientName": "Müller^Zoë"},
        {"PatientID": "0012", "PatientName": "Ιωάννου^Άννα"},
    ]
    assert [row.id for row in loaded(folder)[1]] == ["1", "2"]


def test_another_encoding_is_read_and_reported_on_every_row(folder):
    with_table(folder, "c.csv", "MRN,PatientName\n1,Müller^Zoë\n".encode("cp1252"))
    (row,) = loaded(folder)[1]
    assert row.keys["PatientName"] == "Müller^Zoë"
    assert "look whether letters are right" in row.warnings[0]


@pytest.mark.parametrize("encoding", ["cp1251", "shift_jis", "utf-16"])
def test_an_encoding_that_is_given_is_not_doubted(folder, encoding):
    name = {"cp1251": "Чехов^Антон", "shift_jis": "山田^太郎", "utf-16": "Müller^Zoë"}[encoding]
    text = f"MRN;PatientName\n1;{name}\n".encode(encoding)
    with_table(folder, "c.csv", text, f"  encoding: {encoding}\n")
    (row,) = loaded(folder)[1]
    assert (row.keys["PatientName"], [w for w in row.warnings if "read as" in w]) == (name, [])


@pytest.mark.parametrize(
    ("encoding", "said"), [("ascii", "is not text in ascii"), ("cp12510", "there is no encoding `cp12510`")]
)
def test_an_encoding_that_is_none_is_one_problem(folder, encoding, said):
    text = "MRN\nMüller\n".encode("cp1252")
    assert only_problem(with_table(folder, "c.csv", text, f"  encoding: {encoding}\n")).message == said


def test_bytes_that_no_encoding_explains_are_a_problem_of_their_cell(folder):
    with_table(folder, "c.csv", b"MRN,PatientName\n1,M\x81ller^A\n")
    assert only_problem(folder).message == "holds an invisible character"


def test_tab_separated_text_and_excels_own_first_line_are_understood(folder):
    assert keys(with_table(folder, "c.tsv", "MRN\tStudyDate\n01\t2015-05-12\n"))[0]["StudyDate"] == "20150512"
    assert keys(with_table(folder, "c.csv", "sep=;\nMRN;StudyDate\n01;2015-05-12\n"))[0]["PatientID"] == "01"
    assert loaded(folder)[1][0].origin == ("c.csv", 3)


def test_lines_are_counted_through_quoted_line_breaks(folder):
    text = 'MRN,Description,Remarks\n1,"a ""b""","x\ny\nz"\n,"",\n3,,\n'
    text += "x\n"
    problem = only_problem(with_table(folder, "c.csv", text + ",,left over\n", "  columns: {Remarks: ignore}\n"))
    assert (problem.file, problem.line, problem.cell) == ("c.csv", 8, "")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("c.csv", "MRN,QueryRetrieveLevel\n7,PATIENT\n8,series\n9,\n"),
        (
            "c.json",
            json.dumps(
                [
                    {"PatientID": "7", "QueryRetrieveLevel": "PATIENT"},
                    {"PatientID": "8", "QueryRetrieveLevel": "series"},
                    {"PatientID": "9"},
                ]
            ),
        ),
    ],
)
def test_a_column_gives_each_row_its_level(folder, name, data):
    _, rows = loaded(with_table(folder, name, data))
    assert [(row.keys["PatientID"], row.level) for row in rows] == [("7", "patient"), ("8", "series"), ("9", "study")]
    ignored = with_table(folder, name, data, "  columns: {QueryRetrieveLevel: ignore}\n")
    assert {row.level for row in loaded(ignored)[1]} == {"study"}
    problem = only_problem(with_table(folder, name, data.replace("series", "IMAGES")))
    assert (problem.field, problem.message) == ("QueryRetrieveLevel", "is not a level")


def test_empty_lines_at_the_end_are_nothing_and_short_lines_are_blank_at_their_end(folder):
    assert keys(with_table(folder, "c.csv", "\nMRN,Mod\n1\n2,CT\n,\n\n\n")) == [
        {"PatientID": "1"},
        {"PatientID": "2", "Modality": "CT"},
    ]
    short, whole = loaded(folder)[1]
    assert ("fewer cells than there are headings" in " ".join(short.warnings), whole.warnings) == (True, ())
    (whole,) = loaded(with_table(folder, "c.csv", 'MRN,Mod\n"1\n",\n'))[1]
    assert whole.warnings == ()


def test_the_users_row_comes_back_as_it_was(folder):
    with_table(folder, "c.csv", "Remarks,MRN,Mod\n n/a ,0012,\n", "  columns: {Remarks: ignore}\n")
    (row,) = loaded(folder)[1]
    assert list(row.cells.items()) == [("Remarks", " n/a "), ("MRN", "0012"), ("Mod", "")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the table is empty"),
        ("\n,\n", "the table is empty"),
        ("MRN,Mod\n1,CT,x\n", "line 2 has 3 cells, the first line 2"),
        ('MRN,Mod\n1,"CT\n2,MR\n', "lack its partner"),
        ("MRN,MRN\n1,1\n", "columns 1 and 2 have the same heading"),
        ("MRN,\n1,1\n", "column 2 has values and no heading"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_problem(folder, text, said):
    problem = only_problem(with_table(folder, "c.csv", text))
    assert (problem.file, problem.line, problem.field) == ("query.yaml", 2, "table.file")
    assert said in problem.message


@pytest.mark.parametrize("name", ["absent.csv", "c.xls", "c.pdf"])
def test_a_file_that_is_absent_or_of_another_kind_is_one_problem(folder, name):
    write_files(folder, query=f"table:\n  file: {name}\n")
    assert only_problem(folder).field == "table.file"


def test_a_table_may_lie_outside_the_folder(folder):
    write_files(folder, query="table: {file: ../c.csv}\n")
    (folder.parent / "c.csv").write_text("MRN\n1\n")
    assert loaded(folder)[1][0].origin == ("../c.csv", 2)


def test_a_table_is_found_by_a_variable(folder, monkeypatch):
    monkeypatch.setenv("PACSFLOW_TEST_TABLES", str(folder.parent))
    write_files(folder, query="table: {file: '${env:PACSFLOW_TEST_TABLES}/c.csv'}\n")
    (folder.parent / "c.csv").write_text("MRN\n1\n")
    assert keys(folder) == [{"PatientID": "1"}]
    monkeypatch.delenv("PACSFLOW_TEST_TABLES")
    assert any("PACSFLOW_TEST_TABLES is not set" in problem.message for problem in problems_of(folder))


def test_bytes_that_are_half_a_character_are_no_text(folder):
    assert only_problem(with_table(folder, "c.csv", b"M\0R\0N\0\n")).message == "is not text"


def test_excel_gives_texts_dates_and_numbers_as_the_user_sees_them(folder):
    with_sheet(
        folder,
        [
            ["Index", "MRN", "Date of Study", "StudyTime", "SeriesNumber"],
            [1, "0012", dt.date(2015, 5, 12), dt.time(12, 30), 5],
            [2, 45, 42136, "", 6.0],
            [3, 45, "2015-05-12", None, None],
        ],
        B4="0000000",
    )
    assert keys(folder) == [
        {"PatientID": "0012", "StudyDate": "20150512", "StudyTime": "123000", "SeriesNumber": "5"},
        {"PatientID": "45", "StudyDate": "20150512", "SeriesNumber": "6"},
        {"PatientID": "0000045", "StudyDate": "20150512"},
    ]
    first, second, third = loaded(folder)[1]
    assert (first.id, second.origin) == ("1", ("c.xlsx", 3))
    assert [text.split(":")[0] for text in second.warnings] == ["PatientID", "StudyDate"]
    assert third.warnings == ()


def test_zeros_that_excel_lost_are_put_back_where_the_project_says_so(folder):
    with_sheet(folder, [["MRN"], [123], ["0000123"], ["A1"]], "  zero_pad: {PatientID: 7}\n")
    assert [row["PatientID"] for row in keys(folder)] == ["0000123", "0000123", "A1"]
    padded, whole, _ = loaded(folder)[1]
    assert "padded with zeros from 3 to 7 digits" in padded.warnings[0]
    assert whole.warnings == ()


def test_day_numbers_of_a_mac_workbook_count_from_1904(folder):
    with_sheet(folder, [["MRN", "StudyDate"], ["1", 40674]])
    book = openpyxl.load_workbook(folder / "c.xlsx")
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.save(folder / "c.xlsx")
    assert keys(folder)[0]["StudyDate"] == "20150512"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (dt.date(2015, 5, 12), "is a date cell"),
        (12345678901234567, "more than 15 digits"),
        (True, "is not text"),
        ("#N/A", "is not text"),
    ],
)
def test_a_cell_that_cannot_be_an_id_is_a_problem(folder, cell, said):
    problem = only_problem(with_sheet(folder, [["MRN"], [cell]]))
    assert (problem.file, problem.line, problem.field) == ("c.xlsx", 2, "MRN")
    assert said in problem.message


def test_merged_cells_and_formulas_without_result_would_look_empty(folder):
    assert "formula in A2 has no result" in only_problem(with_sheet(folder, [["MRN"], ["=1+1"]])).message
    with_sheet(folder, [["MRN", "Mod"], ["1", "CT"], ["", "MR"]])
    book = openpyxl.load_workbook(folder / "c.xlsx")
    book.active.merge_cells("A2:A3")
    book.save(folder / "c.xlsx")
    assert "cells A2:A3 are merged" in only_problem(folder).message


def test_a_sheet_is_chosen_by_name(folder):
    with_sheet(folder, [["MRN"], ["1"]], "  sheet: Cases\n")
    assert "write one of Sheet" in only_problem(folder).fix
    book = openpyxl.load_workbook(folder / "c.xlsx")
    book.create_sheet("Cases").append(["MRN"])
    book["Cases"].append(["2"])
    book.save(folder / "c.xlsx")
    assert keys(folder) == [{"PatientID": "2"}]


def test_what_is_not_a_workbook_and_what_has_no_sheets_is_a_problem(folder):
    assert "without a password" in only_problem(with_table(folder, "c.xlsx", b"PK nonsense")).fix
    assert "has no sheet" in only_problem(with_table(folder, "c.csv", "MRN\n1\n", "  sheet: A\n")).message


def test_pacsnpulls_list_asks_stars_back_and_keeps_its_level(folder):
    text = '[\n {"QueryRetrieveLevel": "PATIENT", "PatientID": "1", "PatientName": "*"},\n {"PatientID": "2"}]'
    first, second = loaded(with_table(folder, "c.json", text))[1]
    assert (dict(first.keys), first.level, first.origin) == (
        {"PatientID": "1", "PatientName": ""},
        "patient",
        ("c.json", 2),
    )
    assert (dict(second.keys), second.level, second.origin) == ({"PatientID": "2"}, "study", ("c.json", 3))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"PatientID": "1"}', "is not a list of objects"),
        ('["1"]', "is not a list of objects"),
        ('[{"PatientID": "1"},\n}]', "line 2 is not JSON"),
        (b"[\xff]", "is not UTF-8 text"),
        ('[{"PatientID": "1", "PatientID": "2"}]', "an object has the same key twice"),
        ('[{"PatientID": "1"}, 5]', "is not a list of objects"),
    ],
)
def test_json_that_is_not_a_list_of_objects_is_a_problem(folder, text, said):
    assert only_problem(with_table(folder, "c.json", text)).message.startswith(said)


def test_a_json_value_that_is_not_text_is_a_problem_in_its_line(folder):
    text = json.dumps([{"PatientID": ["1"]}, {"PatientID": None}, {"PatientID": True}], indent=1)
    assert [problem.line for problem in problems_of(with_table(folder, "c.json", text))] == [2, 10]


def test_a_json_number_in_an_id_draws_a_warning(folder):
    (row,) = loaded(with_table(folder, "c.json", '[{"PatientID": 45322}]'))[1]
    assert "zeros at its front may be lost" in row.warnings[0]


def test_a_level_that_dicom_does_not_know_is_a_problem(folder):
    text = '[{"QueryRetrieveLevel": "STUDDY", "PatientID": "1"}]'
    assert only_problem(with_table(folder, "c.json", text)).field == "QueryRetrieveLevel"


def test_parquet_says_what_it_needs(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'pacsflow[parquet]'" in only_problem(with_table(folder, "c.parquet", b"PAR1")).fix


def test_parquet_gives_texts_dates_and_numbers(folder):
    import pandas as pd

    write_files(folder, query="table:\n  file: c.parquet\n")
    days = pd.to_datetime(["2015-05-12", None])
    table = pd.DataFrame({"MRN": ["0012", "7"], "Date": days, "SeriesNumber": [5, None], "Mod": [None, "CT"]})
    table.to_parquet(folder / "c.parquet")
    assert keys(folder) == [
        {"PatientID": "0012", "StudyDate": "20150512", "SeriesNumber": "5"},
        {"PatientID": "7", "Modality": "CT"},
    ]
    assert loaded(folder)[1][1].origin == ("c.parquet", 2)
    (folder / "c.parquet").write_bytes(b"no such thing")
    assert only_problem(folder).message == "is not a parquet file"


def test_a_number_that_a_spreadsheet_shortened_is_a_problem(folder):
    assert "has shortened" in only_problem(with_table(folder, "c.csv", "MRN\n1.23457E+11\n")).message


def test_columns_without_heading_and_values_are_nothing(folder):
    assert keys(with_table(folder, "c.csv", "MRN,,Mod\n1,,CT\n")) == [{"PatientID": "1", "Modality": "CT"}]


def test_the_time_of_day_of_a_date_cell_is_left_out_and_that_is_reported(folder):
    for more, told in (("", 1), ("  date_formats: ['%Y-%m-%d %H:%M:%S']\n", 0)):
        with_sheet(folder, [["MRN", "Date"], ["1", dt.datetime(2015, 5, 12, 14, 30)]], more)  # noqa: DTZ001 Excel knows no zone
        (row,) = loaded(folder)[1]
        assert row.keys["StudyDate"] == "20150512"
        assert [text for text in row.warnings if "time of day" in text] == list(row.warnings)
        assert len(row.warnings) == told


def test_a_number_with_a_fraction_is_not_a_series_number(folder):
    assert only_problem(with_sheet(folder, [["MRN", "SeriesNumber"], ["1", 5.5]])).message == "is not a whole number"
