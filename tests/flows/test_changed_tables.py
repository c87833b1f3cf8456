"""The table changes while a run goes on: its rows keep their own results, and no other process changes them meanwhile."""

import csv
import json
import random
import subprocess
import sys

import pytest

from flows._stages import already_running
from pacsflow.errors import BusyError
from pacsflow.ledger import rows
from pacsflow.refs import RowRef
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.row_outcomes import outcomes_of
from peers.ports import wait_until
from tasks.steps import find_row
from whole_run import bring, by_uid, delivered, fault, find_rows, lying, project, run_once

ROWS = 4


def write_rows(folder, asked):
    (folder / "query.yaml").write_text(json.dumps({"rows": asked}))


def turned(asked):
    return asked[::-1]


def inserted(asked):
    return [{"id": "new", "StudyInstanceUID": "1.2.3.4"}, *asked]


def removed(asked):
    return asked[1:]


def shuffled(asked):
    return random.Random(4).sample([*asked, {"id": "new", "StudyInstanceUID": "1.2.3.4"}], len(asked))


CHANGES = pytest.mark.parametrize("change", [turned, inserted, removed, shuffled], ids=lambda one: one.__name__)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    with lying() as (pacs, node):
        folder = project(tmp_path_factory.mktemp("undisturbed"), pacs, node, asked=table(pacs))
        told = run_once(folder, pacs)
    return told.rows, told.out


def table(pacs):
    """Rows that differ in what becomes of them: the first finds nothing."""
    return [{"id": "nothing", "StudyInstanceUID": "1.2.3"}, *by_uid(pacs.archive, ROWS - 1)]


@CHANGES
@pytest.mark.parametrize("action", ["run", "plan"])
def test_opening_a_project_with_another_table_meanwhile_is_refused_and_changes_nothing(
    tmp_path, undisturbed, change, action
):
    with lying() as (pacs, node):
        asked = table(pacs)
        folder = project(tmp_path, pacs, node, asked=asked)
        with open_session(str(folder), action="run") as run:
            find_rows(run)
            write_rows(folder, change(asked))
            with pytest.raises(BusyError, match="at work since"), open_session(str(folder), action=action):
                pass
            bring(run)
            results = [(one.status, one.reason) for one in outcomes_of(run)]
        assert (results, delivered(folder)) == undisturbed
        with open_session(str(folder), action=action) as after:
            assert [row.number for row in after.rows] == list(range(1, len(change(asked)) + 1))


@CHANGES
def test_rows_are_looked_up_by_their_id_even_where_the_ledgers_table_is_another(tmp_path, undisturbed, change):
    with lying() as (pacs, node):
        asked = table(pacs)
        folder = project(tmp_path, pacs, node, asked=asked)
        with open_session(str(folder), action="run") as run:
            mine = {row.id: row.number for row in run.rows}
            find_rows(run)
            digests = {r.id: r.digest for r in run.ledger.all(rows.t.rows.select())}
            other = [(row["id"], number, digests.get(row["id"], "x")) for number, row in enumerate(change(asked), 1)]
            rows.sync(run.ledger, other)
            for number in run.numbers(rows.open_rows(run.ledger)):
                find_row.fn(RowRef(str(folder), number))
            bring(run)
            found = outcomes_of(run)
            assert {one.row.id: one.row.number for one in found}.items() <= mine.items()
            expected = dict(zip([row["id"] for row in asked], undisturbed[0], strict=True))
            assert {one.row.id: (one.status, one.reason) for one in found}.items() <= expected.items()
            assert set(mine) - {one.row.id for one in found} <= {row["id"] for row in asked} - {i for i, *_ in other}


def test_the_same_table_may_be_planned_while_a_run_goes_on_but_not_run_twice(tmp_path):
    with lying() as (pacs, node):
        folder = str(project(tmp_path, pacs, node, number=1))
        with open_session(folder, action="run"):
            with open_session(folder, action="plan"):
                pass
            with pytest.raises(BusyError) as busy, open_session(folder, action="run"):
                pass
        assert (busy.value.exit_code, already_running(busy.value).is_completed()) == (75, True)
        with open_session(folder, action="run"):
            pass


def test_a_run_that_was_killed_keeps_nobody_back(tmp_path):
    code = "import os, sys; from pacsflow.run.opening import open_session\nwith open_session(sys.argv[1], action='run'): os._exit(9)"
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1)
        assert subprocess.run([sys.executable, "-c", code, str(folder)], check=False).returncode == 9
        write_rows(folder, table(pacs))
        assert [status for status, _ in run_once(folder, pacs).rows] == ["unmatched", *["complete"] * (ROWS - 1)]


def test_a_command_of_another_table_leaves_a_running_command_alone(prefect, tmp_path):
    """As an operator has it: `run` goes on, git brings other rows, the schedule and a person come by."""
    with lying(fault("stall", image=1, seconds=8)) as (pacs, node):
        asked = table(pacs)
        folder = project(tmp_path, pacs, node, asked=asked, response=120)
        going = prefect.start_pacsflow("run", str(folder))
        wait_until(lambda: pacs.counts["gets"] > 0, what="the first retrieval")
        write_rows(
            folder, [*inserted(turned(asked)), *({"id": f"m{n}", "StudyInstanceUID": f"1.2.{n}"} for n in range(9))]
        )
        assert "rows have changed" in prefect.pacsflow_here("plan", str(folder), expect=75)
        assert "another run of this project" in prefect.pacsflow_here("run", str(folder), expect=75)
        told, _ = going.communicate(timeout=200)
    assert going.returncode == 1, told
    with (tmp_path / "data" / "report" / "results.csv").open(encoding="utf-8-sig") as file:
        results = {line["id"]: line for line in csv.DictReader(file)}
    assert list(results) == [row["id"] for row in asked]
    statuses = {row_id: line["status"] for row_id, line in results.items()}
    assert statuses == {"nothing": "unmatched", **dict.fromkeys(["r0", "r1", "r2"], "complete")}
