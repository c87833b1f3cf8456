"""Processes in which `deid` runs the lines that take an instance's values, and functions of a user's own.

A process gets the header of one instance after the other, never pixel data, the key or the environment's secrets. One
that crashes, hangs or fails refuses its instance; one that has done its number is replaced by a new one.
"""

import json
import os
import queue
import select
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from weakref import finalize

from pacsflow.children import start_child
from pacsflow.errors import RefusalError

AT_MOST: Final = 500
"""Instances of one process."""
SECONDS: Final = 60.0
"""For one instance."""
_STARTING: Final = 120.0
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV")
_LENGTH: Final = struct.Struct("<cI")
_PIECE: Final = 1 << 16


@dataclass(frozen=True)
class Job:
    """What a process is told once: lines and lists in `deid`'s own form, the user's functions as text."""

    header: list[dict[str, str]]
    keep: list[str]
    exempt: list[str]
    values: Mapping[str, list[dict[str, str]]]
    fields: Mapping[str, list[dict[str, str]]]
    code: str = ""
    functions: list[str] | None = None


class _RecipeProcess:
    """One process."""

    def __init__(self, job: Job, seconds: float) -> None:
        self.left = AT_MOST
        self._seconds = seconds
        env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._place = tempfile.TemporaryDirectory(prefix="recipe-")
        words = ("pacsflow.deid.recipe.worker_process", str(int(seconds) + 1))
        self._process = start_child(*words, env=env, within=Path(self._place.name))
        try:
            self._ask(json.dumps(asdict(job)).encode(), _STARTING)
        except BaseException:
            self.close()
            raise

    def run(self, part10: bytes) -> bytes:
        self.left -= 1
        return self._ask(part10, self._seconds)

    def close(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close() if pipe else None
        self._process.wait()
        self._place.cleanup()

    def _ask(self, message: bytes, seconds: float) -> bytes:
        if self._process.stdin is None:
            raise _fault("its process has no input")
        deadline = time.monotonic() + seconds
        try:
            self._process.stdin.write(_LENGTH.pack(b"?", len(message)) + message)
            self._process.stdin.flush()
        except OSError:
            raise _fault("its process ended") from None
        kind, size = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        answer = self._read(size, deadline)
        if kind != b"+":
            raise _fault(answer.decode("ascii", "replace"))
        return answer

    def _read(self, size: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        descriptor = self._process.stdout.fileno() if self._process.stdout else -1
        while size:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise _fault("a function took too long")
            if not (part := os.read(descriptor, min(size, _PIECE))):
                raise _fault("its process ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _fault(why: str) -> RefusalError:
    return RefusalError(f"recipe: {why}", fix="try its functions on such a file; `pacsflow explain` runs them")


def _end(idle: "queue.SimpleQueue[_RecipeProcess]", owner: int) -> None:
    while owner == os.getpid():
        try:
            idle.get_nowait().close()
        except queue.Empty:
            return


class Workers:
    """The processes of one recipe, as many as are asked at once. Thread-safe; a child process starts its own."""

    def __init__(self, job: Job, *, seconds: float = SECONDS) -> None:
        self._job = job
        self._seconds = seconds
        self._idle: queue.SimpleQueue[_RecipeProcess] = queue.SimpleQueue()
        self.close = finalize(self, _end, self._idle, os.getpid())
        """Ends the processes that are idle, as does the end of this object."""

    def run(self, part10: bytes) -> bytes:
        """The encoded dataset that the lines make of a Part 10 file without pixel data, in the same transfer syntax.

        Raises RefusalError `recipe: …` where the process fails, ends, or takes too long.
        """
        with self._worker() as worker:
            return worker.run(part10)

    @contextmanager
    def _worker(self) -> Iterator[_RecipeProcess]:
        """An idle process, or a new one; one that is spent or has failed is not kept."""
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = _RecipeProcess(self._job, self._seconds)
        keep = False
        try:
            yield worker
            keep = worker.left > 0
        finally:
            if keep:
                self._idle.put(worker)
            else:
                worker.close()
