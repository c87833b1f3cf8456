"""probe: what the PACS can do, what pacsflow does then, and what to ask its administrator for."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pacsflow.cli.project import Folder
from pacsflow.cli.show import console
from pacsflow.errors import PacsError

if TYPE_CHECKING:
    from tasks.probe import Probed

_SIGNS = {"ok": "[green]✓ ok[/]", "partly": "[yellow]! partly[/]", "no": "[red]✗ no[/]", "unknown": "? unknown"}


def probe(
    project: Folder,
    again: Annotated[bool, typer.Option("--again", help="Ask the node anew, whatever is remembered of it")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Findings as JSON, for scripts")] = False,
) -> None:
    """Ask the PACS gently what it can do, and say what to ask its administrator for. Exit 6 where a run cannot work.

    DIMSE, DICOMweb, WADO-URI, MINT and RAD69, as pacs.yaml says.

    Fallback nodes are asked too; the exit code tells of the first node alone.
    """
    from tasks.probe import probe_project

    with console.status("asking the node") as status:
        first, *others = probe_project(
            project, again=again, heard=lambda node, one: status.update(f"{node.name}, {one.name}: {one.verdict}")
        )
    if as_json:
        fallback = {"fallback": [_data(each) for each in others]} if others else {}
        typer.echo(json.dumps(_data(first) | fallback, indent=1))
    else:
        for each in (first, *others):
            _show(each)
    if not first.strategy.works:
        raise typer.Exit(PacsError.exit_code)


def _data(probed: "Probed") -> dict[str, object]:
    strategy = probed.strategy
    return {
        "node": probed.node.name,
        "works": strategy.works,
        "method": strategy.method,
        "proven": strategy.proven,
        "remembered": probed.remembered,
        "outside hours": bool(probed.outside_hours),
        **probed.capabilities.as_data(),
        "strategy": list(strategy.sentences),
        "ask": list(probed.requests),
    }


def _show(probed: "Probed") -> None:
    node, capabilities = probed.node, probed.capabilities
    console.print(f"[bold]{escape(node.name)}[/]: {escape(node.place)}", soft_wrap=True)
    table = Table("check", "verdict", "what was found")
    for finding in capabilities.findings:
        table.add_row(finding.name, _SIGNS[finding.verdict], escape(finding.said))
    console.print(table)
    if probed.outside_hours:
        console.print(f"[yellow]![/] {escape(probed.outside_hours)}", soft_wrap=True)
    if probed.uncounted:
        console.print(f"[yellow]![/] {escape(probed.uncounted)}", soft_wrap=True)
    if probed.remembered:
        console.print(f"remembered from {capabilities.at.astimezone():%Y-%m-%d %H:%M}; --again asks anew")
    else:
        told = ", ".join(f"{what}: {number:,}" for what, number in capabilities.requests.items())
        console.print(f"asked for it: {told}; what came was counted and thrown away", soft_wrap=True)
    for title, lines in (
        ("What pacsflow will do", probed.strategy.sentences),
        ("What you can do", probed.mends),
        ("Ask your PACS administrator", probed.requests),
    ):
        if lines:
            console.print(f"\n[bold]{title}[/]")
        for line in lines:
            console.print(f"- {escape(line)}", soft_wrap=True)
