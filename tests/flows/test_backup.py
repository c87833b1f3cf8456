"""A project goes on from its backup as if nothing had been lost: on both engines, and with the key apart."""

import json
import shutil

import pytest

from damage import with_one_bit_changed
from pacsflow.errors import KeyMismatchError, LedgerError, ProjectError
from pacsflow.ledger import summary
from pacsflow.projects import read_project
from pacsflow.run.backup import back_up, restore
from pacsflow.run.checking import accept_ledger
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from project_folder import KEY, write_project
from whole_run import by_uid, delivered, lying

ENV = "PACSFLOW_LEDGER_URL"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, monkeypatch):
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        monkeypatch.setenv(ENV, server.database())
        return lambda: monkeypatch.setenv(ENV, server.database())
    return None


def run(folder):
    with open_session(str(folder), action="run") as opened:
        return run_locally(opened).state, summary.rows(opened.ledger), opened.pseudonyms()


def test_a_project_goes_on_from_its_backup(tmp_path, engine, monkeypatch):
    with lying() as (pacs, node):
        ledger = {"ledger": f"${{env:{ENV}}}"} if engine else {}
        sequential = {"patient": {"source": "sequential", "prefix": "S"}}
        folder = write_project(tmp_path / "p", pacs=node, rows=by_uid(pacs.archive, 2), project=ledger, deid=sequential)
        before = run(folder)
        came, project = delivered(folder), read_project(folder)
        with open_session(str(folder), action="run"):  # a run goes on meanwhile
            sizes = back_up(project, tmp_path / "backup", key_to=tmp_path / "safe" / "key")
        assert set(sizes) == {"ledger.dump" if engine else "ledger.sqlite", "vault", "place"}
        assert (tmp_path / "safe" / "key").read_text() == KEY
        assert KEY.encode() not in b"".join(file.read_bytes() for file in (tmp_path / "backup").iterdir())
        assert {file.stat().st_mode & 0o777 for file in (tmp_path / "backup").iterdir()} == {0o600}
        with pytest.raises(ProjectError, match=r"has .*vault.* already"):
            restore(project, tmp_path / "backup")
        shutil.rmtree(tmp_path / "data" / "private")
        if engine:
            engine()
        assert set(restore(project, tmp_path / "backup")) == set(sizes)
        retrievals = pacs.counts["gets"]
        with pytest.raises(LedgerError, match="older copy"):  # the run that went on ended since
            run(folder)
        assert "the last 1 of its" in accept_ledger(project, by="me")
        assert run(folder) == before
        assert (delivered(folder), pacs.counts["gets"]) == (came, retrievals)


def test_what_is_wrong_with_a_backup_is_told_and_nothing_is_written(tmp_path):
    with lying() as (pacs, node):
        folder = write_project(tmp_path / "p", pacs=node, rows=by_uid(pacs.archive, 1))
        run(folder)
    project, backup = read_project(folder), tmp_path / "backup"
    with pytest.raises(ProjectError, match="beside what it opens"):
        back_up(project, backup, key_to=backup / "key")
    back_up(project, backup)
    with pytest.raises(ProjectError, match="holds something"):
        back_up(project, backup)
    shutil.rmtree(tmp_path / "data" / "private")
    with pytest.raises(ProjectError, match="not a backup"):
        restore(project, tmp_path)
    kept = (backup / "vault").read_bytes()
    (backup / "vault").write_bytes(with_one_bit_changed(kept, -2))
    with pytest.raises(ProjectError, match="vault of the backup is damaged"):
        restore(project, backup)
    assert not (tmp_path / "data" / "private").exists()
    (backup / "vault").write_bytes(kept)
    record = json.loads((backup / "backup.json").read_text())
    (backup / "backup.json").write_text(json.dumps({**record, "project": "other"}))
    with pytest.raises(ProjectError, match="of another project"):
        restore(project, backup)
    (backup / "backup.json").write_text(json.dumps(record))
    (tmp_path / "key").write_text("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752")
    with pytest.raises(KeyMismatchError):
        restore(project, backup)


def test_without_postgresqls_programs_the_backup_says_what_to_install(tmp_path, postgresql, monkeypatch):
    monkeypatch.setenv(ENV, postgresql.database())
    node = {"port": 1, "called_aet": "A"}
    rows, ledger = [{"id": "a", "PatientID": "1"}], {"ledger": f"${{env:{ENV}}}"}
    folder = write_project(tmp_path / "p", pacs=node, rows=rows, project=ledger)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LedgerError, match="pg_dump is not installed"):
        back_up(read_project(folder), tmp_path / "backup")
