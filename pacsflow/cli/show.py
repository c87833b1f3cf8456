"""What a person sees: tables, errors, progress."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pacsflow.errors import PacsflowError, ProjectError

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def show_error(error: PacsflowError) -> None:
    """An expected failure: what, where, how to mend."""
    if isinstance(error, ProjectError):
        for problem in error.problems:
            errors.print(f"[red]✗[/] {escape(str(problem))}", soft_wrap=True)
        errors.print(f"{len(error.problems)} to mend; nothing was asked of the PACS")
        return
    errors.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
    if error.remedy:
        errors.print(f"  [bold]mend:[/] {escape(error.remedy)}", soft_wrap=True)


@contextmanager
def progress(counts: Counter[str], title: str) -> Iterator[None]:
    """A line that shows what happened so far, in a terminal."""
    if not console.is_terminal:
        yield
        return
    began = time.monotonic()

    class Line:
        def __rich__(self) -> Text:
            return Text(f"{title}  {sentence(counts, time.monotonic() - began)}", style="cyan")

    with Live(Line(), console=console, refresh_per_second=4, transient=True):
        yield


def sentence(counts: Counter[str], seconds: float) -> str:
    """What happened so far, in one line."""
    megabytes = counts["bytes"] / 1e6
    parts = [f"{counts['rows']}/{counts['rows to find']} rows asked"]
    if counts["studies to fetch"]:
        parts.append(f"{counts['studies fetched']}/{counts['studies to fetch']} studies fetched")
        parts.append(f"{counts['images']} images")
        parts.append(f"{megabytes:.1f} MB")
        parts.append(f"{counts['studies delivered']} delivered")
    return " · ".join([*parts, f"{seconds:.0f} s"])


def show_outcome(record: Path) -> None:
    """The table at the end of a run, from its record, and where the report is."""
    facts: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    table = Table(title=f"{facts['project']}: {facts['sentence']}", title_justify="left")
    for heading in ("", "number"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, number in facts["totals"].items():
        table.add_row(name, f"{number:,}" if isinstance(number, int) else str(number))
    console.print(table)
    console.print(f"report: {record.parent / 'report.html'}", soft_wrap=True)
