"""A row takes few transactions of the ledger, on both engines: each waits for its one writer, or for the disk."""

import pytest
import sqlalchemy as sa

from pacsflow.ledger import open_ledger, setting, traffic
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from pacsflow.simpacs import phantom_archive, serve
from project_folder import write_project

KEY = b"k" * 32
FEW, MANY = 2, 6
PER_ROW = 13
"""One of them notes that a delivery begins, before anything of it is at the target."""


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request):
    """The ledger as project.yaml names it."""
    return "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgresql").database()


def transactions(folder, number, address, monkeypatch):
    """How many transactions a run of so many rows took, and what it counted of its requests."""
    began = []

    def begin(connection):
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            began.append(connection)

    archive = phantom_archive(number, matrix=16, images=2)
    asked = [
        {"id": f"r{n}", "AccessionNumber": one.attributes["AccessionNumber"]}
        for n, one in enumerate(archive.studies.values())
    ]
    monkeypatch.setenv("LEDGER_OF_TEST", address)
    where = {"ledger": "sqlite" if address == "sqlite" else "${env:LEDGER_OF_TEST}"}
    with serve(archive) as pacs:
        node = {"port": pacs.port, "called_aet": pacs.aet, "fetch": {"method": "c-get"}}
        project = write_project(folder / "p", pacs=node, rows=asked, project=where)
        with open_session(str(project), action="run") as run:
            sa.event.listen(run.ledger.engine, "begin", begin)
            assert run_locally(run).state == "done"
            return len(began), traffic.total(run.ledger), pacs.counts


def test_a_row_from_query_to_delivery_takes_few_and_none_only_to_count(tmp_path, address, request, monkeypatch):
    other = "sqlite" if address == "sqlite" else request.getfixturevalue("postgresql").database()
    few, _, _ = transactions(tmp_path / "few", FEW, address, monkeypatch)
    many, counted, answered = transactions(tmp_path / "many", MANY, other, monkeypatch)
    assert (many - few) / (MANY - FEW) <= PER_ROW
    assert counted["retrievals"] == answered["gets"] == MANY
    assert counted["images"] == 2 * MANY
    assert counted["find"] == answered["finds"]


def test_what_was_counted_is_written_with_the_next_transaction_and_at_the_end(tmp_path):
    place = tmp_path / "private" / "ledger.sqlite"
    ledger, other = (open_ledger(place, project="p", key=KEY) for _ in range(2))
    traffic.count(ledger, "test", {"find": 2})
    assert not traffic.total(other)
    setting(ledger, "any", "value")
    assert traffic.total(other) == {"find": 2}
    traffic.count(ledger, "test", {"find": 1, "echo": 1})
    ledger.close()
    assert traffic.total(other) == {"find": 3, "echo": 1}
    other.close()


def test_what_a_failed_transaction_took_along_is_written_by_the_next(tmp_path):
    ledger = open_ledger(tmp_path / "private" / "ledger.sqlite", project="p", key=KEY)
    traffic.count(ledger, "test", {"find": 2})

    def fail(connection):
        raise OSError("no room")

    sa.event.listen(ledger.engine, "commit", fail)
    with pytest.raises(OSError, match="no room"):
        setting(ledger, "any", "value")
    sa.event.remove(ledger.engine, "commit", fail)
    assert setting(ledger, "any") is None
    assert traffic.total(ledger) == {"find": 2}
    ledger.close()
