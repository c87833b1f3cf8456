"""Two runs of one project: a study that another took, while this one waited for a lane, is left to it."""

import sqlalchemy as sa

from pacsflow.ledger import studies, tables
from pacsflow.refs import StudyRef
from pacsflow.run.lanes.pool import LanePool
from pacsflow.run.opening import open_session
from tasks.steps import fetch_study
from whole_run import find_rows, lying, project, run_once


def lease(ledger, key):
    [row] = ledger.all(
        sa.select(tables.studies.c.lease_owner, tables.studies.c.status).where(tables.studies.c.key == key)
    )
    return tuple(row)


def run_out(ledger, key):
    with ledger.write() as connection:
        connection.execute(sa.update(tables.studies).where(tables.studies.c.key == key).values(lease_expires=0.0))


def test_a_study_whose_lease_ran_out_in_the_queue_for_lanes_is_left_to_the_run_that_took_it(tmp_path, monkeypatch):
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1)
        borrow, other = LanePool.borrow, studies.new_owner()
        with open_session(str(folder), action="run") as run:
            find_rows(run)
            [plan] = studies.planned(run.ledger)

            def late(pool):
                run_out(run.ledger, plan.key)
                assert studies.claim(run.ledger, plan.key, other)
                return borrow(pool)

            with monkeypatch.context() as patch:
                patch.setattr(LanePool, "borrow", late)
                assert fetch_study.fn(StudyRef(str(folder), plan.key)) is None
            assert lease(run.ledger, plan.key) == (other, "found")
            assert not pacs.counts["gets"]
            studies.release(run.ledger, plan.key)
        assert run_once(folder, pacs).rows == [("complete", "")]
