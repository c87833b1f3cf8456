"""doctor: what a new installation gets wrong, each fault with its fix."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pacsflow.cli.deploy import Pool
from pacsflow.cli.project_folder import as_written
from pacsflow.cli.show import About, advice, console
from pacsflow.errors import ProjectError
from pacsflow.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacsflow.run.health import HealthFinding

Folders = Annotated[
    list[Path] | None,
    typer.Argument(help="Project folders", exists=True, file_okay=False, resolve_path=True, metavar="[PROJECT...]"),
]


def doctor(
    projects: Folders = None,
    pool: Pool = "pacsflow",
    no_prefect: Annotated[bool, typer.Option("--no-prefect", help="Leave Prefect out")] = False,
) -> None:
    """Look at Prefect (server, leases, schedules, work pool) and at projects (folder, key, ledger, converters, nodes).

    Of each node one echo or query is asked. The exit code is 0 where all is well, else 1.
    """
    fine = True
    if not no_prefect:
        from tasks.prefect_health import health_of_prefect

        fine = show_findings("Prefect", health_of_prefect(pool))
    for folder in projects or []:
        fine = _project(folder) and fine
    if not fine:
        raise typer.Exit(1)


def _project(folder: Path) -> bool:
    from pacsflow.projects import read_project
    from pacsflow.run.health import HealthFinding, health_of

    About.project = as_written(folder)

    try:
        project = read_project(folder)
    except ProjectError as error:
        told = f"{counted(len(error.problems), 'mistake')}"
        wrong = HealthFinding("project", fine=False, said=told, fix=f"pacsflow validate {folder}")
        return show_findings(folder.name, [wrong])
    return show_findings(project.settings.name, health_of(project))


def show_findings(title: str, findings: "Iterable[HealthFinding]") -> bool:
    """Print findings as they come; whether all are fine."""
    console.print(f"[italic]{escape(title)}[/]", soft_wrap=True)
    fine = True
    for one in findings:
        fine = fine and one.fine
        mark = "[green]✓[/]" if one.fine else "[red]✗[/]"
        console.print(f"{mark} {escape(one.what)}: {escape(one.said)}", soft_wrap=True)
        if one.fix:
            console.print(f"    [bold]fix:[/] {advice(one.fix)}", soft_wrap=True)
    return fine
