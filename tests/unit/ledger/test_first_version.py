"""A ledger of the first version is continued: no row is asked again, no decision and no count is lost."""

import time

import pytest
import sqlalchemy as sa

from pacsflow.errors import LedgerError
from pacsflow.ledger import naming, open_ledger, outcomes, rows, runs, setting, studies, summary, tables, traffic
from pacsflow.ledger.choices import remarks
from unit.ledger.first_version import DEAD, KEY, SERIES, STUDY, write_first_version

ASKED = [("a", 1, "asked")]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where the ledger is to be."""
    return tmp_path / "ledger.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgresql").database()


@pytest.fixture
def opened(place):
    """Write a ledger of the first version, and open it."""
    books = []

    def write_and_open(**lease):
        write_first_version(place, **lease)
        books.append(open_ledger(place, project="p", key=KEY))
        return books[-1]

    yield write_and_open
    for book in books:
        book.close()


def test_nothing_of_it_is_asked_or_fetched_again(opened):
    ledger = opened()
    with runs.at_work(ledger, runs.Run(studies.new_owner(), "run", {}), ASKED):
        assert rows.to_find(ledger) == []
        assert [plan.complete for plan in studies.planned(ledger)] == [True]
    assert [i.status for i in studies.instances(ledger, STUDY)] == ["held"]
    assert outcomes.deliveries(ledger, STUDY)["folder"].digest == "d"


def test_decisions_choices_counts_and_times_are_kept(opened):
    ledger = opened()
    [hit] = ledger.all(sa.select(tables.hits))
    assert (hit.decided_by, hit.decided_at) == ("anna", 3.0)
    assert remarks(ledger) == {SERIES: "taken by erika"}
    assert summary.studies(ledger)[STUDY].fetch_seconds == 12.5
    assert traffic.total(ledger)["find"] == 5
    assert [one.at.timestamp() for one in traffic.slowings(ledger)] == [6.0]
    assert ledger.all(sa.select(tables.deliveries.c.delivered_at)) == [(5.0,)]
    assert ledger.all(sa.select(tables.runs.c.lease_owner)) == [(DEAD,)]


def test_a_lease_holds_until_it_expires_and_is_then_taken(opened):
    ledger, mine = opened(owner=DEAD, expires=time.time() + 3600), studies.new_owner()
    assert not studies.claim(ledger, STUDY, mine)
    with ledger.write() as connection:
        connection.execute(sa.update(tables.studies).values(lease_expires=0.0))
    assert studies.claim(ledger, STUDY, mine)


def test_every_table_takes_new_rows_and_is_opened_again_as_the_second_version(opened, place):
    ledger = opened()
    rows.sync(ledger, [*ASKED, ("b", 2, "more")])
    found = rows.FoundSeries("1.3.1", {}, 1)
    rows.record(ledger, "b", rows.Finding("held", hits=(rows.Hit("1.3", "P2", {}, (found,)),)))
    rows.settle(ledger, "b", {ledger.digest("study", "1.3"): "take"}, by="berta")
    again = open_ledger(place, project="p", key=KEY)
    assert setting(again, "version") == tables.VERSION == "2"
    assert sorted(r.decided_by for r in again.all(sa.select(tables.hits))) == ["anna", "berta"]
    assert len(studies.planned(again)) == 2
    again.close()


def test_its_columns_are_those_of_a_new_ledger(opened, tmp_path):
    old, new = opened(), open_ledger(tmp_path / "new.sqlite", project="p", key=KEY)
    for name in tables.metadata.tables:
        before, after = ({c["name"] for c in sa.inspect(book.engine).get_columns(name)} for book in (old, new))
        assert before == after
    new.close()


def test_answers_of_originals_have_a_place_in_it(opened, place):
    ledger = opened()
    assert naming.answered(ledger, STUDY) == {}, "its images came without being asked"
    said = naming.Answered(SERIES, 1, {"digest": "yes"})
    naming.note_answers(ledger, STUDY, said)
    again = open_ledger(place, project="p", key=KEY)
    assert naming.answered(again, STUDY) == {SERIES: said}
    again.close()


def test_a_ledger_of_the_second_version_without_the_table_of_answers_gets_it(opened, place):
    with opened().write() as connection:
        tables.naming.drop(connection)
    again = open_ledger(place, project="p", key=KEY)
    assert setting(again, "version") == "2"
    assert naming.answered(again, STUDY) == {}
    assert summary.studies(again)[STUDY].fetch_seconds == 12.5
    again.close()


def test_a_ledger_of_a_later_version_is_left_as_it_is(opened, place):
    ledger = opened()
    setting(ledger, "version", "3")
    with pytest.raises(LedgerError, match="version 3, this pacsflow writes 2") as refused:
        open_ledger(place, project="p", key=KEY)
    assert "later" in refused.value.fix
