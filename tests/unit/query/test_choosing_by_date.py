"""Studies by their dates: nearest to an index date, priors, first and last; what is unclear holds the row."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from documents import ROOT, blocks
from pacsflow.query.choosing_by_date import NO_DATE, choose_by_date
from pacsflow.simpacs import demo_archive
from schemas.query import StudyChoice
from whole_run import find_only, lying, project
from yaml_folder import loaded, only_problem, write_files

INDEX = dt.date(2015, 5, 12)
WINDOW = {"StudyDate": [-90, 30]}


def studies(*days):
    """Studies so many days after the index date; None: without a date."""
    made = []
    for number, day in enumerate(days):
        one = Dataset()
        one.StudyInstanceUID = f"1.{number}"
        one.StudyDate = "" if day is None else f"{INDEX + dt.timedelta(day):%Y%m%d}"
        made.append(one)
    return made


def chosen(days, **rules):
    """Days of the studies taken, in order; or why the row is held, or why there is none."""
    answer = choose_by_date(
        studies(*days),
        StudyChoice.model_validate(rules),
        f"{INDEX:%Y%m%d}" if {"nearest", "priors"} & rules.keys() else "",
    )
    if answer.holds or answer.why_none:
        return " ".join([*answer.holds, answer.why_none]).strip()
    return [(dt.date.fromisoformat(one.StudyDate) - INDEX).days for one in answer.studies]


@pytest.mark.parametrize(
    ("days", "rules", "taken"),
    [
        ([-100, -20, 5, 40], {"nearest": WINDOW}, [5]),
        ([-90, 31], {"nearest": WINDOW}, [-90]),
        ([-91, 31], {"nearest": WINDOW}, "no study from -90 to +30 days around IndexDate"),
        ([-3, 3], {"nearest": WINDOW}, "2 studies are equally near, of which not all are wanted"),
        ([-3, -3, 1], {"nearest": WINDOW}, [1]),
        ([-700, -400, -20, 5], {"nearest": WINDOW, "priors": 2}, [-400, -20, 5]),
        ([-700, -400, 5, 200], {"nearest": WINDOW, "priors": 5}, [-700, -400, 5]),
        ([-20, -20, 5], {"nearest": WINDOW, "priors": 1}, "2 studies are equally near, of which not all are wanted"),
        ([-20, -20, 5], {"nearest": WINDOW, "priors": 2}, [-20, -20, 5]),
        ([-20, -5, 0, 5], {"priors": 2}, [-20, -5]),
        ([0, 5], {"priors": 2}, "no study before IndexDate"),
        ([7, -3, 9], {"first": 1}, [-3]),
        ([7, -3, 9], {"last": 2}, [7, 9]),
        ([7, -3, 9], {"first": 1, "last": 1}, [-3, 9]),
        ([7], {"first": 1, "last": 1}, [7]),
        ([7, 7], {"first": 1}, "2 studies are equally near, of which not all are wanted"),
        ([7, None], {"first": 1}, NO_DATE),
    ],
)
def test_the_studies_that_the_rules_take(days, rules, taken):
    assert chosen(days, **rules) == taken


@given(st.lists(st.integers(-400, 400), min_size=1, max_size=8), st.integers(-200, 0), st.integers(0, 200))
def test_the_nearest_is_in_its_window_and_no_other_is_nearer(days, before, after):
    taken = chosen(days, nearest={"StudyDate": [before, after]})
    within = [day for day in days if before <= day <= after]
    if not within:
        assert "no study from" in taken
    elif sum(abs(day) == min(map(abs, within)) for day in within) > 1:
        assert "equally near" in taken
    else:
        assert [abs(day) for day in taken] == [min(map(abs, within))]


def test_what_is_left_out_is_told_without_a_date():
    answer = choose_by_date(studies(1, 2, 3), StudyChoice(first=1), "")
    assert answer.warnings == ("2 other studies left out by the dates",)
    answer = choose_by_date(
        studies(1, -30), StudyChoice.model_validate({"nearest": WINDOW, "priors": 2}), f"{INDEX:%Y%m%d}"
    )
    assert answer.warnings == ("1 of 2 priors found",)


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("rows: [{PatientID: '7'}]\nstudies: {nearest: {StudyDate: [-90, 30]}}\n", "IndexDate", "is missing"),
        ("rows: [{PatientID: '7', IndexDate: 2015-05-12}]\n", "IndexDate", "nothing is chosen by it"),
        ("rows: [{PatientID: '7', IndexDate: '20150101-20150201'}]\nstudies: {priors: 1}\n", "IndexDate", "is a range"),
        ("rows: [{PatientID: '7', IndexDate: yesterday}]\nstudies: {priors: 1}\n", "IndexDate", "is not a date"),
        ("rows: [{PatientID: '7'}]\nstudies: {first: 1, priors: 1}\n", "studies", "takes `nearest` and `priors`"),
        ("rows: [{PatientID: '7'}]\nstudies: {}\n", "studies", "chooses nothing"),
        (
            "rows: [{PatientID: '7'}]\nstudies: {nearest: {StudyDate: [30, -90]}}\n",
            "studies.nearest",
            "the first day is later",
        ),
    ],
)
def test_mistakes_are_told_before_anything_is_asked(tmp_path, query, field, message):
    write_files(tmp_path / "p", query=query)
    problem = only_problem(tmp_path / "p")
    assert problem.field.endswith(field)
    assert message in problem.message


def test_the_node_is_asked_for_the_days_that_can_be_taken(tmp_path):
    example = next(
        block.text for block in blocks(ROOT / "docs" / "project.md", "yaml") if "# query.yaml, around" in block.text
    )
    write_files(tmp_path / "p", query=example)
    [row] = loaded(tmp_path / "p")[1]
    assert (row.index_date, row.keys) == ("20150512", {"PatientID": "0045322", "StudyDate": "-20150611"})
    write_files(tmp_path / "p", query=example.replace("  priors: 2", "# priors: 2"))
    assert loaded(tmp_path / "p")[1][0].keys["StudyDate"] == "20150211-20150611"
    table = "Case,MRN,Surgery\na,0045322,12.05.2015\n"
    query = "table: {file: c.csv, id_column: Case, date_formats: ['%d.%m.%Y'], columns: {Surgery: IndexDate}}\nstudies: {priors: 1}\n"
    write_files(tmp_path / "p", query=query)
    (tmp_path / "p" / "c.csv").write_text(table)
    assert loaded(tmp_path / "p")[1][0].keys["StudyDate"] == "-20150511"


def test_a_run_takes_the_first_study_of_each_patient_and_the_nearest_to_a_day(tmp_path):
    with lying(archive=demo_archive()) as (pacs, node):
        every = [one.attributes for one in pacs.archive.studies.values()]
        person = max((one["PatientID"] for one in every), key=[one["PatientID"] for one in every].count)
        days = sorted(one["StudyDate"] for one in every if one["PatientID"] == person)
        assert len(set(days)) > 1
        asked = [{"id": "a", "PatientID": person}]
        [found] = find_only(project(tmp_path / "1", pacs, node, asked=asked, query={"studies": {"first": 1}}))
        assert [one.attributes["StudyDate"] for one in found.studies] == [days[0]]
        near = [{"id": "a", "PatientID": person, "IndexDate": days[-1]}]
        choice = {"studies": {"nearest": {"StudyDate": [-1, 1]}}}
        [found] = find_only(project(tmp_path / "2", pacs, node, asked=near, query=choice))
        assert [one.attributes["StudyDate"] for one in found.studies] == [days[-1]]
