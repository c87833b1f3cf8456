"""The ledger: rows in line with the project, decisions that last, leases, and the key."""

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from pacsflow.errors import KeyMismatchError, LedgerError
from pacsflow.ledger import open_ledger, outcomes, rows, studies, summary, tables, traffic

KEY = b"k" * 32


@pytest.fixture
def ledger(tmp_path):
    book = open_ledger(tmp_path / "private" / "ledger.sqlite", project="p", key=KEY)
    yield book
    book.close()


def hit(study, *series, wanted=True):
    found = tuple(rows.FoundSeries(s, {"Modality": "CT"}, 2, wanted=wanted) for s in series)
    return rows.Hit(study, "P1", {"StudyDate": "20200101"}, found)


def keys(ledger):
    return [p.key for p in studies.planned(ledger)]


def plan(ledger, *hits, status="found", row="a"):
    rows.record(ledger, row, rows.Finding(status, "", (), hits))


def test_ledger_is_readable_by_its_owner_only(ledger, tmp_path):
    rows.sync(ledger, [("a", 1, "d1")])
    private = tmp_path / "private"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in private.iterdir()}
    assert modes == {f"ledger.sqlite{ending}": 0o600 for ending in ("", "-wal", "-shm")}
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_what_the_database_refuses_is_not_repeated(ledger):
    with pytest.raises(sa.exc.IntegrityError) as refused, ledger.write() as connection:
        connection.execute(sa.insert(tables.meta), [{"name": "QUISTGAARD", "value": "1"}] * 2)
    assert "QUISTGAARD" not in str(refused.value)


def test_another_key_is_noticed_before_anything_is_written(ledger, tmp_path):
    path = tmp_path / "private" / "ledger.sqlite"
    with pytest.raises(KeyMismatchError, match="not the one"):
        open_ledger(path, project="p", key=b"x" * 32)
    with pytest.raises(KeyMismatchError):
        open_ledger(path, project="p", key=None)


def test_another_project_and_a_damaged_file_are_refused(ledger, tmp_path):
    with pytest.raises(LedgerError, match="another project"):
        open_ledger(tmp_path / "private" / "ledger.sqlite", project="q", key=KEY)
    (tmp_path / "broken").write_bytes(b"no database at all, " * 100)
    with pytest.raises(LedgerError, match="cannot be read"):
        open_ledger(tmp_path / "broken", project="p", key=KEY)


def test_rows_follow_the_project_and_changed_ones_are_asked_again(ledger):
    rows.sync(ledger, [("a", 1, "d1"), ("b", 2, "d2")])
    plan(ledger, hit("1.2", "1.2.1"))
    assert rows.to_find(ledger) == [2]
    rows.sync(ledger, [("b", 1, "d2"), ("a", 2, "d1"), ("c", 3, "d3")])
    assert rows.to_find(ledger) == [1, 3]
    assert len(studies.planned(ledger)) == 1
    rows.sync(ledger, [("a", 1, "changed")])
    assert rows.to_find(ledger) == [1]
    assert studies.planned(ledger) == []
    rows.sync(ledger, [])
    assert rows.to_find(ledger) == []


def test_two_rows_on_one_study_are_one_piece_of_work_that_wants_the_union(ledger):
    rows.sync(ledger, [("a", 1, ""), ("b", 2, "")])
    both = (rows.FoundSeries("1.2.1", {}, 1), rows.FoundSeries("1.2.2", {}, 1, wanted=False, reason="excluded"))
    rows.record(ledger, "a", rows.Finding("found", hits=(rows.Hit("1.2", "P", {}, both),)))
    [key] = keys(ledger)
    assert [s.uid for s in studies.study(ledger, key).wanted] == ["1.2.1"]
    rows.record(ledger, "b", rows.Finding("found", hits=(hit("1.2", "1.2.2"),)))
    [again] = keys(ledger)
    assert again == key
    assert [s.uid for s in studies.study(ledger, key).wanted] == ["1.2.1", "1.2.2"]


def test_a_held_row_is_work_only_after_a_person_settled_it(ledger):
    rows.sync(ledger, [("a", 1, "")])
    plan(ledger, hit("1.2", "1.2.1"), hit("1.3", "1.3.1"), status="held")
    assert studies.planned(ledger) == []
    key = ledger.digest("study", "1.3")
    rows.settle(ledger, 1, {key: "take"}, by="anna")
    assert keys(ledger) == [key]
    plan(ledger, hit("1.2", "1.2.1"), hit("1.3", "1.3.1"), status="held")
    assert keys(ledger) == [key], "the decision stands when the row is asked again"
    assert summary.rows(ledger)[0].status == "found"
    plan(ledger, hit("1.3", "1.3.1"), hit("1.4", "1.4.1"), status="held")
    assert summary.rows(ledger)[0].status == "held", "a study nobody decided on holds the row again"


def test_dropping_a_row_leaves_no_work(ledger):
    rows.sync(ledger, [("a", 1, "")])
    plan(ledger, hit("1.2", "1.2.1"), status="held")
    rows.settle(ledger, 1, {}, by="anna")
    assert studies.planned(ledger) == []
    assert summary.rows(ledger)[0].status == "dropped"


def test_a_lease_is_exclusive_and_falls_with_its_process(ledger):
    rows.sync(ledger, [("a", 1, "")])
    plan(ledger, hit("1.2", "1.2.1"))
    [key] = keys(ledger)
    mine, other = studies.new_owner(), studies.new_owner()
    assert studies.claim(ledger, key, mine)
    assert studies.claim(ledger, key, mine)
    assert not studies.claim(ledger, key, other)
    studies.release(ledger, key, status="failed", reason="x")
    code = "from pacsflow.ledger import studies; print(studies.new_owner())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert studies.claim(ledger, key, dead)
    assert studies.claim(ledger, key, mine), f"the process of {dead.split('|')[1]} is gone"
    assert os.getpid() != int(dead.split("|")[1])


def test_expected_instances_stay_held_once_held(ledger):
    rows.sync(ledger, [("a", 1, "")])
    plan(ledger, hit("1.2", "1.2.1"))
    [key] = keys(ledger)
    study = studies.study(ledger, key)
    series = study.series[0].key
    studies.expect(ledger, study, [studies.Instance(series, "1.2.1.1"), studies.Instance(series, "1.2.1.2")])
    held = studies.Instance(series, "1.2.1.1", "", "held", "", "x.dcm", 12, "ab")
    studies.note(ledger, study, [held])
    studies.expect(ledger, study, [studies.Instance(series, "1.2.1.1"), studies.Instance(series, "1.2.1.2")])
    assert studies.instances(ledger, key, "held") == [held]
    assert [i.uid for i in studies.instances(ledger, key, "expected")] == ["1.2.1.2"]
    [state] = summary.studies(ledger)[key].series
    assert (state.counts["held"], state.counts["expected"], state.size) == (1, 1, 12)


def test_two_images_that_go_by_one_uid_are_noticed_wherever_they_are(ledger):
    rows.sync(ledger, [("a", 1, "d1"), ("b", 2, "d2")])
    plan(ledger, hit("1.2", "1.2.1", "1.2.2"))
    plan(ledger, hit("1.3", "1.3.1"), row="b")
    uids = {"1.2.1": ["1", "2", "3"], "1.2.2": ["3", "4"], "1.3.1": ["1", "5"]}
    for key in keys(ledger):
        study = studies.study(ledger, key)
        held = [studies.Instance(s.key, uid, status="held") for s in study.series for uid in uids[s.uid]]
        studies.note(ledger, study, held)
        once = summary.doubled(ledger)
    numbers = {studies.study(ledger, key).uid: number for key, number in once.items()}
    assert numbers == {"1.2": 3, "1.3": 1}


def test_traffic_adds_up_by_hour_and_node(ledger, monkeypatch):
    monkeypatch.setattr(traffic, "time", SimpleNamespace(time=lambda: 3600.0 * 500_000 + 59))
    traffic.count(ledger, "main", {"find": 2, "retrievals": 1})
    traffic.count(ledger, "main", {"find": 3})
    traffic.count(ledger, "other", {"find": 1})
    monkeypatch.setattr(traffic, "time", SimpleNamespace(time=lambda: 3600.0 * 500_001))
    traffic.count(ledger, "main", {"bytes": 5_000_000_000})
    assert traffic.total(ledger) == {"find": 6, "retrievals": 1, "bytes": 5_000_000_000}
    hours = [(h.begin.isoformat(), h.node, dict(h.counts)) for h in traffic.by_hour(ledger)]
    assert hours == [
        ("2027-01-15T08:00:00+00:00", "main", {"find": 5, "retrievals": 1}),
        ("2027-01-15T08:00:00+00:00", "other", {"find": 1}),
        ("2027-01-15T09:00:00+00:00", "main", {"bytes": 5_000_000_000}),
    ]


def test_a_ledger_that_counted_all_nodes_together_is_read_and_goes_on(tmp_path):
    place = tmp_path / "old.sqlite"
    old = open_ledger(place, project="p", key=KEY)
    with old.write() as connection:
        for table in (tables.requests, tables.slowings):
            table.drop(connection)
        connection.execute(tables.traffic.insert().values(hour=3, operation="find", number=7))
    old.close()
    ledger = open_ledger(place, project="p", key=KEY)
    traffic.count(ledger, "main", {"find": 1})
    assert [(h.node, h.counts["find"]) for h in traffic.by_hour(ledger)] == [("", 7), ("main", 1)]
    assert traffic.total(ledger) == {"find": 8}
    assert traffic.slowings(ledger) == []
    ledger.close()


def test_when_we_went_slower_is_kept(ledger):
    early, late = (traffic.Slowed(datetime(2026, 11, d, tzinfo=UTC), "main", "silent", 1, 0.5) for d in (1, 2))
    for one in (early, late):
        traffic.note_slowing(ledger, one)
    assert traffic.slowings(ledger) == [early, late]
    assert traffic.slowings(ledger, since=late.at) == [late]


def test_deliveries_add_up(ledger):
    rows.sync(ledger, [("a", 1, "")])
    plan(ledger, hit("1.2", "1.2.1"))
    [key] = keys(ledger)
    delivery = outcomes.Delivery("out", "done", "d", "", (("a/b.dcm", "00", 3),))
    outcomes.note_delivery(ledger, key, delivery)
    assert outcomes.deliveries(ledger, key) == {"out": delivery}
    output = outcomes.Output(studies.study(ledger, key).series[0].key, "refused", "gantry tilt", "dcm2niix")
    outcomes.note_output(ledger, key, output)
    assert [(o.status, o.reason) for o in outcomes.outputs(ledger, key)] == [("refused", "gantry tilt")]
