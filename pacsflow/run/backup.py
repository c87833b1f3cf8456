"""What cannot be fetched again, copied in one state: the ledger, then the vault, which may be newer; the key apart."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from pacsflow.errors import LedgerError, ProjectError
from pacsflow.ledger import Ledger
from pacsflow.ledger.sharing import nobody_at_work
from pacsflow.projects import Project
from pacsflow.run.stores import open_ledger_of
from pacsflow.secrets import project_key, resolve_address
from pacsflow.staging import PRIVATE, sha256, write_text
from pacsflow.system import lock
from pacsflow.version import __version__

RECORD = "backup.json"
_SQLITE, _DUMP = "ledger.sqlite", "ledger.dump"
_BESIDE = ("vault", "place")
"""Files of `private` that a backup holds beside the ledger."""
_PIECE = 1 << 20


def back_up(project: Project, out: Path, *, key_to: Path | None = None) -> dict[str, int]:
    """Write ledger and vault into the new folder `out` (0700): name -> bytes. May be done while a run goes on.

    `key_to`: another place, where the project's key is written (0600). Raises ProjectError, LedgerError, SecretError.
    """
    if out.exists() and any(out.iterdir()):
        raise _mistake("the folder for the backup holds something", "name a new one, with the date in it")
    if key_to and key_to.absolute().is_relative_to(out.absolute()):
        raise _mistake("the key would lie beside what it opens", "give --key-to a place that others keep")
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    private = project.workdir / "private"
    with closing(open_ledger_of(project)) as ledger:
        names = [_copy_ledger(ledger, out)]
    for name in _BESIDE:
        if (private / name).exists():
            _copy_locked(private / name, out / name)
            names.append(name)
    facts = {name: {"bytes": (out / name).stat().st_size, "sha256": _digest(out / name)} for name in names}
    record = {"project": project.settings.name, "made": datetime.now().astimezone().isoformat(), "files": facts}
    write_text(out / RECORD, json.dumps({**record, "pacsflow": __version__}, indent=1), PRIVATE)
    if key_to:
        write_text(key_to, project_key(project.deid).hex(), PRIVATE)
    return {name: (out / name).stat().st_size for name in names}


def restore(project: Project, source: Path) -> list[str]:
    """Put a backup where the project has neither ledger nor vault; the names of what was put there.

    All files are compared with their digests before the first is written. Raises ProjectError, LedgerError.
    """
    names = _checked(project, source)
    private = project.workdir / "private"
    if there := [name for name in (_SQLITE, *_BESIDE) if (private / name).exists()]:
        told = f"the work directory has {', '.join(there)} already"
        raise _mistake(told, "restore into an empty workdir; move aside what is there")
    private.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in sorted(names, key=lambda name: name == _SQLITE):  # the vault first, as it may only be newer
        if name == _DUMP:
            _load(project, source / name)
        else:
            shutil.copyfile(source / name, private / name)
            (private / name).chmod(PRIVATE)
    with closing(open_ledger_of(project, any_copy=True)) as ledger:  # compares the key
        nobody_at_work(ledger)
    return names


def behind(project: Project) -> str:
    """How the ledger is not the one that was written last; empty where it is. Raises as `open_ledger_of`."""
    with closing(open_ledger_of(project, any_copy=True)) as ledger:
        return ledger.behind()


def _checked(project: Project, source: Path) -> list[str]:
    try:
        record = json.loads((source / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _mistake("is not a backup of pacsflow", f"name the folder that has a {RECORD}") from None
    if record["project"] != project.settings.name:
        raise _mistake("the backup is of another project", "name the folder of this project's backup")
    for name, facts in record["files"].items():
        if not (source / name).is_file() or _digest(source / name) != facts["sha256"]:
            raise _mistake(f"{name} of the backup is damaged", "take another backup")
    return list(record["files"])


def _copy_ledger(ledger: Ledger, out: Path) -> str:
    if ledger.engine.dialect.name == "sqlite":
        (out / _SQLITE).touch(PRIVATE)
        with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(out / _SQLITE),))
        return _SQLITE
    with _postgresql(ledger.engine.url) as (address, told):
        _call(["pg_dump", "--format=custom", "--no-owner", f"--file={out / _DUMP}", address], told)
    (out / _DUMP).chmod(PRIVATE)
    return _DUMP


def _load(project: Project, dump: Path) -> None:
    url = sa.make_url(resolve_address(project.settings.ledger))
    with _postgresql(url) as (address, told):
        _call(
            ["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={address}", dump], told
        )


@contextmanager
def _postgresql(url: sa.URL) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Address and environment of PostgreSQL's programs: the password is not among their arguments."""
    plain = url.set(drivername="postgresql")
    address = plain._replace(password=None).render_as_string(hide_password=False)
    yield address, {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}


def _call(command: list[str | Path], told: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(command, env=told, capture_output=True, check=False)
    except FileNotFoundError:
        fix = "install PostgreSQL's client programs, of the server's version or a later one"
        raise LedgerError(f"{command[0]} is not installed", fix=fix) from None
    if done.returncode:
        fix = "look at the server, at the rights of its user, and whether the database is empty, where it is restored"
        raise LedgerError(f"{command[0]} ended with {done.returncode}", fix=fix)


def _copy_locked(file: Path, copy: Path) -> None:
    """Copy a file while no process writes it."""
    copy.touch(PRIVATE, exist_ok=False)
    with file.open("r+b") as source, copy.open("wb") as made:
        lock(source)
        shutil.copyfileobj(source, made)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return sha256(iter(lambda: opened.read(_PIECE), b""))


def _mistake(message: str, fix: str) -> ProjectError:
    return ProjectError.at("backup", message, fix)
