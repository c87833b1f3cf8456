"""Files appear under their name only when whole: temporary name, fsync, rename.

The disk is waited for in a thread of its own, so that the network need not wait.
"""

import glob
import hashlib
import itertools
import os
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from pacsflow.processes import process_space

T = TypeVar("T")
Buffer = bytes | memoryview

FILES_AT_ONCE = 64
BYTES_AT_ONCE = 64 << 20
SYNCED_AT_ONCE = 16
"""Files that are waited for by as many threads."""
PRIVATE, PUBLIC = 0o600, 0o644
"""Modes of files."""
SECONDS_LEFT_ALONE = 24 * 3600.0
"""So long a half-written file stays of which it cannot be seen whether its writer lives."""
_IOV_MAX = 1024
_STAGED = re.compile(r"\.[0-9a-f]{32}(-\d+)?\.part")
_HALF_NAME = re.compile(r"\.[0-9a-f]{16}\..+\.\d+\.part")
"""Names of what is half-written, which no other file has: no other is ever swept away."""


@dataclass(frozen=True)
class Written(Generic[T]):
    """A file that is not yet under its name, and what its writer wants to remember of it."""

    descriptor: int
    temporary: Path
    final: Path
    note: T


class Stager(Generic[T]):
    """Writes files in batches; `settled` is called with each batch once it is whole on disk.

    `put` belongs to one thread. Errors of the disk (OSError) come from `put` or when the stager closes.
    """

    def __init__(self, settled: Callable[[list[T]], None], *, mode: int = 0o600) -> None:
        self._settled, self._mode = settled, mode
        self._batch: list[Written[T]] = []
        self._bytes = 0
        self._folders: set[Path] = set()
        self._name, self._number = uuid.uuid4().hex, itertools.count()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="staging")
        self._pending: list[Future[None]] = []

    def put(
        self, path: Path, parts: Sequence[Buffer], note: Callable[[int, str], T], *, rest: Iterable[Buffer] = ()
    ) -> None:
        """Write `parts` and `rest` one after the other; `note` makes the remembered fact of size in bytes and sha256.

        Where `rest` raises, nothing is left of the file.
        """
        if path.parent not in self._folders:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._folders.add(path.parent)
        temporary = path.with_name(f".{self._name}-{next(self._number)}.part")
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, self._mode)
        try:
            size, digest = write_hashed(descriptor, parts, rest)
            fact = note(size, digest)
        except BaseException:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
        self._batch.append(Written(descriptor, temporary, path, fact))
        self._bytes += size
        if len(self._batch) >= FILES_AT_ONCE or self._bytes >= BYTES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        batch, self._batch, self._bytes = self._batch, [], 0
        if batch:
            self._pending.append(self._pool.submit(self._settle, batch))

    def _settle(self, batch: list[Written[T]]) -> None:
        try:
            sync_all([file.descriptor for file in batch])
            for file in batch:
                file.temporary.replace(file.final)
            sync_folders({file.final.parent for file in batch})
        finally:
            for file in batch:
                os.close(file.descriptor)
                file.temporary.unlink(missing_ok=True)
        self._settled([f.note for f in batch])

    def close(self) -> None:
        """All that was put is whole on disk and reported, or the first error is raised."""
        self._flush()
        self._pool.shutdown(wait=True)
        for future in self._pending:
            future.result()


@contextmanager
def staging(settled: Callable[[list[T]], None], *, mode: int = 0o600) -> Iterator[Stager[T]]:
    """A stager that is closed at the end, whatever happens: what came whole before an error is kept.

    `mode` of the files is taken less the process's umask.
    """
    stager: Stager[T] = Stager(settled, mode=mode)
    try:
        yield stager
    except BaseException:
        with suppress(OSError):
            stager.close()
        raise
    else:
        stager.close()


def write_all(descriptor: int, parts: Sequence[Buffer]) -> int:
    """Write all parts by writev; the number of bytes."""
    todo = [memoryview(p).cast("B") for p in parts if len(p)]
    size = sum(p.nbytes for p in todo)
    while todo:
        done = os.writev(descriptor, todo[:_IOV_MAX])
        while todo and done >= todo[0].nbytes:
            done -= todo.pop(0).nbytes
        if done:
            todo[0] = todo[0][done:]
    return size


def write_hashed(descriptor: int, parts: Sequence[Buffer], rest: Iterable[Buffer]) -> tuple[int, str]:
    """Write parts that are at hand, then what comes; number of bytes, and their SHA-256 in hexadecimal."""
    size, digest = write_all(descriptor, parts), hashlib.sha256()
    for part in parts:
        digest.update(part)
    for piece in rest:
        size += write_all(descriptor, (piece,))
        digest.update(piece)
    return size, digest.hexdigest()


def sha256(parts: Iterable[Buffer]) -> str:
    """SHA-256 of the parts, one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def sync(place: Path) -> None:
    """Have the content of a file, or the names in a folder, on disk."""
    if place.is_dir() and not hasattr(os, "O_DIRECTORY"):  # Windows opens no folders
        return
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def _syncers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(SYNCED_AT_ONCE, thread_name_prefix="fsync")


def sync_all(descriptors: Iterable[int]) -> None:
    """Have several files on disk. Raises OSError, when all are done.

    They are waited for at once: a journal commits together what waits for it, and one after the other each waits for
    a commit of its own, which takes eight times as long.
    """
    given = list(descriptors)
    waiting = [
        _syncers().submit(_sync_each, given[first::SYNCED_AT_ONCE]) for first in range(SYNCED_AT_ONCE)[: len(given)]
    ]
    wait(waiting)
    for each in waiting:
        each.result()


def _sync_each(descriptors: Iterable[int]) -> None:
    """One after the other; raises the first OSError when all are done."""
    failed: OSError | None = None
    for descriptor in descriptors:
        try:
            os.fsync(descriptor)
        except OSError as error:
            failed = failed or error
    if failed:
        raise failed


def sync_folders(folders: Iterable[Path]) -> None:
    """Have the names in several folders on disk."""
    descriptors: list[int] = []
    try:
        descriptors.extend(os.open(folder, os.O_RDONLY) for folder in folders)
        sync_all(descriptors)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


@contextmanager
def whole_file(path: Path, mode: int) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place, on disk and with `mode`, when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with half_beside(path, mode) as half:
        yield half
        sync(half)
        half.replace(path)
        sync(path.parent)


def write_text(path: Path, text: str, mode: int) -> Path:
    """Write `text` as UTF-8, whole or not at all; `path`."""
    with whole_file(path, mode) as half:
        half.write_text(text, encoding="utf-8")
    return path


@contextmanager
def half_beside(path: Path, mode: int) -> Iterator[Path]:
    """An empty file beside `path`, gone at the end. What killed processes left of theirs for `path` goes first.

    Any number of processes may write the same file, but one thread of each. Of those of another container or a former
    start of this machine, which cannot be looked at, those go that are a day old.
    """
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]  # the whole of it might be too long
    half = path.with_name(_half(name, str(os.getpid())))
    _sweep_dead(path.parent.glob(_half(name, "*")))
    half.unlink(missing_ok=True)
    half.touch(mode, exist_ok=False)
    half.chmod(mode)
    try:
        yield half
    finally:
        half.unlink(missing_ok=True)


def sweep_halves(tree: Path) -> None:
    """Remove what killed processes left of their `half_beside` anywhere below `tree`: it may be identifying."""
    _sweep_dead(tree.rglob(_half("*", "*")))


def _half(name: str, process: str) -> str:
    host = socket.gethostname() if process != "*" else glob.escape(socket.gethostname())
    return (
        f".{name}.{host}.{process_space() or 'unknown'}.{process}.part" if process != "*" else f".{name}.{host}.*.part"
    )


def _sweep_dead(halves: Iterable[Path]) -> None:
    """Remove those that processes of this machine were writing that are gone."""
    for half in halves:
        space, process = half.name.split(".")[-3:-1]
        if not _HALF_NAME.fullmatch(half.name) or not process.isdigit():
            continue
        dead = not _alive(int(process)) if space == process_space() else _age(half) > SECONDS_LEFT_ALONE
        if dead:
            half.unlink(missing_ok=True)


def _age(path: Path) -> float:
    """Seconds since a file was changed; 0 where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def sweep(folder: Path) -> None:
    """Remove what a killed process left half-written of what a `Stager` or `appearing` writes; no other name."""
    for leftover in folder.rglob(".*.part"):
        if _STAGED.fullmatch(leftover.name):
            leftover.unlink(missing_ok=True)
