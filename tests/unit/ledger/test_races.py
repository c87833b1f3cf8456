"""Several at one ledger at once, on both engines: each study is one worker's, each run's table its own."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pacsflow.errors import BusyError, LedgerError
from pacsflow.ledger import book, open_ledger, rows, runs, setting, studies, summary, tables, traffic

KEY = b"k" * 32
RACES = 400


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where a new ledger is to be."""
    if request.param == "sqlite":
        return tmp_path / "private" / "ledger.sqlite"
    return request.getfixturevalue("postgresql").database()


@pytest.fixture
def ledger(place):
    opened = open_ledger(place, project="p", key=KEY)
    yield opened
    opened.close()


def together(*calls):
    """What each of the calls gives, all begun at one moment, each in a thread of its own."""
    barrier = threading.Barrier(len(calls))

    def one(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as workers:
        return list(workers.map(one, calls))


def found(ledger, *uids):
    """Studies that are there to be claimed: their keys."""
    rows.sync(ledger, [("a", 1, "")])
    hits = tuple(rows.Hit(uid, "P1", {}, (rows.FoundSeries(f"{uid}.1", {}, 1),)) for uid in uids)
    rows.record(ledger, "a", rows.Finding("found", hits=hits))
    return [ledger.digest("study", uid) for uid in uids]


def test_of_workers_that_claim_a_study_at_once_one_gets_it(place, ledger):
    keys = found(ledger, *(f"1.2.{n}" for n in range(RACES)))
    other = open_ledger(place, project="p", key=KEY)
    mine, theirs = studies.new_owner(), studies.new_owner()
    won = [
        sum(together(lambda k=key: studies.claim(ledger, k, mine), lambda k=key: studies.claim(other, k, theirs)))
        for key in keys
    ]
    other.close()
    assert won == [1] * RACES


def test_of_workers_that_take_over_from_a_dead_one_at_once_one_gets_each_study(place, ledger):
    keys = found(ledger, *(f"1.2.{n}" for n in range(60)))
    code = "from pacsflow.ledger import studies; print(studies.new_owner())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    others = [open_ledger(place, project="p", key=KEY) for _ in range(3)]
    owners = [studies.new_owner() for _ in others]
    for key in keys:
        assert studies.claim(ledger, key, dead)
        won = together(*(lambda b=b, o=o, k=key: studies.claim(b, k, o) for b, o in zip(others, owners, strict=True)))
        assert sum(won) == 1
    for one in others:
        one.close()


def test_a_process_that_lost_the_lease_of_a_study_changes_nothing_of_it(ledger):
    [key] = found(ledger, "1.2")
    slow, quick = studies.new_owner(), studies.new_owner()
    assert studies.claim(ledger, key, slow)
    with ledger.write() as connection:
        connection.execute(tables.studies.update().values(lease_expires=0.0))
    assert studies.claim(ledger, key, quick)
    studies.release(ledger, key, slow, status="failed", reason="x")
    assert studies.study(ledger, key).status == "found"
    assert not studies.claim(ledger, key, slow)
    studies.release(ledger, key, quick, status="complete")
    assert studies.study(ledger, key).status == "complete"


def test_a_study_that_is_not_there_cannot_be_claimed(ledger):
    assert not studies.claim(ledger, "none", studies.new_owner())


def test_first_starts_at_once_all_succeed_and_agree(request, tmp_path):
    for number in range(5):
        for place in (tmp_path / str(number) / "l.sqlite", request.getfixturevalue("postgresql").database()):
            books = together(*[lambda p=place: open_ledger(p, project="p", key=None)] * 4)
            assert len({book.digest("study", "1.2") for book in books}) == 1
            for one in books:
                one.close()


def test_of_runs_that_begin_at_once_one_is_at_work(place, ledger):
    other = open_ledger(place, project="p", key=KEY)

    def beginning(ledger, number):
        owner = studies.new_owner()
        try:
            runs.begin(ledger, runs.Run(owner, "run", {}), [("a", 1, str(number))])
        except BusyError:
            return None
        return owner

    for _ in range(20):
        won = [owner for owner in together(lambda: beginning(ledger, 1), lambda: beginning(other, 2)) if owner]
        assert len(won) == 1
        runs.end(ledger, won[0], "ended")
    other.close()


def test_of_profiles_that_are_first_at_once_one_holds(place, ledger):
    other = open_ledger(place, project="p", key=KEY)
    for name in (f"profile {number}" for number in range(20)):
        told = together(
            lambda n=name: book.agreed(ledger, n, "x"),
            lambda n=name: book.agreed(other, n, "y"),
        )
        assert len(set(told)) == 1
        assert setting(ledger, name) == told[0]
    other.close()


def test_rows_that_find_one_study_at_once_and_traffic_add_up(place, ledger):
    other = open_ledger(place, project="p", key=KEY)
    rows.sync(ledger, [("a", 1, ""), ("b", 2, "")])

    def work(book, row):
        for number in range(15):
            series = (rows.FoundSeries(f"1.2.{row}", {}, 1), rows.FoundSeries("1.2.9", {}, number))
            rows.record(book, row, rows.Finding("found", hits=(rows.Hit("1.2", "P", {}, series),)))
            counts = {"find": 1, "bytes": 5_000_000_000}
            traffic.count(book, "n", counts if row == "a" else dict(reversed(counts.items())))

    together(lambda: work(ledger, "a"), lambda: work(other, "b"))
    other.close()
    [plan] = studies.planned(ledger)
    assert len(studies.study(ledger, plan.key).wanted) == 3
    assert traffic.total(ledger) == {"find": 30, "bytes": 150_000_000_000}


@pytest.mark.parametrize("text", ["P\x001", "x" * 5000, "Ünïcödé \U0001f600", "\ufffe", "'; --", "\\"])
def test_whatever_a_node_or_a_user_writes_is_kept_as_it_is(ledger, text):
    rows.sync(ledger, [(text, 1, "")])
    series = rows.FoundSeries(f"1.2.{text}", {"SeriesDescription": text}, 2**40, reason=text, wanted=True)
    rows.record(
        ledger, text, rows.Finding("found", text, (text,), (rows.Hit(f"1.{text}", text, {"StudyID": text}, (series,)),))
    )
    [plan] = studies.planned(ledger)
    study = studies.study(ledger, plan.key)
    assert (study.patient_id, study.attributes, study.uid) == (text, {"StudyID": text}, f"1.{text}")
    held = studies.Instance(study.series[0].key, text, text, "held", text, text, 2**40, "0")
    studies.note(ledger, study, [held])
    assert studies.instances(ledger, plan.key) == [held]
    [state] = summary.studies(ledger)[plan.key].series
    assert (state.size, state.size / 1e6, type(state.size)) == (2**40, 2**40 / 1e6, int)
    assert [(row.id, row.reason, row.warnings) for row in summary.rows(ledger)] == [(text, text, [text])]


def test_uids_are_in_one_order_on_both_engines(ledger):
    rows.sync(ledger, [("a", 1, "")])
    uids = ["1.2.10", "1.2.9", "1.20", "1.2.1.5", "1-2", "A", "a", "_b", "B"]
    series = tuple(rows.FoundSeries(uid, {}, 1) for uid in uids)
    rows.record(ledger, "a", rows.Finding("found", hits=(rows.Hit("1", "P", {}, series),)))
    [plan] = studies.planned(ledger)
    assert [one.uid for one in studies.study(ledger, plan.key).series] == sorted(uids)


@pytest.mark.parametrize("address", ["postgresql://h/db", "postgres://h/db", "postgresql+psycopg://h/db"])
def test_without_the_driver_the_extra_is_named(monkeypatch, address):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match="driver that is not installed") as refused:
        open_ledger(address, project="p", key=KEY)
    assert "pacsflow[postgresql]" in refused.value.fix


@pytest.mark.parametrize(
    "address",
    [
        "no address",
        "nosuch://h/db",
        "",
        "postgresql+nosuch://h",
        "postgresql://h:port/db",
        "mysql://h/db",
        "postgresql+asyncpg://h/db",
    ],
)
def test_what_is_not_an_address_is_reported_without_repeating_it(address):
    with pytest.raises(LedgerError) as refused:
        open_ledger(address, project="p", key=KEY)
    assert "postgresql" in refused.value.fix
    assert not address or address not in str(refused.value)


def test_a_database_that_is_not_there_is_reported_without_its_password(tmp_path):
    with pytest.raises(LedgerError, match="does not let us in") as refused:
        open_ledger(f"postgresql://quistgaard:geheim@/nobody?host={tmp_path}", project="p", key=KEY)
    assert not {word for word in ("quistgaard", "geheim") if word in f"{refused.value} {refused.value.fix}"}
