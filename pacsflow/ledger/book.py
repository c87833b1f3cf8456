"""Opening the ledger: SQLite file or PostgreSQL, one writer at a time, the key checked before anything."""

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError

from pacsflow.errors import KeyMismatchError, LedgerError
from pacsflow.ledger import tables as t
from pacsflow.refs import digest


class Ledger:
    """What was asked, found, fetched, cleaned, converted and exported, and why not.

    The functions of the other modules of this room work on it. Safe to share between threads and processes.
    """

    def __init__(self, engine: sa.Engine, key: bytes) -> None:
        self.engine = engine
        self._key = key

    def digest(self, kind: str, value: str) -> str:
        """Keyed digest by which the ledger names a study, a series or an instance."""
        return digest(self._key, kind, value)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction, alone among the writers."""
        with self.engine.begin() as connection:
            yield connection

    def all(self, query: sa.Executable, values: Mapping[str, Any] | None = None) -> Sequence[sa.Row[Any]]:
        """All rows of a query, read outside a transaction."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return connection.execute(query, values or {}).all()

    def upsert(
        self,
        connection: sa.Connection,
        table: sa.Table,
        records: Iterable[Mapping[str, Any]],
        *,
        adding: Sequence[str] = (),
    ) -> None:
        """Insert, or replace what stands under the same primary key; only the columns given are changed.

        Numbers of the columns `adding` are added to what stands there.
        """
        batch = [dict(r) for r in records]
        if not batch:
            return
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(table)
        keys = [c.name for c in table.primary_key]
        changed: dict[str, Any] = {name: statement.excluded[name] for name in batch[0] if name not in keys}
        changed |= {name: table.c[name] + statement.excluded[name] for name in adding}
        connection.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=changed)
            if changed
            else statement.on_conflict_do_nothing(index_elements=keys),
            batch,
        )

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_ledger(place: Path | str, *, project: str, key: bytes | None) -> Ledger:
    """The project's ledger at a file path or a SQLAlchemy URL; made when absent.

    `key` is the project's key; None where nothing is de-identified, then the ledger keeps a random one.
    Raises KeyMismatchError before anything is written when the key is another one than the ledger was
    begun with, LedgerError when the file is damaged or belongs to another project.
    """
    engine = _engine(place)
    try:
        t.metadata.create_all(engine)
        _grow(engine)
        known = _begin(engine, project=project, key=key)
    except DatabaseError as error:
        engine.dispose()
        raise LedgerError(
            f"the ledger cannot be read ({type(error.orig).__name__})",
            remedy="restore it from a backup, or point workdir to a new folder and run again",
        ) from None
    except Exception:
        engine.dispose()
        raise
    return Ledger(engine, key or bytes.fromhex(known["digest_key"]))


def _grow(engine: sa.Engine) -> None:
    """Add the columns that a ledger begun by an earlier version lacks; they have defaults, so it still reads it."""
    inspector = sa.inspect(engine)
    for table in t.metadata.sorted_tables:
        there = {column["name"] for column in inspector.get_columns(table.name)}
        for column in (c for c in table.columns if c.name not in there):
            text = sa.schema.CreateColumn(column).compile(dialect=engine.dialect)
            with engine.begin() as connection:
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {text}")


def _begin(engine: sa.Engine, *, project: str, key: bytes | None) -> dict[str, str]:
    """Meta data of the ledger, written on first use, checked on every other."""
    check = hmac.new(key, b"pacsflow key check", hashlib.sha256).hexdigest()[:16] if key else "none"
    with engine.begin() as connection:
        known = {row.name: row.value for row in connection.execute(sa.select(t.meta))}
        if not known:
            known = {"version": t.VERSION, "project": project, "key_check": check, "began": str(time.time())}
            known["digest_key"] = "" if key else secrets.token_hex(32)
            connection.execute(sa.insert(t.meta), [{"name": n, "value": v} for n, v in known.items()])
    if known["version"] != t.VERSION:
        raise LedgerError(f"the ledger has version {known['version']}, this pacsflow writes {t.VERSION}")
    if known["project"] != project:
        raise LedgerError("the ledger belongs to another project", remedy="give each project its own workdir")
    if known["key_check"] != check:
        raise KeyMismatchError(
            "the project's key is not the one this ledger was begun with: pseudonyms and UIDs would change",
            remedy="put the former key back; or, for a new key, begin anew in another workdir",
        )
    return known


def setting(ledger: Ledger, name: str, value: str | None = None) -> str | None:
    """A remembered value, as it was before `value` (where given) replaced it."""
    found = ledger.all(sa.select(t.meta.c.value).where(t.meta.c.name == name))
    if value is not None:
        with ledger.write() as connection:
            ledger.upsert(connection, t.meta, [{"name": name, "value": value}])
    return found[0].value if found else None


def _engine(place: Path | str) -> sa.Engine:
    if isinstance(place, str):
        return sa.create_engine(place, pool_pre_ping=True, hide_parameters=True)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(place, os.O_CREAT | os.O_RDWR, 0o600))
    engine = sa.create_engine(f"sqlite:///{place}", connect_args={"timeout": 60}, hide_parameters=True)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_alone)
    return engine


def _begin_alone(connection: sa.Connection) -> None:
    """Writers take the lock at once: a read that turns into a write halfway would be refused by SQLite."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Write-ahead log: readers and one writer do not wait for each other; each commit is on disk."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=60000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def canonical(value: object) -> str:
    """JSON text that is the same for the same value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
