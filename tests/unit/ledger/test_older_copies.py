"""A ledger that is an older copy, or another one, than was written last is noticed before anything is done with it."""

import shutil
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

from pacsflow.errors import LedgerError
from pacsflow.ledger import anchor, open_ledger, outcomes, tables
from pacsflow.ledger.acts import Act, note, trail

KEY = b"k" * 32


@pytest.fixture
def place(tmp_path):
    return tmp_path / "private" / "ledger.sqlite"


def opened(place, **more):
    return closing(open_ledger(place, project="p", key=KEY, anchored=place.parent.parent / "ledger.anchor", **more))


def act(place, *names):
    with opened(place) as ledger:
        for name in names:
            note(ledger, Act("settle", name))


def copied(place, copy):
    with closing(sqlite3.connect(place)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def put_back(copy, place):
    for ending in ("-wal", "-shm"):
        place.with_name(place.name + ending).unlink(missing_ok=True)
    shutil.copyfile(copy, place)


def test_each_older_copy_is_noticed_and_the_newest_is_not(place, tmp_path):
    copies = []
    for number in range(4):
        act(place, f"person {number}")
        copies.append(copied(place, tmp_path / f"copy {number}"))
    for number, copy in enumerate(copies[:-1]):
        put_back(copy, place)
        with pytest.raises(LedgerError, match=f"the last {3 - number} of its 4 lasting changes are missing") as told:
            act(place, "nobody")
        assert "--accept-ledger" in told.value.fix
    put_back(copies[-1], place)
    act(place, "one more")


def test_a_copy_that_went_on_elsewhere_is_noticed(place, tmp_path):
    act(place, "first")
    other = tmp_path / "elsewhere" / "private" / "ledger.sqlite"
    other.parent.mkdir(parents=True)
    copied(place, other)
    act(place, "here")
    with closing(open_ledger(other, project="p", key=KEY)) as ledger:
        for name in ("there", "there again", "and again"):
            note(ledger, Act("settle", name))
    put_back(other, place)
    with pytest.raises(LedgerError, match="another copy"):
        act(place, "nobody")


def test_a_ledger_that_is_gone_is_not_begun_again(place):
    act(place, "first")
    place.unlink()
    for _ in range(2):
        with pytest.raises(LedgerError, match="it is missing"):
            act(place, "nobody")
    assert not place.exists()


@pytest.mark.parametrize(
    "change", ["DELETE FROM acts WHERE number = 3", "DELETE FROM acts", "UPDATE acts SET chain = 'x' WHERE number = 3"]
)
def test_the_loss_of_the_last_acts_is_noticed(place, change):
    act(place, "a", "b", "c")
    with closing(sqlite3.connect(place)) as book:
        book.execute(change)
        book.commit()
    with pytest.raises(LedgerError, match="last acts of its audit trail"):
        act(place, "nobody")


def test_what_was_accepted_goes_on_and_the_next_older_copy_is_noticed_again(place, tmp_path):
    act(place, "a")
    copy = copied(place, tmp_path / "copy")
    act(place, "b", "c")
    put_back(copy, place)
    with opened(place, any_copy=True) as ledger:
        assert "2 of its 3" in ledger.behind()
        ledger.accept()
        note(ledger, Act("accept ledger", "d"))
        assert ledger.behind() == ""
    act(place, "e")
    with opened(place) as ledger:
        assert [one.by for one in trail(ledger)] == ["a", "d", "e"]
    put_back(copy, place)
    with pytest.raises(LedgerError, match="older copy"):
        act(place, "nobody")


def test_a_killed_process_leaves_the_file_behind_the_ledger_and_that_is_well(place, monkeypatch):
    act(place, "a")
    with monkeypatch.context() as killed:
        killed.setattr(anchor, "keep", lambda *_: None)
        act(place, "b", "c")
    act(place, "d")


def test_a_delivery_is_a_lasting_change(place, tmp_path):
    study = {"key": "k", "uid": "1.2", "attributes": {}, "status": "complete"}
    with opened(place) as ledger:
        with ledger.write() as connection:
            ledger.upsert(connection, tables.studies, [study])
        note(ledger, Act("settle", "a"))
        copy = copied(place, tmp_path / "copy")
        outcomes.note_delivery(ledger, "k", outcomes.Delivery("folder 1", "done", "d"))
    put_back(copy, place)
    with pytest.raises(LedgerError, match="the last 1 of its 2"):
        act(place, "nobody")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"mark": "x"}', "\0" * 90, "[" * 90_000, '{"mark": 1e99}', '{"other": 1}']
)
def test_a_file_outside_that_is_damaged_never_stops_work(place, text):
    act(place, "a")
    (place.parent.parent / "ledger.anchor").write_text(text)
    act(place, "b")
    with opened(place) as ledger:
        assert ledger.behind() == ""


def test_many_changes_keep_few_marks(place, monkeypatch):
    monkeypatch.setattr(anchor, "KEPT", 5)
    act(place, *"abcdefghijkl")
    with opened(place) as ledger:
        assert len(ledger.all(sa.text("SELECT * FROM marks"))) == 5
    act(place, "m")
