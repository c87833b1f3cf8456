"""Progress where somebody looks: in a terminal or a notebook; none where output goes into a file or a pipe."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from pacsflow.wording import counted as number_of

if TYPE_CHECKING:
    from rich.console import Console


@lru_cache(1)
def _console() -> "Console":
    """The screen: a notebook's cell, else the error stream of a terminal."""
    from rich.console import Console

    here = Console()
    return here if here.is_jupyter else Console(stderr=True)


def looked_at(progress: bool | None) -> bool:
    """Whether progress is shown: as was said; where nothing was said, in a terminal and in a notebook."""
    return (_console().is_terminal or _console().is_jupyter) if progress is None else progress


@contextmanager
def counted(what: str, progress: bool | None) -> Iterator[Callable[[int], None]]:
    """A function to be told how many more are done, and a line that shows how many."""
    if not looked_at(progress):
        yield lambda _number: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console(), transient=looked_at(None)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda number: bar.advance(task, number)


@contextmanager
def listened(title: str, progress: bool | None) -> Iterator[Callable[[str, int], None]]:
    """A listener of a run (`pacsflow.run.session.Listener`), and a bar of what it hears: studies and images."""
    if not looked_at(progress):
        yield lambda _what, _number: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    counts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console(), transient=looked_at(None)) as bar:
        task = bar.add_task(title, total=None)

        def hear(what: str, number: int) -> None:
            counts[what] += number
            found = not counts["studies to fetch"]
            done, of = ("rows", "rows to find") if found else ("studies delivered", "studies to fetch")
            told = f"{title}: {'rows asked' if found else 'studies'}, {number_of(counts['images'], 'image')}"
            bar.update(task, completed=counts[done], total=counts[of] or None, description=told)

        yield hear
