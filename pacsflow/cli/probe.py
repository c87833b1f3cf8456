"""probe: what the PACS can do, what pacsflow does then, and what to ask its administrator for."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from pacsflow.cli.answering import Json, answer
from pacsflow.cli.project_folder import HERE, Folder
from pacsflow.cli.show import Folding, console, errors
from pacsflow.errors import PacsError

if TYPE_CHECKING:
    from pacsflow.run.probe import Probed

_SIGNS = {"ok": "[green]✓ ok[/]", "partly": "[yellow]! partly[/]", "no": "[red]✗ no[/]", "unknown": "? unknown"}


def probe(
    project: Folder = HERE,
    again: Annotated[bool, typer.Option("--again", help="Ask the node again, whatever is remembered of it")] = False,
    as_json: Json = False,
) -> None:
    """Ask the PACS, with few requests, what it can do; what to ask its administrator for. Exit 6 where no run can work.

    DIMSE, DICOMweb, WADO-URI, MINT and RAD69, as pacs.yaml says.

    Fallback nodes are asked too; the exit code tells of the first node alone.
    """
    from pacsflow.projects import read_project
    from pacsflow.run.probe import probe_project

    with errors.status("asking the node") as status:
        first, *others = probe_project(
            project, again=again, heard=lambda node, one: status.update(f"{node.name}, {one.name}: {one.verdict}")
        )
    if as_json:
        _answer(read_project(project).settings.name, first, others)
    else:
        for each in (first, *others):
            _show(each)
    if not first.strategy.works:
        raise typer.Exit(PacsError.exit_code)


def _answer(project: str, first: "Probed", others: "list[Probed]") -> None:
    verdicts = Counter(each.verdict for each in first.capabilities.findings)
    state = "works" if first.strategy.works else "does not work"
    more: dict[str, Any] = _data(first) | ({"fallback": [_data(each) for each in others]} if others else {})
    code = 0 if first.strategy.works else PacsError.exit_code
    answer("probe", state, project=project, exit_code=code, counts=verdicts, **more)


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
    table = Folding("check", "verdict", "what was found")
    for finding in capabilities.findings:
        table.add_row(finding.name, _SIGNS[finding.verdict], escape(finding.said))
    console.print(table)
    if probed.outside_hours:
        console.print(f"[yellow]![/] {escape(probed.outside_hours)}", soft_wrap=True)
    if probed.uncounted:
        console.print(f"[yellow]![/] {escape(probed.uncounted)}", soft_wrap=True)
    if probed.remembered:
        console.print(f"remembered from {capabilities.at.astimezone():%Y-%m-%d %H:%M}; --again asks again")
    else:
        told = ", ".join(f"{what}: {number:,}" for what, number in capabilities.requests.items())
        console.print(f"asked for it: {told}; what came was counted and thrown away", soft_wrap=True)
    for title, lines in (
        ("What pacsflow will do", probed.strategy.sentences),
        ("What you can do", probed.fixes),
        ("Ask your PACS administrator", probed.requests),
    ):
        if lines:
            console.print(f"\n[bold]{title}[/]")
        for line in lines:
            console.print(f"- {escape(line)}", soft_wrap=True)
