"""A ledger that cannot be used: the error names cause and fix, and no backup is restored because a program has it open."""

import sqlite3

import pytest
import sqlalchemy as sa

from pacsflow.errors import LedgerError
from pacsflow.ledger import book, open_ledger, setting

KEY = b"k" * 32


@pytest.fixture
def place(tmp_path):
    place = tmp_path / "private" / "ledger.sqlite"
    ledger = open_ledger(place, project="p", key=KEY)
    for number in range(400):
        setting(ledger, f"name {number}", "x" * 200)
    ledger.close()
    with sqlite3.connect(place) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    return place


def refused(place):
    with pytest.raises(LedgerError) as told:
        open_ledger(place, project="p", key=KEY)
    return f"{told.value} -> {told.value.fix}"


@pytest.mark.parametrize("begin", [0, 4096, 3 * 4096])
def test_pages_that_were_zeroed_or_cut_off_are_noticed(place, begin):
    content = place.read_bytes()
    place.write_bytes(content[:begin] + bytes(4 * 4096) + content[begin + 4 * 4096 :])
    assert "damaged" in refused(place)
    assert "backup" in refused(place)


def test_a_file_that_is_none_is_damaged(place):
    place.write_bytes(b"no ledger at all" * 1000)
    assert "damaged" in refused(place)


def test_a_folder_in_its_place_is_reported(tmp_path):
    (tmp_path / "ledger.sqlite").mkdir()
    assert "cannot be opened" in refused(tmp_path / "ledger.sqlite")


@pytest.mark.parametrize(
    ("pragma", "statement", "word"),
    [
        ("query_only=ON", "DELETE FROM meta", "written"),
        ("max_page_count=1", "CREATE TABLE x AS SELECT * FROM meta", "full"),
    ],
)
def test_each_kind_has_its_own_words(place, pragma, statement, word):
    engine = sa.create_engine(f"sqlite:///{place}")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA {pragma}")
        with pytest.raises(sa.exc.DatabaseError) as told:
            connection.exec_driver_sql(statement)
    engine.dispose()
    error = book.ledger_error(told.value)
    assert word in str(error)
    assert "backup" not in error.fix


def test_a_ledger_that_another_program_holds_is_busy(place):
    engine = sa.create_engine(f"sqlite:///{place}", connect_args={"timeout": 0})
    holder = sqlite3.connect(place, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sa.exc.DatabaseError) as told, engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM meta")
    holder.close()
    engine.dispose()
    error = book.ledger_error(told.value)
    assert "in use by another program" in str(error)
    assert "backup" not in error.fix
