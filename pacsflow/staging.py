"""Files appear under their name only when whole: temporary name, fsync, rename.

The disk is waited for in a thread of its own, so that the network need not wait.
"""

import hashlib
import itertools
import os
import socket
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
Buffer = bytes | memoryview

FILES_AT_ONCE = 64
BYTES_AT_ONCE = 64 << 20
PRIVATE, PUBLIC = 0o600, 0o644
"""Modes of files."""
_IOV_MAX = 1024


@dataclass(frozen=True)
class Written(Generic[T]):
    """A file that is not yet under its name, and what its writer wants to remember of it."""

    descriptor: int
    temporary: Path
    final: Path
    note: T


class Stager(Generic[T]):
    """Writes files in batches; `settled` is told of each batch once it is whole on disk.

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
            for file in batch:
                os.fsync(file.descriptor)
                file.temporary.replace(file.final)
            for folder in {f.final.parent for f in batch}:
                sync(folder)
        finally:
            for file in batch:
                os.close(file.descriptor)
                file.temporary.unlink(missing_ok=True)
        self._settled([f.note for f in batch])

    def close(self) -> None:
        """All that was put is whole on disk and told of, or the first error is raised."""
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
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
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

    Any number of processes may write the same file, but one thread of each.
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
    return f".{name}.{socket.gethostname()}.{process}.part"


def _sweep_dead(halves: Iterable[Path]) -> None:
    """Remove those that processes of this machine were writing that are gone."""
    for half in halves:
        process = half.name.split(".")[-2]
        if process.isdigit() and not _alive(int(process)):
            half.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def sweep(folder: Path) -> None:
    """Remove what a killed process left half-written."""
    for leftover in folder.rglob(".*.part"):
        leftover.unlink(missing_ok=True)
