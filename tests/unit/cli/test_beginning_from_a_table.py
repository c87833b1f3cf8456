"""init from a hospital's table, a node and a template: what is recognised is written, the rest is asked."""

import openpyxl
import pytest

from commands import pacsflow
from documents import ROOT
from pacsflow.projects import read_project
from pacsflow.projects.templates import TEMPLATES
from pacsflow.query import load

GERMAN = ["Nr", "Patientennummer", "Name", "Geburtsdatum", "Untersuchungsdatum", "Bemerkung"]
FRENCH = ["N°", "IPP", "Nom", "Date de naissance", "Date de l'examen", "Remarque"]
NAME = "Quistgaard"


@pytest.fixture(autouse=True)
def home(new_user):
    """A home of one's own for keys."""


def workbook(path, *lines):
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    book.save(path)
    return path


def patients(number, *, ids=lambda n: f"{4700 + n:07}", day=lambda n: f"{n + 12}.05.2015"):
    return [[f"F{n}", ids(n), NAME, "12.05.1950", day(n), "gut"] for n in range(number)]


def asked(folder):
    return [row.keys for row in load(folder)[1]]


@pytest.mark.parametrize("headings", [GERMAN, FRENCH], ids=["german", "french"])
@pytest.mark.parametrize("titles", [[], [["Kohorte Kopf, Stand 2026"], []]], ids=["plain", "titled"])
def test_columns_dates_and_ids_of_a_hospitals_table_are_recognised(tmp_path, headings, titles):
    workbook(tmp_path / "K.xlsx", *titles, headings, *patients(5), ["Summe", 5])
    said = pacsflow("init", "kopf", "--table", "K.xlsx", "--host", "192.0.2.7", "--port", 11112, "--called", "PACS")
    rows = asked(tmp_path / "kopf")
    assert len(rows) == 5
    assert rows[0] == {"PatientID": "0004700", "PatientBirthDate": "19500512", "StudyDate": "20150512"}
    node = read_project(tmp_path / "kopf").pacs
    assert (node.host, node.port, node.called_aet) == ("192.0.2.7", 11112, "PACS")
    assert said.count("question:") == 1, "which columns are not asked by"
    assert NAME not in said + (tmp_path / "kopf" / "query.yaml").read_text()
    assert "next:       pacsflow validate kopf" in said


def test_zeros_that_numbers_lost_are_written_again_where_texts_show_how_many(tmp_path):
    workbook(tmp_path / "K.xlsx", GERMAN, *patients(4, ids=lambda n: f"00047{n:02}" if n < 2 else 4700 + n))
    assert "zero_pad writes the zeros again" in pacsflow("init", "kopf", "--table", "K.xlsx")
    assert [row["PatientID"] for row in asked(tmp_path / "kopf")] == ["0004700", "0004701", "0004702", "0004703"]


def test_zeros_that_nobody_can_know_of_are_a_question(tmp_path):
    workbook(tmp_path / "K.xlsx", GERMAN, *patients(4, ids=lambda n: 4700 + n))
    assert "PatientID: 4 are numbers of spreadsheets, which lose zeros" in pacsflow("init", "kopf", "--table", "K.xlsx")
    query = (tmp_path / "kopf" / "query.yaml").read_text()
    assert "# question: PatientID: 4 are numbers" in query
    assert "\n  zero_pad" not in query


def test_day_and_month_that_cannot_be_told_apart_are_a_question_and_nothing_is_guessed(tmp_path):
    lines = [[f"F{n}", "0004700", NAME, "1950-05-12", f"0{n + 1}/05/2015", ""] for n in range(4)]
    workbook(tmp_path / "K.xlsx", GERMAN, *lines)
    said = pacsflow("init", "kopf", "--table", "K.xlsx")
    assert "day and month cannot be told apart: write date_formats: ['%d/%m/%Y'] or date_formats: ['%m/%d/%Y']" in said
    assert "4 to fix or to answer first" in said
    assert "is not a date" in pacsflow("validate", "kopf", expect=2)
    query = tmp_path / "kopf" / "query.yaml"
    query.write_text(query.read_text().replace("table:\n", "table:\n  date_formats: ['%d/%m/%Y']\n"))
    assert [row["StudyDate"] for row in asked(tmp_path / "kopf")] == ["20150501", "20150502", "20150503", "20150504"]


@pytest.mark.parametrize(
    ("headings", "level"),
    [(["PID"], "patient"), (["PID", "Datum"], "study"), (["PID", "SeriesInstanceUID"], "series")],
)
def test_the_level_is_the_finest_that_rows_name(tmp_path, headings, level):
    (tmp_path / "K.csv").write_text(
        f"{';'.join(headings)}\n"
        + "".join(
            f"00{n};{['20150512', '1.2.3'][level == 'series']}\n"[: None if len(headings) > 1 else 3]
            + ("" if len(headings) > 1 else "\n")
            for n in range(3)
        )
    )
    said = pacsflow("init", "kopf", "--table", "K.csv")
    assert {row.level for row in load(tmp_path / "kopf")[1]} == {level}
    assert ("takes every study of each" in said) is (level == "patient")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("K.csv", f"4711;{NAME}\n4712;{NAME}\n", "holds no heading that is known"),
        ("K.csv", "", "the table is empty"),
        ("K.xls", "x", "save it as .xlsx"),
        ("gone.csv", None, "cannot be read: No such file"),
    ],
)
def test_a_table_that_cannot_be_read_begins_nothing(tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    told = pacsflow("init", "kopf", "--table", name, expect=2)
    assert said in told
    assert NAME not in told
    assert not (tmp_path / "kopf").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "http://pacs:104/x"], "--host: is an address of the web"),
        (["--port", "70000"], "--port"),
        (["--called", "A" * 17], "--called"),
    ],
)
def test_a_node_that_cannot_be_right_begins_nothing(tmp_path, words, said):
    assert said in pacsflow("init", "kopf", *words, expect=2)
    assert not (tmp_path / "kopf").exists()


@pytest.mark.parametrize(("name", "offer"), [("KOPF", "kopf"), ("Lung CT", "lung-ct"), ("Schädel_2", "schaedel_2")])
def test_capitals_are_offered_in_small_letters(name, offer):
    assert f"`{offer}` would do" in pacsflow("init", name, expect=2)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_validates_and_is_in_the_documents(tmp_path, template):
    pacsflow("init", "kopf", "--template", template)
    pacsflow("validate", "kopf")
    project = read_project(tmp_path / "kopf")
    assert (project.deid.base == "none") is (template == "raw")
    assert f"| `{template}` |" in (ROOT / "docs" / "project.md").read_text("utf-8")


def test_demo_example_and_templates_have_the_same_options(tmp_path, monkeypatch):
    monkeypatch.setenv("PACSFLOW_WORK", str(tmp_path))
    options = [read_project(ROOT / "projects" / name).deid.options for name in ("demo", "mr-nifti")]
    for number, template in enumerate(each for each in TEMPLATES if each != "raw"):
        pacsflow("init", f"p{number}", "--template", template)
        options.append(read_project(tmp_path / f"p{number}").deid.options)
    assert len({tuple(sorted(each)) for each in options}) == 1


def test_the_rules_of_the_template_are_those_of_the_example():
    written = [ROOT / "projects" / "mr-nifti" / "bids.yaml", ROOT / "pacsflow" / "projects" / "starting" / "bids.yaml"]
    example, template = ((path.read_text("utf-8")).partition("\n")[2] for path in written)
    assert example == template
