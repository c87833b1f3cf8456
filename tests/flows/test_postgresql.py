"""The ledger in PostgreSQL: a whole run gives what it gives with a file, and other tables do it no harm there either."""

import csv

import pytest

from pacsflow.errors import BusyError
from pacsflow.run.opening import open_session
from project_folder import write_project
from whole_run import by_uid, delivered, lying

NOTHING = {"id": "nothing", "StudyInstanceUID": "1.2.3"}
ENV = "PACSFLOW_LEDGER_URL"


@pytest.fixture(scope="module")
def peer():
    with lying() as (pacs, node):
        yield pacs, node


def written(tmp_path, peer, engine):
    pacs, node = peer
    asked = [NOTHING, *by_uid(pacs.archive, 3)]
    ledger = f"${{env:{ENV}}}" if engine == "postgresql" else "sqlite"
    return write_project(tmp_path / "p", pacs=node, rows=asked, project={"ledger": ledger})


def results(tmp_path):
    with (tmp_path / "data" / "report" / "results.csv").open(encoding="utf-8-sig") as file:
        return [{**line, "seconds": ""} for line in csv.DictReader(file)]


def test_a_run_gives_the_same_with_either_engine_and_the_next_one_has_nothing_to_do(
    prefect, postgresql, peer, tmp_path, monkeypatch
):
    monkeypatch.setenv(ENV, postgresql.database())
    came = {}
    for engine in ("sqlite", "postgresql"):
        folder = written(tmp_path / engine, peer, engine)
        prefect.pacsflow_here("run", str(folder), expect=1)
        came[engine] = (delivered(folder), results(tmp_path / engine))
        retrievals = peer[0].counts["gets"]
        prefect.pacsflow_here("run", str(folder), expect=1)
        assert peer[0].counts["gets"] == retrievals
        assert (delivered(folder), results(tmp_path / engine)) == came[engine]
        assert "complete" in prefect.pacsflow_here("status", str(folder))
    assert not (tmp_path / "postgresql" / "data" / "private" / "ledger.sqlite").exists()
    assert came["postgresql"] == came["sqlite"]
    assert len(came["sqlite"][0]) >= 3


def test_a_second_run_of_a_project_is_kept_out_there_too(postgresql, peer, tmp_path, monkeypatch):
    monkeypatch.setenv(ENV, postgresql.database())
    folder = str(written(tmp_path, peer, "postgresql"))
    with open_session(folder, action="run"), pytest.raises(BusyError), open_session(folder, action="run"):
        pass
    with open_session(folder, action="run"):
        pass
