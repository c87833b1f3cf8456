"""A clinical table keeps its meaning and loses its patients; what is not clear is an error, and nothing is written."""

import csv
import datetime as dt

import pandas as pd
import pytest
import typer
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner

from pacsflow.cli.shift_table import shift_table
from pacsflow.deid import compile_profile
from pacsflow.errors import LedgerError, ProjectError, WorkLeftError
from pacsflow.projects import read_project
from pacsflow.vault import Link, Vault
from project_folder import KEY, write_project

DEID = {"options": ["retain-longitudinal-modified-dates"], "patient": {"prefix": "L-"}}
ROWS = [{"id": "a", "PatientID": "0045322"}]
ANNA = Link("0045322", "", "L-ANNA", -10)
MORNING = dt.datetime.fromisoformat("2020-01-15T08:30")
HEAD = ["MRN", "Name", "DOB", "Study Date", "Age", "Score"]
LINE = ["0045322", "Quistgaard, Thorbjorn", "1951-05-23", "2020-01-15", "68", "3.5"]


@pytest.fixture
def call(tmp_path):
    """The command on a table, which is given as lines or as a file that is there; the result, its output, its error."""
    folder = write_project(tmp_path / "p", pacs={"port": 1, "called_aet": "X"}, rows=ROWS, deid=DEID)
    Vault(tmp_path / "data" / "private" / "vault", bytes.fromhex(KEY)).record(ANNA)
    app = typer.Typer()
    app.command()(shift_table)

    def run(lines, *words, out="out.csv", deid=None):
        if deid is not None:
            write_project(tmp_path / "p", pacs={"port": 1, "called_aet": "X"}, rows=ROWS, deid=deid)
        source = lines
        if isinstance(lines, list):
            source = tmp_path / "in.csv"
            with source.open("w", newline="") as file:
                csv.writer(file).writerows(lines)
        told = CliRunner().invoke(app, [str(folder), str(source), str(tmp_path / out), *words], env={"COLUMNS": "200"})
        assert "45322" not in told.output + str(told.exception)
        assert "Quistgaard" not in told.output + str(told.exception)
        return told

    return run


def written(tmp_path):
    with (tmp_path / "out.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def faults(told):
    assert isinstance(told.exception, ProjectError), told.output
    return {(each.line, each.field): f"{each.message} -> {each.fix}" for each in told.exception.problems}


def test_pseudonym_dates_and_ages_follow_the_images_and_names_go(call, tmp_path):
    told = call([HEAD, LINE])
    assert told.exit_code == 0, told.exception
    assert written(tmp_path) == [
        {"MRN": "L-ANNA", "DOB": "1951-05-13", "Study Date": "2020-01-05", "Age": "68", "Score": "3.5"}
    ]
    assert all(word in told.output for word in ("pseudonym", "removed", "kept", "1 row of 1 patient"))


@pytest.mark.parametrize(
    ("cells", "new"),
    [
        (["2020-01-15", "2020-02-30"], ["2020-01-05", ""]),
        (["15.01.2020", "2020"], ["05.01.2020", ""]),
        (["15/01/2020", "1/2/2020"], ["05/01/2020", "22/01/2020"]),
        (["01/15/2020", ""], ["01/05/2020", ""]),
        (["20200115", "202001"], ["20200105", ""]),
        (["2020-01-15 13:45", "2020-01-15T13:45:10.5+01:00"], ["2020-01-05 13:45", "2020-01-05T13:45:10.5+01:00"]),
        (["15 Jan 2020", "unknown"], ["05 Jan 2020", ""]),
        (["11/11/2020", "12/12/2020"], ["01/11/2020", "02/12/2020"]),
    ],
)
def test_a_column_of_dates_has_one_format_and_what_is_no_whole_date_is_emptied(call, tmp_path, cells, new):
    words = ["--date-format", "Visit=%d/%m/%Y"] if cells[0] == "11/11/2020" else []
    told = call([["MRN", "Visit"], *(["0045322", cell] for cell in cells)], "--date-columns", "Visit", *words)
    assert told.exit_code == 0, told.exception
    assert [row["Visit"] for row in written(tmp_path)] == new
    assert ("emptied:" in told.output) == any(cell and not after for cell, after in zip(cells, new, strict=True))


@pytest.mark.parametrize(
    ("cells", "line", "why"),
    [
        (["01/02/2020", "03/04/2020"], 1, "day and month cannot be told apart -> write --date-format 'Visit=%d/%m/%Y'"),
        (["2020-01-15", "15.01.2020"], 3, "mixes formats"),
        (["15/01/2020", "01/15/2020"], 3, "mixes formats"),
        (["15.1.20", "16.1.20"], 1, "no date in a format that is known -> write --date-format"),
    ],
)
def test_dates_that_must_be_guessed_are_an_error(call, tmp_path, cells, line, why):
    lines = [["MRN", "Visit"], *(["0045322", cell] for cell in cells)]
    found = faults(call(lines, "--date-columns", "Visit"))
    assert why in found[line, "Visit"]
    assert not (tmp_path / "out.csv").exists()


def test_columns_that_are_not_clear_are_errors_all_at_once(call, tmp_path):
    lines = [["MRN", "PatientID", "Surgery", "Group"], ["0045322", "0045322", "2020-01-15", "A"]]
    found = faults(call(lines, "--drop", "Grup"))
    assert set(found) == {(1, "MRN, PatientID"), (1, "Surgery"), (1, "Grup")}
    assert "--patient-column" in found[1, "MRN, PatientID"]
    assert "--date-columns" in found[1, "Surgery"]
    told = call(lines, "--patient-column", "MRN", "--drop", "Surgery")
    assert told.exit_code == 0, told.exception
    assert list(written(tmp_path)[0]) == ["MRN", "Group"]
    assert "no column is known to hold patient ids" in faults(call([["a", "b"], ["1", "2"]]))[1, ""]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("see 0045322", "id"), ("Mrs. QUISTGAARD came", "name"), ("nr 45322-b", "id")],
)
def test_what_tells_the_patient_anywhere_stops_the_table_and_names_the_cell(call, tmp_path, cell, kind):
    found = faults(call([[*HEAD, "Note"], [*LINE, "fine"], [*LINE, cell]], "--keep", "Note"))
    assert set(found) == {(3, "Note")}
    assert kind in found[3, "Note"]
    assert not (tmp_path / "out.csv").exists()
    assert call([[*HEAD, "Note"], [*LINE, cell]], "--drop", "Note").exit_code == 0


def test_another_patients_id_that_the_vault_knows_is_found_too(call):
    lines = [["MRN", "Twin"], ["0045322", "-"], ["9990001", "of 0045322"]]
    assert set(faults(call(lines, "--keep", "Twin"))) == {(3, "Twin")}


def test_a_patient_new_to_the_project_has_the_keyed_pseudonym_that_the_images_will_have(call, tmp_path):
    assert call([["MRN", "Visit"], ["9990001", "2020-01-15"]], "--date-columns", "Visit").exit_code == 0
    profile = read_project(tmp_path / "p").deid
    person = compile_profile(profile, bytes.fromhex(KEY)).person("9990001")
    [row] = written(tmp_path)
    assert row["MRN"] == person.pseudonym
    assert row["Visit"] == str(dt.date(2020, 1, 15) + dt.timedelta(days=person.shift_days))
    links = Vault(tmp_path / "data" / "private" / "vault", bytes.fromhex(KEY)).links()
    assert person.pseudonym in {link.pseudonym for link in links}


@pytest.mark.parametrize("source", ["sequential", "table"])
def test_nobody_is_given_a_pseudonym_that_the_projects_source_does_not_give(call, tmp_path, source):
    (tmp_path / "ids.csv").write_text("0045322,L-ANNA\n")
    more = {"file": str(tmp_path / "ids.csv")} if source == "table" else {}
    lines = [["MRN", "Group"], ["0045322", "A"], ["9990001", "B"], ["", "C"]]
    found = faults(call(lines, deid={"patient": {"source": source, **more}}))
    assert set(found) == {(3, "MRN"), (4, "MRN")}
    assert "no pseudonym for this patient" in found[3, "MRN"]
    assert call(lines[:2]).exit_code == 0
    assert written(tmp_path) == [{"MRN": "L-ANNA", "Group": "A"}]


def test_zeros_that_a_spreadsheet_lost_come_back_and_its_dates_stay_dates(call, tmp_path):
    query = {"table": {"file": str(tmp_path / "cohort.csv"), "zero_pad": {"PatientID": 7}}}
    (tmp_path / "cohort.csv").write_text("PatientID\n0045322\n")
    write_project(tmp_path / "p", pacs={"port": 1, "called_aet": "X"}, rows=[], deid=DEID, query=query)
    book = Workbook()
    book.active.append(["MRN", "Visit", "Blood", "Score", "Drawn"])
    book.active.append([45322, dt.date(2020, 1, 15), MORNING, 12.5, dt.time(8, 30)])
    book.save(tmp_path / "in.xlsx")
    told = call(tmp_path / "in.xlsx", "--date-columns", "Visit", "--date-columns", "Blood", out="out.xlsx")
    assert told.exit_code == 0, told.exception
    sheet = load_workbook(tmp_path / "out.xlsx").active
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["MRN", "Visit", "Blood", "Score", "Drawn"],
        ["L-ANNA", MORNING.replace(day=5, hour=0, minute=0), MORNING.replace(day=5), 12.5, dt.time(8, 30)],
    ]


def test_parquet_keeps_its_types(call, tmp_path):
    moments = pd.to_datetime(["2020-01-15 08:30", "2020-01-16 00:00"])
    frame = pd.DataFrame({"MRN": ["0045322"] * 2, "Seen": moments, "n": [1, 2], "ok": [True, False]})
    frame.to_parquet(tmp_path / "in.parquet")
    told = call(tmp_path / "in.parquet", "--date-columns", "Seen", out="out.parquet")
    assert told.exit_code == 0, told.exception
    new = pd.read_parquet(tmp_path / "out.parquet")
    assert list(new["Seen"]) == list(moments - pd.Timedelta(days=10))
    assert [str(new[name].dtype) for name in ("n", "ok")] == ["int64", "bool"]


def test_nobody_is_older_than_90(call, tmp_path):
    lines = [
        ["MRN", "DOB", "Age", "Age (months)"],
        *(["0045322", "1921-05-23", each, "95"] for each in ("091Y", "93.4", "89")),
    ]
    assert call(lines).exit_code == 0
    rows = written(tmp_path)
    assert [row["Age"] for row in rows] == ["090Y", "90", "89"]
    assert {row["Age (months)"] for row in rows} == {"95"}
    assert {row["DOB"] for row in rows} == {""}
    assert (1, "Age") in faults(call([["MRN", "Age"], ["0045322", "60-69"]]))


@pytest.mark.parametrize(
    ("options", "dates", "visit"),
    [([], {}, None), (["retain-longitudinal-full-dates"], {}, "2020-01-15"),
     (["retain-longitudinal-modified-dates"], {"method": "year"}, "2020-01-01")],
)  # fmt: skip
def test_dates_have_the_fate_of_the_images_dates(call, tmp_path, options, dates, visit):
    told = call([["MRN", "StudyDate"], ["0045322", "2020-01-15"]], deid={"options": options, "dates": dates})
    assert told.exit_code == 0, told.exception
    assert written(tmp_path)[0].get("StudyDate") == visit


def test_uids_become_those_of_the_images(call, tmp_path):
    assert call([["MRN", "StudyInstanceUID"], ["0045322", "1.2.3.4"]]).exit_code == 0
    uid = compile_profile(read_project(tmp_path / "p").deid, bytes.fromhex(KEY)).uid("1.2.3.4")
    assert written(tmp_path)[0]["StudyInstanceUID"] == uid


def test_the_original_is_never_overwritten_and_a_full_disk_leaves_what_was_there(call, tmp_path, monkeypatch):
    assert "OUT: is IN" in str(call([HEAD, LINE], out="in.csv").exception)
    assert "cannot be written" in str(call([HEAD, LINE], out="out.doc").exception)
    (tmp_path / "out.csv").write_text("before")
    from pacsflow.clinical import writing

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "sync", full)
    assert isinstance(call([HEAD, LINE]).exception, LedgerError)
    assert (tmp_path / "out.csv").read_text() == "before"
    assert not list(tmp_path.glob(".*.part"))


GERMAN = """PatientID;Nachname;Vorname;Geburtsdatum;Strasse;PLZ;Ort;Telefon;AHV-Nummer;Alter;OP-Datum;Bemerkung;Hausarzt;Score
QX9001-1;Zwinglius;Huldrycha;29.02.1928;Hauptstrasse 5;8125;Zollikerberg;079 555 12 34;756.1234.5678.97;95;12.05.2015;gesehen am 12.5.2015 von Fosterling;Dr. Fosterling;3
QX9001-2;Muster;Anna;01.03.1960;Nebenweg 2;8001;Zuerich;079 555 12 35;756.9999.5678.11;63;13.05.2015;ok;Dr. Quandelacy;4
"""


def test_a_german_table_keeps_what_is_harmless_and_asks_for_the_rest(call, tmp_path):
    (tmp_path / "de.csv").write_text(GERMAN)
    told = call(tmp_path / "de.csv", "--date-columns", "OP-Datum")
    assert told.exit_code != 0
    assert isinstance(told.exception, WorkLeftError)
    assert "--keep Bemerkung" in told.exception.fix
    rows = written(tmp_path)
    assert list(rows[0]) == ["PatientID", "Geburtsdatum", "Alter", "OP-Datum", "Score"]
    assert [row["Alter"] for row in rows] == ["90", "63"]
    assert rows[0]["Geburtsdatum"] == ""
    assert rows[1]["Geburtsdatum"].endswith(("1959", "1960"))
    assert [row["Score"] for row in rows] == ["3", "4"]


def test_a_true_date_in_a_remark_never_stays_beside_moved_ones(call, tmp_path):
    (tmp_path / "de.csv").write_text(GERMAN.replace(" von Fosterling", ""))
    told = call(tmp_path / "de.csv", "--date-columns", "OP-Datum", "--keep", "Bemerkung")
    assert told.exit_code == 0, told.exception
    assert [row["Bemerkung"] for row in written(tmp_path)] == ["gesehen am [date]", "ok"]
    assert "dates in it masked" in told.output
    assert "12.5.2015" not in (tmp_path / "out.csv").read_text()


def test_a_column_of_true_dates_is_not_kept_beside_moved_ones(call):
    found = faults(call([["MRN", "Seen"], ["0045322", "2020-01-15"]], "--keep", "Seen"))
    assert "would tell the shift" in found[1, "Seen"]
    assert (1, "") in faults(call([["MRN", "Score 12.05.2015"], ["0045322", "3"]]))


@pytest.mark.parametrize("heading", ["Nato il", "G-Dat", "Naiss.", "födelsedag", "Seen"])
def test_a_date_that_tells_an_age_over_89_goes_whatever_its_heading(call, tmp_path, heading):
    lines = [["MRN", heading], ["0045322", "1921-05-23"], ["0045322", "1971-05-23"]]
    told = call(lines, "--date-columns", heading)
    assert told.exit_code == 0, told.exception
    assert [row[heading] for row in written(tmp_path)] == ["", "1971-05-13"]


@pytest.mark.parametrize("text", ["UNKNOWN", "0", "999999"])
def test_a_row_of_nobody_is_an_error(call, text):
    assert "names no patient" in faults(call([["MRN", "Score"], [text, "3"]]))[2, "MRN"]


def test_a_patient_known_in_another_spelling_does_not_get_a_second_pseudonym(call):
    found = faults(call([["MRN", "Score"], ["45322", "3"]]))
    assert "another spelling" in found[2, "MRN"]
