"""What a person sees: tables, errors, progress."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from pacsflow.errors import MOST_TOLD, PacsflowError, ProjectError
from pacsflow.wording import addressed, counted

if TYPE_CHECKING:
    from pacsflow.ledger.traffic import HourOfTraffic
    from pacsflow.run.reporting.status import Status


class About:
    """The project that the command is about, as it is written on a command line; empty where there is none."""

    project = ""


def advice(text: str) -> str:
    """Advice for the screen, naming the command's project."""
    return escape(addressed(text, About.project))


HOURS_SHOWN = 24
SLOWINGS_SHOWN = 10
REASONS_SHOWN = 6
_PLAIN = {
    "images": {"held": "kept"},
    "asked of the PACS": {
        "echo": "echoes",
        "find": "queries",
        "images": "images sent by it",
        "bytes": "bytes sent by it",
    },
}
"""The ledger's words, where another thing is called so in a row's status, or they are DICOM's own."""
_KEPT = {("images", "received"): "kept"}
"""What a node sent and we kept, as the record calls it; what was refused came, too."""


class Folding(Table):
    """A table that loses nothing where the screen is narrow: what does not fit goes on in the next line."""

    def __init__(self, *headers: Column | str, **more: Any) -> None:
        """See `Table`."""
        columns = (Column(one) if isinstance(one, str) else one for one in headers)
        super().__init__(*(replace(one, overflow="fold") for one in columns), **more)

    def add_column(self, *words: Any, **more: Any) -> None:
        """See `Table`."""
        super().add_column(*words, **{"overflow": "fold", **more})


console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def show_error(error: PacsflowError, *, asks: bool = False) -> None:
    """An expected failure: what, where, how to fix it. `asks`: whether the command would have asked a PACS."""
    if isinstance(error, ProjectError):
        for problem in error.problems[:MOST_TOLD]:
            errors.print(f"[red]✗[/] {advice(str(problem))}", soft_wrap=True)
        errors.print(f"{len(error.problems)} to fix" + ("; nothing was asked of the PACS" if asks else ""))
        return
    errors.print(f"[red]✗[/] {advice(str(error))}", soft_wrap=True)
    if error.fix:
        errors.print(f"  [bold]fix:[/] {advice(error.fix)}", soft_wrap=True)


def table_written(folder: Path, workbook: str, instead: str) -> Path:
    """The workbook of a folder of reports; where it is too long for one, the CSV file that there is `instead`."""
    return folder / (workbook if (folder / workbook).exists() else instead)


def show_plan(reports: Path, project: str = "PROJECT") -> None:
    """The plan's numbers and where its workbook is."""
    facts: dict[str, Any] = json.loads((reports / "plan.json").read_text(encoding="utf-8"))
    _numbers(f"plan of {facts['project']}", facts["totals"])
    table = table_written(reports, "plan.xlsx", "plan-rows.csv")
    what = "workbook" if table.suffix == ".xlsx" else "tables beside"
    console.print(f"{what} (it names patients, only you can read it): {table}", soft_wrap=True)
    for room in facts.get("room", ()):
        console.print(f"room: {room}", markup=False, soft_wrap=True)
    show_left_behind(facts.get("left behind", ()), project)
    if facts["totals"].get("rows held"):
        console.print(
            f"held rows wait for you, see its sheet `held`: pacsflow settle {shlex.quote(project)} ROW --take STUDY",
            markup=False,
            soft_wrap=True,
        )


def show_outcome(reports: Path, project: str = "PROJECT") -> None:
    """The table at the end of a run, from its record, and where the report is."""
    facts: dict[str, Any] = json.loads((reports / "run.json").read_text(encoding="utf-8"))
    counts = facts["counts"]
    flat = {
        f"{what}{'' if name == 'all' else ' ' + _KEPT.get((what, name), name)}": number
        for what in ("rows", "studies", "series", "images")
        for name, number in counts[what].items()
    }
    _numbers(f"{facts['project']}: {facts['outcome']}", {**flat, "MB": round(counts["bytes"] / 1e6, 1)})
    if not facts["deidentified"]:
        console.print("[bold red]IDENTIFIABLE[/]: the profile is `base: none`, images are as the PACS sent them")
    if facts.get("sent to"):
        console.print(f"sent to {facts['sent to']}; nothing came here", markup=False)
    _reasons(facts["left"], facts.get("fixes") or facts.get("mends", []))  # `mends` in records of earlier versions
    show_left_behind(facts.get("left behind", ()), project)
    console.print(f"your table back: {table_written(reports, 'results.xlsx', 'results.csv')}", soft_wrap=True)
    console.print(f"report: {reports / 'report.html'}", soft_wrap=True)


def _reasons(left: Sequence[Mapping[str, Any]], fixes: Sequence[str]) -> None:
    """Why rows are not done, and what to do about it."""
    for one in left[:REASONS_SHOWN]:
        why = f": {one['reason']}" if one["reason"] else ""
        console.print(f"{counted(one['rows'], 'row')} {one['status']}{why}", markup=False, soft_wrap=True)
    if len(left) > REASONS_SHOWN:
        console.print("and others, see the report")
    for fix in fixes[:REASONS_SHOWN]:
        console.print(f"  [bold]fix:[/] {advice(fix)}", soft_wrap=True)


def show_status(status: "Status", project: str = "PROJECT") -> None:
    """Rows, studies and images by status; what was asked of the PACS and when; its hours; when we went slower."""
    if not status.counts["rows"]:
        named = escape(shlex.quote(project))
        console.print(f"nothing was asked yet: pacsflow plan {named}, or pacsflow run {named}", soft_wrap=True)
    for what, counts in status.counts.items():
        if counts:
            _numbers(what, {_PLAIN.get(what, {}).get(name, name): number for name, number in counts.most_common()})
    show_left_behind(status.left_behind, project)
    _traffic(status.traffic[-HOURS_SHOWN:])
    for one in status.slowed[-SLOWINGS_SHOWN:]:
        gap = f", {one.gap:g} s before each request" if one.gap else ""
        console.print(
            f"slowed down {_local(one.at)}, {one.node}: {one.why}; {counted(one.lanes, 'association')} left{gap}"
        )
    show_hours(status.hours)
    show_hours(status.paused)


def show_left_behind(sentences: Sequence[str], project: str = "PROJECT") -> None:
    """What lies at targets and is wanted by no row."""
    for sentence in sentences:
        console.print(f"[yellow]![/] {escape(sentence)}", soft_wrap=True)
    if sentences:
        console.print(f"  [bold]fix:[/] pacsflow withdraw {escape(shlex.quote(project))} --unwanted", soft_wrap=True)


def show_hours(sentence: str) -> None:
    """When the node may be asked, or who paused the project; nothing where it may go on always."""
    if sentence:
        console.print(escape(sentence), soft_wrap=True)


def _traffic(hours: "Sequence[HourOfTraffic]") -> None:
    if not hours:
        return
    console.print("[italic]by the hour[/]")
    table = Folding(
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
    table = Folding(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, number in numbers.items():
        table.add_row(name, f"{number:,}")
    console.print(table)
