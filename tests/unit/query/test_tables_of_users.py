"""Tables as they come from spreadsheets, hospital systems and scripts: read right, or refused with a word that helps."""

import datetime as dt
import io
import re
import zipfile

import openpyxl
import pandas as pd
import pyarrow.parquet
import pytest

from yaml_folder import loaded, only_problem, write_files

SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def rows_of(tmp_path):
    """Rows of a table of that name with those bytes; the folder is left to be asked for problems."""

    def read(name, data, more=""):
        return loaded(written(tmp_path / "lung-ct", name, data, more))[1]

    return read


def written(folder, name, data, more=""):
    write_files(folder, query=f"table:\n  file: {name}\n{more}")
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def workbook(*rows, change=None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change:
        change(book)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def with_part(data, name, pattern, replacement):
    """A workbook with the first match of `pattern` in one of its parts replaced."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(sink, "w") as new:
        for part in old.namelist():
            content = old.read(part)
            if part == name:
                content, count = re.subn(pattern, replacement, content, count=1, flags=re.DOTALL)
                assert count
            new.writestr(part, content)
    return sink.getvalue()


def parquet(frame):
    sink = io.BytesIO()
    frame.to_parquet(sink)
    return sink.getvalue()


def test_a_formula_whose_result_is_an_empty_text_is_an_empty_cell(rows_of):
    data = workbook(["MRN", "Mod"], ["1", '=IF(A2="","CT","")'])
    computed = with_part(
        data, SHEET, rb'<c r="B2"[^>]*>(<f>.*?</f>)<v */?>(</v>)?</c>', rb'<c r="B2" t="str">\1<v></v></c>'
    )
    assert [dict(row.keys) for row in rows_of("c.xlsx", computed)] == [{"PatientID": "1"}]


def test_the_first_sheet_is_the_first_that_is_seen(rows_of):
    def hide(book):
        book.create_sheet("Cases").append(["MRN"])
        book["Cases"].append(["2"])
        book.worksheets[0].sheet_state = "hidden"
        book.active = 1

    (row,) = rows_of("c.xlsx", workbook(["MRN"], ["1"], change=hide))
    assert row.keys["PatientID"] == "2"


def test_rows_that_a_filter_hides_are_asked_for_and_that_is_reported(rows_of):
    def hide(book):
        book.active.row_dimensions[3].hidden = True

    seen, hidden = rows_of("c.xlsx", workbook(["MRN"], ["1"], ["2"], change=hide))
    assert seen.warnings == ()
    assert "hidden in its sheet" in hidden.warnings[0]


@pytest.mark.parametrize(("part", "pattern"), [(SHEET, b"</sheetData>"), ("xl/styles.xml", b"<fills")])
def test_a_damaged_workbook_is_one_problem(tmp_path, part, pattern):
    data = with_part(workbook(["MRN"], ["1"]), part, pattern, b"<spoilt")
    problem = only_problem(written(tmp_path / "lung-ct", "c.xlsx", data))
    assert (problem.field, problem.message.split(" (")[0]) == ("table.file", "is no Excel workbook")


@pytest.mark.parametrize(
    ("written_as", "warned"),
    [
        ("2015-05-12 14:30:00", True),
        ("20150512 14:30", True),
        ("12.05.2015 2:30 PM", True),
        ("2015-05-12 00:00:00", False),
    ],
)
def test_a_time_of_day_beside_a_date_is_left_out_and_reported(rows_of, written_as, warned):
    (row,) = rows_of("c.csv", f"MRN,Date\n1,{written_as}\n", "  date_formats: ['%d.%m.%Y']\n")
    assert row.keys["StudyDate"] == "20150512"
    assert any("time of day" in text for text in row.warnings) is warned


def test_the_index_of_a_frame_is_a_column_where_it_has_a_name(rows_of):
    frame = pd.DataFrame({"Query": ["a", "b"], "MRN": ["1", "2"], "Date": ["20150512"] * 2, "Mod": ["CT", "MR"]})
    first, _ = rows_of("c.parquet", parquet(frame.set_index(["Query", "MRN"])))
    assert (first.id, dict(first.keys)) == ("a", {"PatientID": "1", "StudyDate": "20150512", "Modality": "CT"})
    (other,) = rows_of("c.parquet", parquet(frame[frame["Mod"] == "MR"]))
    assert (other.id, other.keys["PatientID"]) == ("b", "2")


def test_a_damaged_frame_is_one_problem(tmp_path):
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"MRN": ["1"]}).replace_schema_metadata({"pandas": "{}"}), sink)
    problem = only_problem(written(tmp_path / "lung-ct", "c.parquet", sink.getvalue()))
    assert problem.message == "is not a parquet file"
    twice = pd.DataFrame({"MRN": ["1"]}, index=pd.Index(["2"], name="MRN"))
    assert "same heading" in only_problem(written(tmp_path / "lung-ct", "c.parquet", parquet(twice))).message


def test_moments_of_a_frame_are_days_and_those_of_a_zone_are_not(rows_of, tmp_path):
    frame = pd.DataFrame({"MRN": ["1"], "Date": pd.to_datetime(["2015-05-12 22:00"]), "StudyTime": [dt.time(12, 30)]})
    (row,) = rows_of("c.parquet", parquet(frame))
    assert (row.keys["StudyDate"], row.keys["StudyTime"]) == ("20150512", "123000")
    assert "time of day" in row.warnings[0]
    for hour in (0, 22):
        zoned = frame.assign(Date=pd.to_datetime([f"2015-05-12T{hour:02d}:00:00Z"]))
        assert "time zone" in only_problem(written(tmp_path / "lung-ct", "c.parquet", parquet(zoned))).message


@pytest.mark.parametrize(
    "head", ["Patient ID,Patient Birth Date", "PATIENT ID,patient birth date", '"Patient\nID",PatientBirthDate']
)
def test_keywords_in_words_are_headings(rows_of, head):
    (row,) = rows_of("c.csv", f"{head}\n1,19700203\n")
    assert dict(row.keys) == {"PatientID": "1", "PatientBirthDate": "19700203"}


def test_a_blank_of_the_web_is_distinguished(tmp_path):
    problem = only_problem(written(tmp_path / "lung-ct", "c.csv", "MRN\n1\N{NO-BREAK SPACE}2\n"))
    assert "no-break space" in problem.message


def test_days_around_the_end_of_time_stay_within_it(rows_of):
    (row,) = rows_of("c.csv", "MRN,Date\n1,20150101-99991231\n", "  look_around_days: {StudyDate: 2}\n")
    assert row.keys["StudyDate"] == "20141230-99991231"


def test_json_nested_without_end_is_not_a_list(tmp_path):
    assert only_problem(written(tmp_path / "lung-ct", "c.json", "[" * 100_000)).message == "is not a list of objects"
