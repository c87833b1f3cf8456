"""What a project keeps and what it delivered, looked at months later: each lost or changed piece is named."""

import json
import re
import shutil
import sqlite3
from contextlib import closing, suppress

import pytest
import sqlalchemy as sa
import typer

from damage import with_one_bit_changed
from pacsflow.cli.check import audit, check, trail
from pacsflow.cli.select import select
from pacsflow.cli.settle import approve
from pacsflow.cli.vault import accept, export
from pacsflow.cli.withdraw import withdraw
from pacsflow.errors import LedgerError, WorkLeftError
from pacsflow.ledger import open_ledger, outcomes, setting, studies
from pacsflow.projects import read_project
from pacsflow.run.auditing import audited
from pacsflow.run.people.decisions import ledger_of
from pacsflow.run.stores import key_of
from pacsflow.run.vaults import noted
from pacsflow.vault import Link, Vault
from whole_run import lying, project, run_once


@pytest.fixture
def delivered(tmp_path, monkeypatch):
    monkeypatch.setenv("PACSFLOW_TEST_PARCEL", "a password")
    targets = [
        {"kind": "folder", "path": "${project.workdir}/out"},
        {"kind": "archive", "path": "${project.workdir}/parcels", "password": "${env:PACSFLOW_TEST_PARCEL}"},
        {"kind": "dicomdir", "path": "${project.workdir}/sets"},
    ]
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, export={"targets": targets})
        run_once(folder, pacs)
        yield folder, pacs


def said(capsys, command, *words, **options):
    """What a command prints, and whether it found anything wrong."""
    capsys.readouterr()
    try:
        command(*words, **options)
    except WorkLeftError as left:
        return capsys.readouterr().out + str(left), False
    except typer.Exit as ended:  # after an answer for scripts
        return capsys.readouterr().out, ended.exit_code == 0
    return capsys.readouterr().out, True


def studies_of(folder):
    with ledger_of(folder) as ledger:
        return [plan.key for plan in studies.planned(ledger)]


def images(root):
    return sorted(
        p for p in root.rglob("*") if p.is_file() and not {".pacsflow"} & set(p.parts) and "part" not in p.name
    )


def test_a_lost_and_a_changed_file_are_named_at_each_target(delivered, tmp_path, capsys):
    folder, _ = delivered
    assert said(capsys, audit, folder)[1]
    lost, changed = images(tmp_path / "data" / "out")[:2]
    lost.unlink()
    content = changed.read_bytes()
    changed.unlink()
    changed.write_bytes(with_one_bit_changed(content, -1))
    parcel = images(tmp_path / "data" / "parcels")[0]
    parcel.write_bytes(parcel.read_bytes() + b"x")
    images(tmp_path / "data" / "sets")[0].unlink()
    told, fine = said(capsys, audit, folder)
    assert not fine
    assert "missing: " + str(lost.relative_to(tmp_path / "data" / "out")) in told
    assert "changed: " + str(changed.relative_to(tmp_path / "data" / "out")) in told
    assert f"changed: {parcel.name}" in told
    assert told.count(": missing: ") == told.count(": changed: ") == 2
    told, fine = said(capsys, audit, folder, as_json=True)
    assert not fine
    assert [one["fine"] for one in json.loads(told)["targets"]] == [False] * 3
    told, fine = said(capsys, check, folder)
    assert not fine
    assert re.search(r"pacsflow audit \S+ names them", told)


def test_a_target_that_cannot_be_asked_is_never_called_well(delivered):
    folder, _ = delivered
    opened = read_project(folder)
    with ledger_of(folder) as ledger:
        key = studies.planned(ledger)[0].key
        gone = {"kind": "folder", "path": "/nowhere/at/all"}
        silent = {"kind": "dicom", "host": "127.0.0.1", "port": 1, "called_aet": "X", "query_back": False}
        for name, settings in (("gone", gone), ("silent", silent), ("AE X", None), ("old", None)):
            delivery = outcomes.Delivery(name, "done", "d", files=[("a/b/c", "0" * 64, 1)], settings=settings)
            outcomes.note_delivery(ledger, key, delivery)
        found = {one.target: one for one in audited(opened, ledger)}
    assert not any(found[name].fine for name in ("gone", "silent", "AE X", "old"))
    assert found["gone"].missing or found["gone"].why


def test_staging_that_lost_images_is_named_and_fetched_again(delivered, tmp_path, capsys):
    folder, pacs = delivered
    assert said(capsys, check, folder)[1]
    lost, changed, *_ = images(tmp_path / "data" / "staging")
    lost.unlink()
    changed.unlink()
    changed.write_bytes(b"x")
    told, fine = said(capsys, check, folder, no_targets=True)
    assert not fine
    assert f"missing: {lost.relative_to(tmp_path / 'data' / 'staging')}" in told
    assert f"changed: {changed.relative_to(tmp_path / 'data' / 'staging')}" in told
    assert "2 images" in said(capsys, check, folder, fetch_again=True)[0]
    told = run_once(folder, pacs)
    assert told.counts["sent"] <= 4, "only these, or their series"
    assert said(capsys, check, folder)[1]


def test_a_vault_that_lost_a_line_stops_a_run_and_may_be_accepted(delivered, tmp_path, capsys):
    folder, pacs = delivered
    vault = tmp_path / "data" / "private" / "vault"
    whole = vault.read_bytes()
    opened = read_project(folder)
    with ledger_of(folder) as ledger:
        assert Vault(vault, key_of(opened)).head == noted(opened, ledger)
    for broken in (whole[: whole.rfind(b"\n", 0, -1) + 1], b"", whole.replace(whole[40:41], b"*", 1)):
        vault.write_bytes(broken)
        told, fine = said(capsys, check, folder, no_targets=True)
        assert not fine
        assert "missing" in told or "cannot be read" in told
        with pytest.raises(LedgerError, match="vault"):
            run_once(folder, pacs)
    accept(folder)
    assert said(capsys, check, folder)[1]
    assert (vault.parent / f"vault.damaged-{next(vault.parent.glob('vault.damaged-*')).name[-12:]}").exists()
    run_once(folder, pacs)
    assert "accept vault" in said(capsys, trail, folder)[0]


def test_an_older_ledger_is_told_before_anything_is_asked_or_delivered_and_may_be_accepted(delivered, tmp_path, capsys):
    folder, pacs = delivered
    place = tmp_path / "data" / "private" / "ledger.sqlite"
    with closing(sqlite3.connect(place)) as book, closing(sqlite3.connect(tmp_path / "copy")) as copy:
        book.backup(copy)
    with suppress(WorkLeftError):
        withdraw(folder, study=studies_of(folder)[0])
    assert "withdraw" in said(capsys, trail, folder)[0]
    for ending in ("-wal", "-shm"):
        place.with_name(place.name + ending).unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "copy", place)
    asked = dict(pacs.counts)
    for command in (run_once, lambda *_: said(capsys, trail, folder), lambda *_: said(capsys, audit, folder)):
        with pytest.raises(LedgerError, match="older copy"):
            command(folder, pacs)
    told, fine = said(capsys, check, folder)
    assert not fine
    assert "older copy" in told
    assert dict(pacs.counts) == asked
    told, fine = said(capsys, check, folder, accept_ledger=True, no_targets=True)
    assert "accepted" in told
    assert not fine, "what was withdrawn is not in staging, though this ledger says so"
    said(capsys, check, folder, fetch_again=True)
    run_once(folder, pacs)
    assert "accept ledger" in said(capsys, trail, folder)[0]
    told, fine = said(capsys, check, folder)
    assert "ledger's age: is the one that was written last" in told
    assert not fine, "what was withdrawn from targets is named, and was not delivered again in silence"


def test_what_can_be_read_of_a_damaged_vault_is_exported(delivered, tmp_path, capsys):
    folder, _ = delivered
    vault = tmp_path / "data" / "private" / "vault"
    Vault(vault, key_of(read_project(folder))).record(Link("another", "", "OTHER", 0))
    whole = vault.read_bytes()
    vault.write_bytes(with_one_bit_changed(whole, -20))
    told, fine = said(capsys, export, folder, tmp_path / "links.csv")
    assert not fine
    assert "what can be read is written" in told
    assert len((tmp_path / "links.csv").read_text().splitlines()) > 1


def test_who_decided_what_is_on_the_trail_and_changes_of_it_are_noticed(delivered, tmp_path, capsys):
    folder, pacs = delivered
    approve(folder)
    select(folder, take=["*"], only=None, drop=None)
    export(folder, tmp_path / "links.csv")
    withdraw(folder, "r0")
    told, fine = said(capsys, trail, folder)
    assert fine
    acts = json.loads(said(capsys, trail, folder, as_json=True)[0])["acts"]
    assert [one["action"] for one in acts] == ["approve", "select", "export", "settle", "withdraw"]
    assert all(one["by"] and one["at"] for one in acts)
    for study in pacs.archive.studies.values():
        assert study.attributes["PatientID"] not in told
        assert study.attributes["StudyInstanceUID"] not in told
    assert said(capsys, check, folder, no_targets=True)[1]
    place = tmp_path / "data" / "private" / "ledger.sqlite"
    for statement in ("UPDATE acts SET acted_by = 'another' WHERE number = 2", "DELETE FROM acts WHERE number = 1"):
        with closing(sqlite3.connect(place)) as connection, connection:
            connection.execute(statement)
        told, fine = said(capsys, check, folder, no_targets=True)
        assert not fine
        assert "audit trail: was changed at act 2" in told


def test_a_persons_decision_is_on_disk_before_it_is_told(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite", project="p", key=b"k" * 32)
    seen = []

    def commit(connection):
        seen.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())

    sa.event.listen(ledger.engine, "commit", commit)
    setting(ledger, "a", "b")
    with ledger.write(lasting=True):
        pass
    setting(ledger, "a", "c")
    ledger.close()
    assert seen == [1, 2, 1], "NORMAL, FULL, NORMAL"
