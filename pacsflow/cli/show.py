"""What a person sees: tables, errors, progress."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from pacsflow.errors import PacsflowError, ProjectError

if TYPE_CHECKING:
    from pacsflow.ledger.traffic import HourOfTraffic
    from tasks.status import Status

HOURS_SHOWN = 24
SLOWINGS_SHOWN = 10
REASONS_SHOWN = 6
_PLAIN = {
    "images": {"held": "received"},
    "asked of the PACS": {"echo": "echoes", "find": "queries", "images": "images received", "bytes": "bytes received"},
}
"""The ledger's words, where another thing is called so in a row's status, or they are DICOM's own."""
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
    parts += ["stopping, Ctrl-C again ends it at once"] if counts["stopping"] else []
    return " · ".join([*parts, f"{seconds:.0f} s"])


def show_plan(reports: Path) -> None:
    """The plan's numbers and where its workbook is."""
    facts: dict[str, Any] = json.loads((reports / "plan.json").read_text(encoding="utf-8"))
    _numbers(f"plan of {facts['project']}", facts["totals"])
    console.print(f"workbook (it names patients, only you can read it): {reports / 'plan.xlsx'}", soft_wrap=True)
    if facts["totals"].get("rows held"):
        console.print("held rows wait for you, see its sheet `held`: pacsflow settle PROJECT ROW --take STUDY")


def show_outcome(reports: Path) -> None:
    """The table at the end of a run, from its record, and where the report is."""
    facts: dict[str, Any] = json.loads((reports / "run.json").read_text(encoding="utf-8"))
    counts = facts["counts"]
    flat = {
        f"{what}{'' if name == 'all' else ' ' + name}": number
        for what in ("rows", "studies", "series", "images")
        for name, number in counts[what].items()
    }
    _numbers(f"{facts['project']}: {facts['outcome']}", {**flat, "MB": round(counts["bytes"] / 1e6, 1)})
    if not facts["deidentified"]:
        console.print("[bold red]IDENTIFIABLE[/]: the profile is `base: none`, images are as the PACS sent them")
    if facts.get("sent to"):
        console.print(f"sent to {facts['sent to']}; nothing came here", markup=False)
    _reasons(facts["left"], facts["mends"])
    console.print(f"your table back: {reports / 'results.xlsx'}", soft_wrap=True)
    console.print(f"report: {reports / 'report.html'}", soft_wrap=True)


def _reasons(left: Sequence[Mapping[str, Any]], mends: Sequence[str]) -> None:
    """Why rows are not done, and what to do about it."""
    for one in left[:REASONS_SHOWN]:
        why = f": {one['reason']}" if one["reason"] else ""
        console.print(f"{counted(one['rows'], 'row')} {one['status']}{why}", markup=False, soft_wrap=True)
    if len(left) > REASONS_SHOWN:
        console.print("and others, see the report")
    for mend in mends[:REASONS_SHOWN]:
        console.print(f"  [bold]mend:[/] {escape(mend)}", soft_wrap=True)


def show_status(status: "Status") -> None:
    """Rows, studies and images by status; what was asked of the PACS and when; its hours; when we went slower."""
    if not status.counts["rows"]:
        console.print("nothing was asked yet: pacsflow plan PROJECT, or pacsflow run PROJECT")
    for what, counts in status.counts.items():
        if counts:
            _numbers(what, {_PLAIN.get(what, {}).get(name, name): number for name, number in counts.most_common()})
    _traffic(status.traffic[-HOURS_SHOWN:])
    for one in status.slowed[-SLOWINGS_SHOWN:]:
        gap = f", {one.gap:g} s before each request" if one.gap else ""
        console.print(f"slowed down {_local(one.at)}, {one.node}: {one.why}; {counted(one.lanes, 'lane')} left{gap}")
    show_hours(status.hours)


def show_hours(sentence: str) -> None:
    """When the node may be asked; nothing where that is always."""
    if sentence:
        console.print(escape(sentence), soft_wrap=True)


def _traffic(hours: "Sequence[HourOfTraffic]") -> None:
    if not hours:
        return
    console.print("[italic]by the hour[/]")
    table = Table(
        "hour", "node", *(Column(name, justify="right") for name in ("queries", "retrievals", "images", "MB"))
    )
    for hour in hours:
        asked, images = hour.counts["find"] + hour.counts["echo"], hour.counts["images"]
        numbers = (f"{number:,}" for number in (asked, hour.counts["retrievals"], images))
        table.add_row(_local(hour.begin), escape(hour.node), *numbers, f"{hour.counts['bytes'] / 1e6:,.1f}")
    console.print(table)


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _numbers(title: str, numbers: Mapping[str, int | float]) -> None:
    console.print(f"[italic]{escape(title)}[/]", soft_wrap=True)
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, number in numbers.items():
        table.add_row(name, f"{number:,}")
    console.print(table)


def counted(number: int, thing: str, things: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"
