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
    """Ask the PACS gently what it can do, and say what to ask its administrator for. Exit 6 where a run cannot work."""
    from tasks.probe import probe_project

    with console.status("asking the node") as status:
        probed = probe_project(project, again=again, heard=lambda one: status.update(f"{one.name}: {one.verdict}"))
    if as_json:
        typer.echo(json.dumps(_data(probed), indent=1))
    else:
        _show(probed)
    if not probed.strategy.works:
        raise typer.Exit(PacsError.exit_code)


def _data(probed: "Probed") -> dict[str, object]:
    strategy = probed.strategy
    return {
        "node": probed.node.name,
        "works": strategy.works,
        "method": strategy.method,
        "proven": strategy.proven,
        "remembered": probed.remembered,
        **probed.capabilities.as_data(),
        "strategy": list(strategy.sentences),
        "ask": list(probed.requests),
    }


def _show(probed: "Probed") -> None:
    node, capabilities = probed.node, probed.capabilities
    console.print(f"[bold]{escape(node.name)}[/]: {node.called_aet} at {node.host}:{node.port}", soft_wrap=True)
    table = Table("check", "verdict", "what was found")
    for finding in capabilities.findings:
        table.add_row(finding.name, _SIGNS[finding.verdict], escape(finding.said))
    console.print(table)
    if probed.remembered:
        console.print(f"remembered from {capabilities.at.astimezone():%Y-%m-%d %H:%M}; --again asks anew")
    else:
        told = ", ".join(f"{number} {what}" for what, number in capabilities.requests.items())
        console.print(f"asked for it: {told}; what came was counted and thrown away", soft_wrap=True)
    mends = dict.fromkeys(finding.mend for finding in capabilities.findings if finding.mend)
    for title, lines in (
        ("What pacsflow will do", probed.strategy.sentences),
        ("What you can do", tuple(mends)),
        ("Ask your PACS administrator", probed.requests),
    ):
        if lines:
            console.print(f"\n[bold]{title}[/]")
        for line in lines:
            console.print(f"- {escape(line)}", soft_wrap=True)
