"""Tables as hospitals make them: titles, blank lines, totals, ages, lost zeros; alike in every kind of file."""

import io
import json
import re
import tempfile
from contextlib import suppress
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsflow.errors import ProjectError
from pacsflow.query.hospital import meant_by
from yaml_folder import loaded, only_problem, problems_of, write_files

SHEETS = ["xlsx", "csv", "tsv"]
KINDS = [*SHEETS, "parquet", "json"]
HEADS = ["ID", "PatientID", "StudyDate", "Modality"]
ROWS = [["a", "0012345", "20150512", "CT"], ["b", "0012346", "20150513", "MR"], ["c", "0012347", "20150514", "CT"]]


def saved(path, lines, change=None):
    """The lines as a file of the kind that its name tells; JSON and parquet have no lines above their headings."""
    kind = path.suffix[1:]
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for line in lines:
            book.active.append(line)
        if change:
            change(book.active)
        book.save(path)
    elif kind in ("csv", "tsv"):
        joint = "," if kind == "csv" else "\t"
        path.write_text("".join(joint.join(line) + "\n" for line in lines))
    else:
        width = len(lines[0])
        rows = [dict(zip(lines[0], [*line, *[""] * (width - len(line))], strict=True)) for line in lines[1:]]
        if kind == "json":
            path.write_text(json.dumps(rows, indent=1))
        else:
            sink = io.BytesIO()
            pd.DataFrame(rows, columns=lines[0]).to_parquet(sink)
            path.write_bytes(sink.getvalue())


def table(folder, kind, lines, more="", change=None):
    write_files(folder, query=f"table:\n  file: c.{kind}\n{more}")
    saved(folder / f"c.{kind}", lines, change)
    return folder


def ids(folder):
    return [row.keys.get("PatientID") for row in loaded(folder)[1]]


def told(folder):
    return "\n".join(text for row in loaded(folder)[1] for text in row.warnings)


@pytest.mark.parametrize("kind", SHEETS)
def test_title_lines_above_the_headings_are_found_and_told(tmp_path, kind):
    lines = [["Kohorte Lunge, Stand 2026"], [], ["bitte vertraulich", "behandeln"], HEADS, *ROWS]
    folder = table(tmp_path / "p", kind, lines)
    assert ids(folder) == ["0012345", "0012346", "0012347"]
    assert "found in line 4" in loaded(folder)[1][0].warnings[0]
    assert loaded(folder)[1][0].origin == (f"c.{kind}", 5)


@pytest.mark.parametrize("kind", SHEETS)
def test_the_line_of_the_headings_can_be_said(tmp_path, kind):
    lines = [["ID", "PatientID"], ["an old", "heading"], ["Nr", "Pat", "Datum"], ["1", "0012345", "20150512"]]
    more = "  heading_row: 3\n  id_column: Nr\n  columns: {Pat: PatientID, Datum: StudyDate}\n"
    folder = table(tmp_path / "p", kind, lines, more)
    assert ids(folder) == ["0012345"]
    assert "found in line" not in told(folder)
    assert "`heading_row`" in only_problem(table(tmp_path / "q", kind, lines, "  heading_row: 9\n")).message


def test_headings_in_the_words_of_the_house_are_found_where_the_project_explains_them(tmp_path):
    lines = [["Liste der Patienten"], ["Nr", "Fall", "Datum"], ["1", "4711", "20150512"]]
    more = "  id_column: Nr\n  columns: {Fall: AccessionNumber, Datum: StudyDate}\n"
    assert loaded(table(tmp_path / "p", "csv", lines, more))[1][0].keys["AccessionNumber"] == "4711"


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_kinds_without_lines_have_no_heading_row(tmp_path, kind):
    folder = table(tmp_path / "p", kind, [HEADS, *ROWS], "  heading_row: 2\n")
    assert only_problem(folder).message == "has no heading_row"


@pytest.mark.parametrize("merged", ["A1:D1", "A1:D2", "E5:E7"])
def test_cells_merged_over_titles_and_beside_the_table_are_no_mistake(tmp_path, merged):
    lines = [["Kohorte"], [], [], HEADS, *ROWS]
    folder = table(tmp_path / "p", "xlsx", lines, change=lambda sheet: sheet.merge_cells(merged))
    assert len(ids(folder)) == 3


def test_cells_merged_in_an_ignored_column_are_no_mistake(tmp_path):
    lines = [[*HEADS, "Remarks"], *([*row, ""] for row in ROWS)]
    more = "  columns: {Remarks: ignore}\n"
    folder = table(tmp_path / "p", "xlsx", lines, more, change=lambda sheet: sheet.merge_cells("E2:E4"))
    assert len(ids(folder)) == 3


def test_merged_cells_of_the_table_are_named_all_at_once(tmp_path):
    def change(sheet):
        sheet.merge_cells("B2:B3")
        sheet.merge_cells("D3:D4")

    problem = only_problem(table(tmp_path / "p", "xlsx", [HEADS, *ROWS], change=change))
    assert "B2:B3, D3:D4" in problem.message


@pytest.mark.parametrize("kind", KINDS)
def test_blank_lines_are_left_out_and_told(tmp_path, kind):
    lines = [HEADS, ROWS[0], ["", "", "", ""], ROWS[1], ["", " ", "", ""], ROWS[2]]
    folder = table(tmp_path / "p", kind, lines)
    assert [row.number for row in loaded(folder)[1]] == [1, 2, 3]
    assert "blank lines left out" in told(folder)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", ["Summe", "Total:", "TOTAL (3)", "Anzahl Patienten", "n = 3", "Gesamt", "Somme", "Σ"])
def test_a_line_of_totals_behind_the_rows_is_never_asked_as_a_patient(tmp_path, kind, word):
    folder = table(tmp_path / "p", kind, [HEADS, *ROWS, ["", "", "", ""], [word, "3", "20150514", ""]])
    assert "3" not in ids(folder)
    assert "line of totals left out" in told(folder)


@pytest.mark.parametrize("kind", SHEETS)
def test_a_line_of_totals_among_the_rows_is_a_mistake_with_its_cell(tmp_path, kind):
    problem = only_problem(table(tmp_path / "p", kind, [HEADS, ROWS[0], ["Summe", "1", "20150512", ""], ROWS[1]]))
    assert (problem.line, problem.cell, "totals" in problem.message) == (3, "A3", True)


@pytest.mark.parametrize("word", ["Total body", "SUMMERFIELD", "Totalendoprothese Knie", "Nadia", "Mean, Jane", "N12"])
def test_names_and_codes_that_begin_likewise_are_rows(tmp_path, word):
    assert len(ids(table(tmp_path / "p", "xlsx", [HEADS, *ROWS, [word, "0012348", "20150514", "CT"]]))) == 4


@pytest.mark.parametrize(
    ("text", "sent"),
    [("65", "065Y"), ("65Y", "065Y"), ("065Y", "065Y"), ("65 Jahre", "065Y"), ("65 years", "065Y"), ("65 J.", "065Y"),
     ("6 Monate", "006M"), ("3 Wochen", "003W"), ("10 days", "010D"), ("65.0", "065Y"), ("7 mois", "007M")],
)  # fmt: skip
def test_ages_as_people_write_them_are_sent_as_dicom_does(tmp_path, text, sent):
    folder = table(tmp_path / "p", "xlsx", [["PatientID", "PatientAge"], ["0012345", text]])
    assert loaded(folder)[1][0].keys["PatientAge"] == sent


@pytest.mark.parametrize("text", ["alt", "65-70", "65*", "1000", "65 Q", "65 Äpfel", "-3"])
def test_what_is_no_age_says_how_one_is_written(tmp_path, text):
    problem = only_problem(table(tmp_path / "p", "csv", [["PatientID", "PatientAge"], ["0012345", text]]))
    assert (problem.message, "065Y" in problem.fix, "*" in problem.fix) == ("is not an age", True, False)


def test_an_identifier_of_another_length_than_all_others_is_warned_of(tmp_path):
    folder = table(tmp_path / "p", "csv", [HEADS, *ROWS, ["d", "13", "20150512", ""]])
    rows = loaded(folder)[1]
    assert [any("characters" in text for text in row.warnings) for row in rows] == [False, False, False, True]
    assert "13" not in "".join(rows[-1].warnings)


def test_identifiers_of_all_lengths_are_not_warned_of(tmp_path):
    rows = [[letter, "1" * (n + 1), "20150512", ""] for n, letter in enumerate("abcdef")]
    assert told(table(tmp_path / "p", "csv", [HEADS, *rows])) == ""


@pytest.mark.parametrize(
    ("days", "form"),
    [
        (["13.05.2015", "01.02.2016"], "%d.%m.%Y"),
        (["05/13/2015", "01/02/2016"], "%m/%d/%Y"),
        (["13/05/2015", "01/02/2016"], "%d/%m/%Y"),
        (["2015/05/13", "2016/02/01"], "%Y/%m/%d"),
    ],
)
def test_the_format_that_all_dates_fit_is_offered_ready_to_write(tmp_path, days, form):
    lines = [["PatientID", "StudyDate"], *(["0012345", day] for day in days)]
    problems = problems_of(table(tmp_path / "p", "csv", lines))
    assert {problem.cell for problem in problems} == {"B2", "B3"}
    assert all(f"all 2 values fit {form}: write `date_formats: ['{form}']` under `table:`" in p.fix for p in problems)
    assert len(ids(table(tmp_path / "p", "csv", lines, f"  date_formats: ['{form}']\n"))) == 2


def test_dates_that_fit_two_formats_are_not_guessed(tmp_path):
    lines = [["PatientID", "StudyDate"], ["0012345", "05/04/2015"]]
    fix = only_problem(table(tmp_path / "p", "csv", lines)).fix
    assert "%d/%m/%Y and %m/%d/%Y" in fix
    assert "the one that is right" in fix


def test_headings_nobody_knows_come_with_a_line_that_is_ready_to_paste(tmp_path):
    lines = [["Patientennummer", "Untersuchungsdatum", "Geschlecht", "Bemerkung"], ["0012345", "20150512", "F", "-"]]
    folder = table(tmp_path / "p", "csv", [["ID", *lines[0]], ["1", *lines[1]]])
    [offer] = [p.fix for p in problems_of(folder) if "ready to paste" in p.fix]
    line = re.search(r"columns: \{.*\}", offer)[0]
    assert "Bemerkung: ignore" in line
    more = f"  {line}\n"
    (row,) = loaded(table(tmp_path / "p", "csv", [["ID", *lines[0]], ["1", *lines[1]]], more))[1]
    assert dict(row.keys) == {"PatientID": "0012345", "StudyDate": "20150512", "PatientSex": "F"}


@pytest.mark.parametrize(
    ("heading", "keyword"),
    [("Pat.-Nr.", "PatientID"), ("Geburtsdatum", "PatientBirthDate"), ("Date de naissance", "PatientBirthDate"),
     ("Fallnummer", "AccessionNumber"), ("Alter", "PatientAge"), ("Modalität", "Modality"), ("Bemerkung", "")],
)  # fmt: skip
def test_usual_words_of_several_languages_are_offered(heading, keyword):
    assert meant_by(heading) == keyword


def test_all_mistakes_of_a_sheet_come_at_once_with_their_cells(tmp_path):
    lines = [["Titel"], ["ID", "PatientID", "StudyDate", "PatientAge"], ["a", "1E+09", "20150512", "65"],
             ["b", "0012345", "yesterday", "old"], ["", "0012346", "20150512", ""]]  # fmt: skip
    problems = problems_of(table(tmp_path / "p", "xlsx", lines))
    assert {problem.cell for problem in problems} == {"B3", "C4", "D4", "A5"}
    assert "(B3)" in str(min(problems, key=lambda p: p.line))


WORDS = st.text("abcdefghijkl äöüé-", min_size=1, max_size=12).filter(lambda text: text.strip())
TITLES = st.lists(st.lists(WORDS, min_size=0, max_size=3), max_size=4)
PATIENTS = st.lists(st.integers(1, 9_999_999), min_size=3, max_size=8, unique=True)


@given(TITLES, PATIENTS, st.lists(st.integers(0, 7), max_size=4), st.booleans(), st.sampled_from(SHEETS))
def test_any_hospital_table_gives_its_patients_and_no_others(titles, patients, blanks, totals, kind):
    body = [[f"q{n}", f"{number:07d}", "20150512", "CT"] for n, number in enumerate(patients)]
    for place in blanks:
        body.insert(min(place, len(body)), ["", "", "", ""])
    lines = [*titles, HEADS, *body, *([["Summe", str(len(patients)), "", ""]] if totals else [])]
    with tempfile.TemporaryDirectory() as place:
        folder = table(Path(place) / "p", kind, lines)
        assert ids(folder) == [f"{number:07d}" for number in patients]


@given(st.lists(st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=8), st.sampled_from(KINDS))
def test_a_table_of_anything_is_read_or_refused_in_words(lines, kind):
    width = max(map(len, lines))
    lines = [[*line, *[""] * (width - len(line))] for line in lines]
    if kind in ("json", "parquet") and len(set(lines[0])) < width:
        lines[0] = [f"h{n}" for n in range(width)]
    with tempfile.TemporaryDirectory() as place:
        folder = table(Path(place) / "p", kind, lines)
        with suppress(ProjectError):
            assert loaded(folder)[1]
