"""How far a run is: its stage, its share and the time that is left; a bar in a terminal, else a line a minute."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Final

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pacsflow.cli import show
from pacsflow.cli.saying import log, moment
from pacsflow.wording import counted, lasting

EVERY: Final = 60.0
"""Seconds between two lines where no terminal is."""
FEWEST: Final = 2
"""So many must be done before the time that is left is estimated."""
_BAR: Final = 24
STARTING, FINDING, COUNTING = "starting", "finding studies", "counting what to fetch"
FETCHING, REPORTING = "fetching and delivering", "writing the report"


class RunProgress:
    """Hears what a run tells (`pacsflow.run.session.Listener`), from any thread. `clock`: seconds."""

    def __init__(self, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.title, self.counts = title, Counter[str]()
        self._clock, self._lock = clock, Lock()
        self._began = self._stage_began = clock()
        self._stage = STARTING
        self.changed = Event()

    def __call__(self, what: str, number: int) -> None:
        """Listen."""
        with self._lock:
            self.counts.update({what: number})
            if (now := self._found_stage()) != self._stage:
                self._stage, self._stage_began = now, self._clock()
                self.changed.set()

    def _found_stage(self) -> str:
        counts = self.counts
        if "studies to fetch" in counts:
            return FETCHING if counts["studies delivered"] < counts["studies to fetch"] else REPORTING
        if "rows to find" in counts:
            return FINDING if counts["rows"] < counts["rows to find"] else COUNTING
        return STARTING

    @property
    def stage(self) -> str:
        """What is done now, in words."""
        return self._stage

    @property
    def share(self) -> tuple[int, int]:
        """How many of how many are done in this stage; (0, 0) where nothing is counted."""
        done, total = {FETCHING: ("studies delivered", "studies to fetch"), FINDING: ("rows", "rows to find")}.get(
            self._stage, ("", "")
        )
        return (self.counts[done], self.counts[total]) if done else (0, 0)

    @property
    def seconds_left(self) -> float | None:
        """How long this stage may still take, at its speed so far; None where that is not known."""
        done, total = self.share
        if done < FEWEST or done >= total:
            return None
        return (self._clock() - self._stage_began) / done * (total - done)

    @property
    def numbers(self) -> str:
        """What happened so far."""
        counts = self.counts
        parts = (
            [f"{counts['rows']:,}/{counted(counts['rows to find'], 'row')} asked"] if "rows to find" in counts else []
        )
        if counts["studies to fetch"]:
            parts.append(
                f"{counts['studies fetched']:,}/{counted(counts['studies to fetch'], 'study', 'studies')} fetched"
            )
            parts.append(counted(counts["images"], "image"))
            parts.append(f"{counts['bytes'] / 1e6:,.1f} MB")
            parts.append(f"{counts['studies delivered']:,} delivered")
        parts += ["stopping, Ctrl-C again ends it at once"] if counts["stopping"] else []
        return " · ".join([*parts, lasting(self._clock() - self._began)])

    @property
    def line(self) -> str:
        """All of it, in one line."""
        left = self.seconds_left
        about = f" · about {lasting(left)} left" if left is not None else ""
        return f"{self.title}, {self.stage}: {self.numbers}{about}"

    def __rich__(self) -> Group:
        """Stage, bar and time left; below it the numbers."""
        done, total = self.share
        grid = Table.grid(padding=(0, 1))
        left = self.seconds_left
        cells: list[Text | ProgressBar] = [Text(f"{self.title}, {self.stage}", style="cyan")]
        if total:
            cells += [ProgressBar(total, done, width=_BAR), Text(f"{100 * done // total} %")]
            cells += [Text(f"about {lasting(left)} left")] if left is not None else []
        grid.add_row(*cells)
        return Group(grid, Text(self.numbers, style="cyan"))


@contextmanager
def shown(progress: RunProgress, *, every: float = EVERY) -> Iterator[None]:
    """Within it progress is shown: in a terminal as a bar; else, and in the log, as a line a minute and a stage.

    `every`: seconds.
    """
    ended = Event()
    teller = Thread(target=_tell, args=(progress, ended, every), daemon=True, name="progress")
    teller.start()
    try:
        if show.console.is_terminal and not show.console.quiet:
            with Live(progress, console=show.console, refresh_per_second=4, transient=True):
                yield
        else:
            yield
    finally:
        ended.set()
        progress.changed.set()
        teller.join()


def _tell(progress: RunProgress, ended: Event, every: float) -> None:
    """Lines with the moment, as long as it goes on."""
    on_screen = not (show.console.is_terminal or show.console.quiet)
    while not ended.is_set():
        line = progress.line
        log(line)
        if on_screen:
            show.errors.print(f"{moment()} {line}", markup=False, soft_wrap=True)
        progress.changed.wait(every)
        progress.changed.clear()
