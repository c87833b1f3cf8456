"""A project that a person pauses: what is under way is ended, no run begins anything new, until it may go on."""

import pytest

from commands import pacsflow
from pacsflow.errors import PausedError
from pacsflow.ledger.acts import trail
from pacsflow.ledger.pauses import FRESH, PauseLook, pause, paused, resume
from pacsflow.run.local import plan_locally, run_locally
from pacsflow.run.opening import open_session
from pacsflow.run.people.decisions import ledger_of
from pacsflow.run.people.pausing import pause_project, resume_project
from pacsflow.run.reporting.row_outcomes import row_outcomes
from whole_run import IMAGES, delivered, lying, project


def outcome(folder):
    with open_session(str(folder), action="run") as run:
        ended = run_locally(run)
        found = row_outcomes(run.ledger, run.project)
        return ended, sorted((one.status, one.counts["held"]) for one in found)


@pytest.fixture
def peer():
    with lying() as (pacs, node):
        yield pacs, {**node, "limits": {"associations": 1}}


def test_no_run_asks_a_paused_project_s_node_and_the_next_one_after_it_does_all(tmp_path, peer):
    pacs, node = peer
    folder = project(tmp_path, pacs, node)
    assert pause_project(folder, by="anna").by == "anna"
    assert pause_project(folder, by="ben").by == "anna", "who paused it first did"
    ended, _ = outcome(folder)
    assert (ended.state, ended.sentence) == ("paused", "paused by anna")
    with open_session(str(folder), action="plan") as run:
        plan_locally(run)
        assert run.paused
    assert not pacs.counts["associations"]
    assert resume_project(folder, by="ben").by == "anna"
    assert resume_project(folder, by="ben") is None
    ended, rows = outcome(folder)
    assert (ended.state, rows) == ("done", [("complete", IMAGES)] * 2)
    with ledger_of(folder) as ledger:
        assert [(one.action, one.by) for one in trail(ledger)] == [("pause", "anna"), ("resume", "ben")]


def test_a_study_under_way_is_ended_and_delivered_and_no_other_begun(tmp_path, peer):
    pacs, node = peer
    folder = project(tmp_path, pacs, node)
    with open_session(str(folder), action="run") as run:
        run.lanes._held = PauseLook(run.ledger, clock=iter(range(0, 10**6, 2)).__next__)  # each look is a fresh one

        def told(what, _number):
            if what == "images":
                pause(run.ledger, by="anna")

        run.listeners.append(told)
        ended = run_locally(run)
        found = sorted((one.status, one.counts["held"]) for one in row_outcomes(run.ledger, run.project))
    assert ended.state == "paused"
    assert found == [("complete", IMAGES), ("found", 0)]
    assert len(delivered(folder)) == IMAGES
    resume_project(folder, by="anna")
    before = pacs.counts["images sent"]
    ended, rows = outcome(folder)
    assert (ended.state, rows) == ("done", [("complete", IMAGES)] * 2)
    assert pacs.counts["images sent"] - before == IMAGES


def test_a_pause_is_seen_by_lanes_soon(tmp_path, peer):
    pacs, node = peer
    now = [0.0]
    with ledger_of(project(tmp_path, pacs, node)) as ledger:
        look = PauseLook(ledger, clock=lambda: now[0])
        assert look() == ""
        pause(ledger, by="anna")
        now[0] += FRESH
        assert look() == "anna"
        resume(ledger, by="anna")
        now[0] += FRESH
        assert look() == ""
        assert paused(ledger) is None


def test_the_commands_pause_and_resume(tmp_path, peer):
    pacs, node = peer
    folder = project(tmp_path, pacs, node)
    assert "paused by" in pacsflow("pause", folder)
    assert "paused by" in pacsflow("status", folder)
    with open_session(str(folder), action="run") as run, pytest.raises(PausedError, match="paused by"):
        run.lanes.keep_hours()
    assert "goes on with the next run" in pacsflow("resume", folder)
    assert "was not paused" in pacsflow("resume", folder)
    assert "paused by" not in pacsflow("status", folder)
