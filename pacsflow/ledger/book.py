"""Opening the ledger: SQLite file or PostgreSQL, one writer at a time, the key checked before anything."""

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from pacsflow.errors import KeyMismatchError, LedgerError
from pacsflow.extras import install
from pacsflow.ledger import anchor
from pacsflow.ledger import tables as t
from pacsflow.refs import digest

KINDS = ("sqlite", "postgresql")
_SECONDS_FOR_WAL = 60.0
_FIRST_VERSION = "1"


class Ledger:
    """What was asked, found, fetched, cleaned, converted and exported, and why not.

    The functions of the other modules of this room work on it. Safe to share between threads and processes.
    """

    def __init__(self, engine: sa.Engine, key: bytes, anchored: Path | None = None) -> None:
        """`anchored`: the file outside the ledger that tells how far it went."""
        self.engine = engine
        self._key, self._anchored = key, anchored
        self._lock, self._owed = threading.Lock(), Counter[tuple[int, str, str]]()

    def digest(self, kind: str, value: str) -> str:
        """Keyed digest by which the ledger names a study, a series or an instance."""
        return digest(self._key, kind, value)

    def series_key(self, study_uid: str, series_uid: str) -> str:
        """Keyed digest of a series; of study and series UID, as careless devices use a series UID twice."""
        return self.digest("series", f"{study_uid}|{series_uid}")

    @contextmanager
    def write(self, *, alone: bool = True, lasting: bool = False) -> Iterator[sa.Connection]:
        """A transaction, alone among the writers: what is read in it stays so until it ends.

        `alone=False` is for a transaction that decides by nothing it has read before: on PostgreSQL such ones do not
        wait for each other. They change rows in one order, so that none of two waits for the other for ever.
        `lasting` is for what no later run would find out by itself: when it ends it is on disk, whatever becomes of
        the power, and a ledger without it is noticed when it is opened. Of the others a loss of power may take back
        the last ones, all or none of each.
        """
        owed: Counter[tuple[int, str, str]] = Counter()
        reached = anchor.Anchor()
        try:
            with self.engine.connect() as connection, connection.execution_options(lasting=lasting).begin():
                if alone or lasting:
                    keep_others_out(connection)
                yield connection
                owed = self._owing()
                self._add(connection, owed)
                if lasting:
                    reached = anchor.advance(connection)
        except BaseException:
            self.add_later(owed)
            raise
        if lasting and self._anchored:
            anchor.keep(self._anchored, reached)

    def reached(self) -> anchor.Anchor:
        """How far the ledger went, as is known outside it."""
        return anchor.read(self._anchored) if self._anchored else anchor.Anchor()

    def behind(self) -> str:
        """How this is not the ledger that was written last; empty where it is, as far as is known."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return anchor.behind(connection, self.reached())

    def accept(self) -> None:
        """Go on with a ledger that is behind; the next lasting change says so outside it."""
        with self.write() as connection:
            anchor.accept(connection, self.reached())

    def add_later(self, records: Mapping[tuple[int, str, str], int]) -> None:
        """Numbers that the next transaction, whatever it is, adds to `requests`: (hour, node, operation) -> number."""
        with self._lock:
            self._owed.update(records)

    def settle_up(self) -> None:
        """Write what `add_later` was told, where no transaction has done so yet."""
        if self._owed:
            with self.write(alone=False):
                pass

    def _owing(self) -> Counter[tuple[int, str, str]]:
        with self._lock:
            owed, self._owed = self._owed, Counter()
        return owed

    def _add(self, connection: sa.Connection, owed: Mapping[tuple[int, str, str], int]) -> None:
        """As the last thing of a transaction: who holds these records waits for nobody."""
        records = [
            {"hour": hour, "node": node, "operation": what, "number": number}
            for (hour, node, what), number in sorted(owed.items())
        ]
        self.upsert(connection, t.requests, records, adding=("number",))

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
        """Insert, or replace the record with the same primary key; only the columns given are changed.

        Numbers of the columns `adding` are added to those of that record.
        """
        batch = [dict(r) for r in records]
        if not batch:
            return
        dialect: Any = import_module(f"sqlalchemy.dialects.{self.engine.dialect.name}")  # the one that is used alone
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
        with suppress(sa.exc.SQLAlchemyError):  # counts of requests, and who closes has told of a broken ledger
            self.settle_up()
        self.engine.dispose()


def open_ledger(
    place: Path | str, *, project: str, key: bytes | None, anchored: Path | None = None, any_copy: bool = False
) -> Ledger:
    """The project's ledger at a file path or a SQLAlchemy URL; made when absent.

    `anchored`: the file outside it that tells how far it went; `any_copy`: open one that did not go as far, too.

    `key` is the project's key; None where nothing is de-identified, then the ledger keeps a random one.
    Raises KeyMismatchError before anything is written when the key is another one than the ledger was
    begun with, LedgerError when the file is damaged, is an older copy, belongs to another project or is of a later
    version.
    """
    if not any_copy and anchored and isinstance(place, Path) and not place.exists() and anchor.read(anchored).mark:
        raise _older("it is missing")
    try:
        engine = _engine(place)
    except (ArgumentError, ImportError, OSError, ValueError) as error:
        raise _not_opened(error) from None
    try:
        _check_whole(engine)
        with engine.begin() as connection:
            keep_others_out(connection)
            t.metadata.create_all(connection)
            _grow(connection)
            known = _begin(connection, project=project, key=key)
    except DatabaseError as error:
        engine.dispose()
        raise ledger_error(error) from None
    except Exception:
        engine.dispose()
        raise
    ledger = Ledger(engine, key or bytes.fromhex(known["digest_key"]), anchored)
    if not any_copy and (wrong := ledger.behind()):
        ledger.close()
        raise _older(wrong)
    return ledger


def _older(wrong: str) -> LedgerError:
    return LedgerError(f"the ledger is not as it was left: {wrong}", fix=OLDER_FIX)


OLDER_FIX = (
    "put the newest copy of the ledger back; where there is none, `pacsflow check PROJECT --accept-ledger` goes on "
    "with this one: what was decided, withdrawn, fetched and delivered since it was made is not known to it"
)
"""What to do about a ledger that is not the one that was written last."""
_FIXES = {
    "busy": "wait for the program that has it open to end, then run again; nothing is lost",
    "full": "make room on its disk, then run again; nothing is lost",
    "rights": "look at the rights of its file and folder, and whether its disk can be written to",
    "damaged": "restore it from a backup, or point workdir to a new folder and run again",
}
_SAYS = {
    "busy": "the ledger is in use by another program",
    "full": "the disk of the ledger is full",
    "rights": "the ledger cannot be written to",
    "damaged": "the ledger cannot be read, it is damaged",
}
_KINDS = {
    "BUSY": "busy", "LOCKED": "busy", "FULL": "full", "READONLY": "rights", "CANTOPEN": "rights", "PERM": "rights",
    "AUTH": "rights", "CORRUPT": "damaged", "NOTADB": "damaged", "FORMAT": "damaged", "IOERR": "rights",
}  # fmt: skip
"""SQLite's own names (sqlite.org/rescode.html), without what follows in extended ones."""


def ledger_error(error: DatabaseError) -> LedgerError:
    """What is wrong with a ledger's file or server; the statement and its values are not repeated."""
    name = str(getattr(error.orig, "sqlite_errorname", "")).removeprefix("SQLITE_").partition("_")[0]
    if kind := _KINDS.get(name):
        return LedgerError(f"{_SAYS[kind]} ({name})", fix=_FIXES[kind])
    if isinstance(error, OperationalError):
        return LedgerError(
            f"the ledger's database does not let us in ({type(error.orig).__name__})",
            fix="look whether it runs, and at host, port, user, password and database in the ledger's address",
        )
    return LedgerError(f"the ledger cannot be used ({type(error.orig).__name__})", fix="look at its server and URL")


def _not_opened(error: Exception) -> LedgerError:
    """Why a ledger's address leads nowhere. It may hold a password, and is not repeated."""
    if isinstance(error, ImportError):
        return LedgerError(
            f"the ledger's database needs a driver that is not installed ({type(error).__name__})",
            fix=install("psycopg"),
        )
    if isinstance(error, OSError):
        return LedgerError(f"the ledger cannot be opened: {error.strerror}", fix=_FIXES["rights"])
    told = "the ledger's address does not lead to a database of a kind that pacsflow knows"
    return LedgerError(told, fix="ledger: sqlite, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE")


def _check_whole(engine: sa.Engine) -> None:
    """Raise LedgerError where a SQLite file has pages that are damaged; it would be used without noticing."""
    if engine.dialect.name == "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if said != "ok":
            raise LedgerError(f"{_SAYS['damaged']} (quick_check)", fix=_FIXES["damaged"])


def keep_others_out(connection: sa.Connection) -> None:
    """Wait until no other writer is at this ledger, and be the only one until the transaction ends.

    SQLite has one writer at a time anyway. Tables do not lock each other's readers for this.
    """
    if connection.dialect.name == "postgresql":
        place = sa.func.hashtext(sa.literal("pacsflow ledger ") + sa.func.coalesce(sa.func.current_schema(), ""))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(place)))


def _grow(connection: sa.Connection) -> None:
    """Rename and add columns, where an earlier version began the ledger; its rows stay as they are."""
    inspector = sa.inspect(connection)
    for table in t.metadata.sorted_tables:
        there = {column["name"] for column in inspector.get_columns(table.name)}
        there = _renamed(connection, table.name, there)
        for column in (c for c in table.columns if c.name not in there):
            text = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {text}")


def _renamed(connection: sa.Connection, table: str, there: set[str]) -> set[str]:
    """Give the columns of version 1 the names of `tables.RENAMED`; returns the names of all columns afterwards."""
    old_names = {old: new for old, new in t.RENAMED.get(table, {}).items() if old in there and new not in there}
    quoted = connection.dialect.identifier_preparer.quote_identifier  # `by` is a word of SQL
    for old, new in old_names.items():
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME COLUMN {quoted(old)} TO {quoted(new)}")
    return {old_names.get(name, name) for name in there}


def _begin(connection: sa.Connection, *, project: str, key: bytes | None) -> dict[str, str]:
    """Meta data of the ledger, written on first use, checked on every other."""
    check = hmac.new(key, b"pacsflow key check", hashlib.sha256).hexdigest()[:16] if key else "none"
    known = {row.name: row.value for row in connection.execute(sa.select(t.meta))}
    if not known:
        known = {"version": t.VERSION, "project": project, "key_check": check, "began": str(time.time())}
        known["digest_key"] = "" if key else secrets.token_hex(32)
        connection.execute(sa.insert(t.meta), [{"name": n, "value": v} for n, v in known.items()])
    if known["version"] == _FIRST_VERSION:  # `_grow` has renamed its columns
        connection.execute(sa.update(t.meta).where(t.meta.c.name == "version").values(value=t.VERSION))
    elif known["version"] != t.VERSION:
        raise LedgerError(
            f"the ledger has version {known['version']}, this pacsflow writes {t.VERSION}",
            fix="use the pacsflow that wrote it last, or a later one",
        )
    if known["project"] != project:
        raise LedgerError("the ledger belongs to another project", fix="give each project its own workdir")
    if known["key_check"] != check:
        raise KeyMismatchError(
            "the project's key is not the one this ledger was begun with: pseudonyms and UIDs would change",
            fix="put the former key back; or, for a new key, start in another workdir",
        )
    return known


def setting(ledger: Ledger, name: str, value: str | None = None) -> str | None:
    """A remembered value, as it was before `value` (where given) replaced it."""
    query = sa.select(t.meta.c.value).where(t.meta.c.name == name)
    if value is None:
        found = ledger.all(query)
        return found[0].value if found else None
    with ledger.write() as connection:
        before = connection.execute(query).scalar()
        remember(ledger, connection, name, value)
    return before


def recall(connection: sa.Connection, name: str) -> str | None:
    """A remembered value, read within a transaction."""
    found = connection.execute(sa.select(t.meta.c.value).where(t.meta.c.name == name)).scalar()
    return None if found is None else str(found)


def remember(ledger: Ledger, connection: sa.Connection, name: str, value: str) -> None:
    """Write a value down within a transaction, see `setting`."""
    ledger.upsert(connection, t.meta, [{"name": name, "value": value}])


def agreed(ledger: Ledger, name: str, value: str) -> str:
    """The value that is remembered under a name: `value` where none was; of several processes the first decides."""
    query = sa.select(t.meta.c.value).where(t.meta.c.name == name)
    with ledger.write() as connection:
        before = connection.execute(query).scalar()
        if before is None:
            ledger.upsert(connection, t.meta, [{"name": name, "value": value}])
    return value if before is None else str(before)


def _engine(place: Path | str) -> sa.Engine:
    """Raises ArgumentError, ValueError for what is not an address; ImportError where the driver is not installed."""
    if isinstance(place, str):
        engine = sa.create_engine(_with_driver(place), pool_pre_ping=True, hide_parameters=True)
        if engine.dialect.name not in KINDS or engine.dialect.is_async:
            raise ArgumentError("the ledger speaks to SQLite and PostgreSQL, and waits for their answers")
    else:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not place.is_file():
            # never of a file that is there: closing it would take the locks of all connections of this process
            # (fcntl(2)), and another process would take itself for the last one and delete the write-ahead log
            os.close(os.open(place, os.O_CREAT | os.O_RDWR, 0o600))
            from pacsflow.staging import sync

            sync(place.parent)
        engine = sa.create_engine(f"sqlite:///{place}", connect_args={"timeout": 60}, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_alone)
    return engine


def _with_driver(place: str) -> sa.URL:
    """The address, its driver named: `postgresql://` and `postgres://` mean the one that pacsflow comes with."""
    url = sa.make_url(place)
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgres", "postgresql") else url


def _begin_alone(connection: sa.Connection) -> None:
    """Writers take the lock at once: a read that turns into a write halfway would be refused by SQLite."""
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get('lasting') else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Write-ahead log: readers and one writer do not wait for each other; `Ledger.write` says what is on disk when."""
    cursor = connection.cursor()
    for pragma in ("busy_timeout=60000", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    end = time.monotonic() + _SECONDS_FOR_WAL
    while True:  # the change to WAL does not wait for others that open the file at this moment
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > end:
                raise
            time.sleep(0.05)
    cursor.close()


def canonical(value: object) -> str:
    """JSON text that is the same for the same value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
