"""Work on many files, spread over processes, answers in order."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from pacsflow.children import make_children_safe
from pacsflow.errors import PacsflowError
from pacsflow.redaction import keep_libraries_quiet
from pacsflow.system import children_ignore_interrupts, end_with_parent

T = TypeVar("T")
Work = Callable[[Sequence[str]], list[T]]
"""File names in, an answer for each out."""

AT_ONCE = 32
_AHEAD = 4
_here: list[Work[Any]] = []


def spread(make: Callable[[], Work[T]], names: Sequence[str], *, workers: int) -> Iterator[T]:
    """An answer for each name, in order. Every process calls `make` once (picklable); few names need no process.

    Raises PacsflowError when a process is stopped from outside, and what `make` or its work raise.
    """
    chunks = [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]
    if min(workers, len(chunks)) <= 1:
        work = make()
        for chunk in chunks:
            yield from work(chunk)
        return
    pool = ProcessPoolExecutor(workers, mp_context=_context(), initializer=_begin, initargs=(make, os.getpid()))
    make_children_safe()
    try:
        yield from _answers(pool, chunks, _AHEAD * workers)
    except BrokenProcessPool:
        fix = "run again, with fewer --workers where memory is short"
        raise PacsflowError("a worker process was stopped from outside", fix=fix) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    """How processes begin: as copies of this one, which has imported all; as new ones where it has other threads.

    A copy would wait for ever for a lock that another thread held.
    """
    alone = threading.active_count() == 1 and sys.platform == "linux"
    return get_context("fork" if alone else "spawn")


def _answers(pool: ProcessPoolExecutor, chunks: Sequence[Sequence[str]], ahead: int) -> Iterator[Any]:
    waiting: deque[Future[list[Any]]] = deque()
    for chunk in chunks:
        if len(waiting) >= ahead:
            yield from waiting.popleft().result()
        waiting.append(_submitted(pool, chunk))
    while waiting:
        yield from waiting.popleft().result()


def _submitted(pool: ProcessPoolExecutor, chunk: Sequence[str]) -> Future[list[Any]]:
    """Processes begin here, deaf to Ctrl-C: it is for the parent, which lets begun files end."""
    with children_ignore_interrupts():
        return pool.submit(_work, chunk)


def _begin(make: Callable[[], Work[Any]], parent: int) -> None:
    keep_libraries_quiet()
    end_with_parent(parent)
    _here[:] = [make()]


def _work(names: Sequence[str]) -> list[Any]:
    return _here[0](names)
