"""How many lanes a run without Prefect may open: files that the processes of this computer lock, one for each lane."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import platformdirs

from pacsflow.errors import BusyError
from pacsflow.run.lanes.pool import LanePool
from pacsflow.system import try_lock
from pacsflow.wording import counted

SECONDS_BETWEEN_LOOKS = 0.5


@contextmanager
def local_slots(
    pool: LanePool, *, most: int = 0, patience: float | None = None, useless: Callable[[], str] = lambda: ""
) -> Iterator[int]:
    """Have the pool lend as many lanes as nobody else on this computer holds, at least one; gives their number.

    `most`: not more than so many. Waits for the first, at most `patience` seconds. `useless`: why no waiting helps;
    '' where it may. A process that is killed leaves its locks to others. Raises PausedError where the pool is stopped,
    or the hours of its node end, meanwhile; BusyError where patience ends, or waiting is useless.
    """
    folder, begun = _folder(pool), time.monotonic()
    with ExitStack() as held:
        while not (number := _take(folder, (pool.most, most or pool.most), held)):
            pool.keep_hours()
            if why := useless():
                fix = "end that loop first, or leave it; or permit more by `limits.associations`"
                raise BusyError(
                    f"all {counted(pool.most, 'association')} to node {pool.node.name} are in use: {why}", fix=fix
                )
            if patience is not None and time.monotonic() - begun > patience:
                fix = "close what else asks the node, or permit more by `limits.associations`"
                raise BusyError(f"all {counted(pool.most, 'association')} to node {pool.node.name} are in use", fix=fix)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        pool.allow(number)
        try:
            yield number
        finally:
            pool.allow(-number)


def _folder(pool: LanePool) -> Path:
    """Where the locks of a node are; its name tells nobody which node it is."""
    name = hashlib.sha256(pool.node.place.casefold().encode()).hexdigest()[:16]
    folder = platformdirs.user_state_path("pacsflow", appauthor=False) / "lanes" / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _take(folder: Path, numbers: tuple[int, int], held: ExitStack) -> int:
    """Lock what is free of the files of a node; `numbers`: how many there are, and how many are wanted."""
    number, (files, wanted) = 0, numbers
    for position in range(files):
        if number == wanted:
            break
        with ExitStack() as opening:
            file: IO[str] = opening.enter_context((folder / f"lane-{position}").open("w"))
            if try_lock(file):
                held.push(opening.pop_all())
                number += 1
    return number
