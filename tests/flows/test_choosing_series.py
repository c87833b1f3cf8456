"""Series chosen by eye: in the plan's workbook, in the terminal; a run takes exactly those."""

import io
import json
import os
import sqlite3

import pytest
import typer
from openpyxl import load_workbook
from rich.console import Console
from typer.testing import CliRunner

from csv_lines import lines
from pacsflow.cli import select as select_module
from pacsflow.cli.app import app
from pacsflow.errors import ProjectError
from pacsflow.ledger import choices
from pacsflow.run.opening import open_session
from pacsflow.run.people.choices import choose, choose_in_workbook, forget_choices, grouped, picked, series_found
from pacsflow.run.people.decisions import approve_plan
from pacsflow.run.reporting.plan import approved
from pacsflow.run.reporting.row_outcomes import row_outcomes
from pacsflow.simpacs import SimPacs, demo_archive
from tasks.steps import write_plan
from whole_run import find_rows, project, run_once


@pytest.fixture(scope="module")
def archive():
    return demo_archive()


@pytest.fixture
def pacs(archive):
    with SimPacs(archive) as simulator:
        yield simulator


def several(archive, number=1):
    """Studies of several series."""
    return [uid for uid in archive.studies if len(archive.series(uid)) > 1][:number]


@pytest.fixture
def folder(tmp_path, pacs):
    return made(tmp_path, pacs, several(pacs.archive))


def made(tmp_path, pacs, uids, **files):
    asked = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(uids)]
    return project(tmp_path, pacs, {"port": pacs.port, "called_aet": pacs.aet}, asked=asked, **files)


@pytest.fixture
def planned(monkeypatch):
    """Finds and plans in this process; the plan and whether it may go on."""
    monkeypatch.setattr("tasks.steps.create_table_artifact", lambda *_, **__: None)

    def plan(folder, *, again=False):
        with open_session(str(folder), action="plan") as run:
            find_rows(run, everything=again)
            written = write_plan(run)
            return (
                written,
                approved(run, written),
                [(one.status, one.reason) for one in row_outcomes(run.ledger, run.project)],
            )

    return plan


def sheet(folder, name="series"):
    return lines(folder.parent / "data" / "report" / f"plan-{name}.csv")


def fill(folder, **said):
    """Write into the workbook's sheet as a person does: number of the line below the headings -> (want, hidden)."""
    path = folder.parent / "data" / "report" / "plan.xlsx"
    book = load_workbook(path)
    page = book["series"]
    column = [cell.value for cell in page[1]].index("want") + 1
    for line, (want, hidden) in ((int(name[1:]) + 1, values) for name, values in said.items()):
        page.cell(line, column).value = want
        page.row_dimensions[line].hidden = hidden
    filled = folder.parent / "filled.xlsx"
    book.save(filled)
    return filled


def select(folder, *words, **more):
    return CliRunner().invoke(app, ["select", str(folder), *words], catch_exceptions=True, **more)


def test_the_column_want_comes_filled_as_the_rules_decided_and_a_run_takes_what_it_says(folder, pacs, planned):
    (folder / "query.yaml").write_text(
        json.dumps({**json.loads((folder / "query.yaml").read_text()), "series": {"exclude": [{"SeriesNumber": "1"}]}})
    )
    planned(folder)
    lines = sheet(folder)
    assert {(one["want"], one["reason"]) for one in lines} == {("yes", ""), ("no", "excluded by SeriesNumber: 1")}
    position = next(n for n, one in enumerate(lines, 1) if one["want"] == "no")
    other = next(n for n, one in enumerate(lines, 1) if one["want"] == "yes")
    chosen = choose_in_workbook(
        folder, fill(folder, **{f"n{position}": ("x", False), f"n{other}": (None, False)}), visible=None, by="erika"
    )
    assert (chosen.wanted, chosen.changed) == (len(lines) - 1, 2)
    planned(folder)
    again = {one["series"]: (one["want"], one["reason"]) for one in sheet(folder)}
    assert again[lines[position - 1]["series"]] == ("yes", "taken by erika; excluded by SeriesNumber: 1")
    assert again[lines[other - 1]["series"]] == ("no", "dropped by erika")
    told = run_once(folder, pacs)
    assert told.rows == [("complete", "")]
    wanted = [one for one in sheet(folder) if one["want"] == "yes"]
    assert sum(told.instances.values()) == sum(int(one["images"]) for one in wanted)


def test_lines_that_a_filter_hides_are_not_guessed_about(folder, planned):
    planned(folder)
    filtered = fill(folder, n1=("yes", True))
    with pytest.raises(ProjectError, match="a filter hides 1 line"):
        choose_in_workbook(folder, filtered, visible=None, by="erika")
    number = len(sheet(folder))
    assert choose_in_workbook(folder, filtered, visible=False, by="erika").wanted == number
    assert choose_in_workbook(folder, filtered, visible=True, by="erika").wanted == number - 1
    planned(folder)
    assert [one["want"] for one in sheet(folder)] == ["no"] + ["yes"] * (number - 1)


def test_what_is_neither_yes_nor_no_is_reported_with_sheet_and_line(folder, planned):
    planned(folder)
    with pytest.raises(ProjectError) as error:
        choose_in_workbook(folder, fill(folder, n1=("perhaps", False), n2=("take", False)), visible=None, by="erika")
    assert [(p.line, p.field) for p in error.value.problems] == [(2, "want"), (3, "want")]
    assert "sheet `series`" in str(error.value)
    assert "perhaps" not in str(error.value)


def test_a_csv_file_with_fewer_lines_leaves_the_others_as_they_are(folder, planned):
    planned(folder)
    first, *_ = sheet(folder)
    (folder.parent / "some.csv").write_text(f"series;want\n{first['series']};0\n")
    chosen = choose_in_workbook(folder, folder.parent / "some.csv", visible=None, by="erika")
    assert (chosen.wanted, chosen.dropped, chosen.left) == (0, 1, len(sheet(folder)) - 1)
    (folder.parent / "some.csv").write_text("series,want\nffff,1\n")
    with pytest.raises(ProjectError, match="1 series that the plan does not have"):
        choose_in_workbook(folder, folder.parent / "some.csv", visible=None, by="erika")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16"])
def test_a_csv_file_is_taken_in_the_encoding_a_spreadsheet_saved_it_in(folder, planned, encoding):
    planned(folder)
    first, *_ = sheet(folder)
    (folder.parent / "some.csv").write_bytes(
        f"PatientName;series;want\r\nMüller;{first['series']};0\r\n".encode(encoding)
    )
    assert choose_in_workbook(folder, folder.parent / "some.csv", visible=None, by="erika").dropped == 1


@pytest.mark.parametrize("name", ["absent.csv", "absent.xlsx", "spoilt.xlsx", "spoilt.csv", "other.ods"])
def test_a_file_that_is_none_of_the_plans_is_one_mistake(folder, planned, name):
    planned(folder)
    path = folder.parent / name
    if name.startswith("spoilt"):
        path.write_bytes((folder.parent / "data/report/plan.xlsx").read_bytes()[:-200])
    with pytest.raises(ProjectError) as error:
        choose_in_workbook(folder, path, visible=None, by="erika")
    (problem,) = error.value.problems
    assert (problem.file, bool(problem.fix)) == (name, True)


def test_series_taken_after_a_run_are_fetched_and_dropped_ones_are_taken_away(folder, pacs):
    found = _found(folder, pacs)
    first, *others = [one.key for one in found]
    choose(folder, {first}, seen=found, by="erika")
    before = run_once(folder, pacs)
    assert (before.rows, before.retrievals) == ([("complete", "")], 1)
    choose(folder, {first, *others}, seen=found, by="erika")
    both = run_once(folder, pacs)
    assert both.retrievals == 1
    assert both.counts["images sent"] == sum(both.instances.values()) - sum(before.instances.values())
    assert before.out.items() < both.out.items()
    choose(folder, {first}, seen=found, by="erika")
    after = run_once(folder, pacs)
    assert (after.retrievals, after.out) == (0, before.out)


def _found(folder, pacs):
    with open_session(str(folder), action="plan") as run:
        find_rows(run)
    return series_found(folder)


def test_a_row_none_of_whose_series_is_chosen_is_done_until_the_rules_decide_again(folder, pacs):
    choose(folder, set(), seen=_found(folder, pacs), by="erika")
    told = run_once(folder, pacs)
    assert told.rows == [("dropped", "no series of it was chosen")]
    assert told.retrievals == 0
    forget_choices(folder, by="t")
    assert run_once(folder, pacs).rows == [("complete", "")]


def test_a_series_that_the_rules_exclude_may_be_taken_and_stays_taken_when_all_is_asked_again(tmp_path, pacs, planned):
    folder = made(tmp_path, pacs, several(pacs.archive), query={"series": {"exclude": [{"SeriesNumber": "*"}]}})
    assert planned(folder)[2][0][0] == "unmatched"
    found = series_found(folder)
    choose(folder, {found[0].key}, seen=found, by="erika")
    assert planned(folder, again=True)[2] == [("found", "")]
    assert [one["want"] for one in sheet(folder)].count("yes") == 1
    assert run_once(folder, pacs).rows == [("complete", "")]


def test_series_that_appear_later_follow_the_rules_and_are_reported_as_new(tmp_path, pacs, planned):
    first, second = several(pacs.archive, 2)
    folder = made(tmp_path, pacs, [first])
    planned(folder)
    found = series_found(folder)
    choose(folder, {found[0].key}, seen=found, by="erika")
    made(tmp_path, pacs, [first, second])
    plan, *_ = planned(folder)
    lines = {one["series"]: (one["want"], one["reason"]) for one in sheet(folder)}
    assert lines[found[0].key] == ("yes", "")
    assert lines[found[1].key] == ("no", "dropped by erika")
    new = [told for key, told in lines.items() if key not in {one.key for one in found}]
    assert set(new) == {("yes", choices.NEW)}
    assert plan.totals["series new since chosen"] == len(new)
    [_, row] = sheet(folder, "rows")
    assert f"{len(new)} series {choices.NEW}" in row["plan reason"]


def test_another_choice_is_another_plan_that_needs_another_approval(tmp_path, pacs, planned):
    folder = made(tmp_path, pacs, several(pacs.archive), project={"approval": "required"})
    plan, may, _ = planned(folder)
    assert not may
    approve_plan(folder, by="erika")
    assert planned(folder)[1]
    found = series_found(folder)
    choose(folder, {found[0].key}, seen=found, by="erika")
    changed, may, _ = planned(folder)
    assert not may
    assert changed.digest != plan.digest


def test_rows_without_a_hit_have_a_sheet_of_their_own(tmp_path, pacs, planned):
    folder = made(tmp_path, pacs, ["1.2.3.4"])
    planned(folder)
    [row] = sheet(folder, "unmatched")
    assert (row["id"], row["reason"], row["StudyInstanceUID"]) == ("r0", "no study fits", "1.2.3.4")


def test_groups_are_of_series_with_the_same_descriptions(tmp_path, pacs):
    folder = made(tmp_path, pacs, list(pacs.archive.studies))
    found = _found(folder, pacs)
    groups = grouped(found)
    assert sum(len(group.series) for group in groups) == len(found)
    assert len({group.name for group in groups}) == len(groups) < len(found)
    assert max(group.studies for group in groups) > 1
    assert picked(groups, ["1-2"]) == {one.key for group in groups[:2] for one in group.series}
    modality = groups[0].name[2]
    expected = {one.key for one in found if one.attributes["Modality"] == modality}
    assert picked(groups, [f"Modality={modality.lower()}"]) == expected
    word = groups[0].name[1].split()[0]
    assert picked(groups, [f"{word.upper()}*"]) == picked(groups, [f"/^{word}/i"]) >= {groups[0].series[0].key}
    for wrong in ("no such series", "99", "/(/"):
        with pytest.raises(ProjectError):
            picked(groups, [wrong])


def test_the_terminal_lists_takes_and_drops(tmp_path, pacs):
    folder = made(tmp_path, pacs, list(pacs.archive.studies)[:3])
    assert "no series was found yet" in str(select(folder, "--list").exception)
    groups = grouped(_found(folder, pacs))
    number = sum(len(group.series) for group in groups)
    shown = select(folder, "--list").output
    assert groups[0].name[1].split()[0] in shown
    assert f"{len(groups[0].series)} series wanted, {number - len(groups[0].series)} not" in select(
        folder, "--only", "1"
    ).output.replace("\n", " ")
    assert "0 series wanted" in select(folder, "--take", "*", "--drop", "1-99").output
    assert "the rules of query.yaml decide" in select(folder, "--forget").output
    assert {one.chosen for one in series_found(folder)} == {None}
    assert "do not go together" in str(select(folder, "--list", "--forget").exception)
    assert "do not go together" in str(select(folder, "--visible").exception)
    assert "this is not a terminal" in str(select(folder).exception)


def test_a_user_without_a_name_chooses_too(folder, pacs, monkeypatch):
    _found(folder, pacs)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    assert f"chosen by user {os.getuid()}" in select(folder, "--take", "*").output.replace("\n", " ")


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self):
        return True


@pytest.fixture
def typed(monkeypatch):
    """Runs the command as in a terminal, where a person types lines; what he saw."""

    def run(folder, *lines):
        screen = io.StringIO()
        monkeypatch.setattr(select_module, "console", Console(file=screen, force_terminal=True, width=200))
        monkeypatch.setattr("sys.stdin", Terminal("".join(f"{line}\n" for line in lines)))
        select_module.select(folder)
        return screen.getvalue()

    return run


def test_questions_are_asked_until_the_person_is_content(folder, pacs, typed):
    found = _found(folder, pacs)
    seen = typed(folder, "", "what", "take 'unfinished", "drop nothing-like-it", "Drop 1-99", "take 1", "OK")
    assert seen.count("say take, drop or only") == 3
    assert seen.count("study description") == 3
    wanted = {one.key for one in series_found(folder) if one.wanted}
    assert wanted == {one.key for one in grouped(found)[0].series}
    with pytest.raises(typer.Abort):
        typed(folder, "drop 1", "quit")
    assert {one.key for one in series_found(folder) if one.wanted} == wanted


def test_a_ledger_of_an_earlier_version_has_rows_that_want_all_they_have(folder, pacs):
    found = _found(folder, pacs)
    with sqlite3.connect(folder.parent / "data" / "private" / "ledger.sqlite") as book:
        for column in ("ruled", "wanted"):
            book.execute(f"ALTER TABLE wants DROP COLUMN {column}")
        book.execute("DROP TABLE choices")
    assert series_found(folder) == found
    assert all(one.wanted for one in found)
    assert run_once(folder, pacs).rows == [("complete", "")]
