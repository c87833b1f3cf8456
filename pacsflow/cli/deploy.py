"""deploy, serve: projects run by schedule and from Prefect's UI."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pacsflow.cli.show import console
from pacsflow.errors import ProjectError

if TYPE_CHECKING:
    from pacsflow.projects import Project

Folders = Annotated[
    list[Path] | None,
    typer.Argument(help="Project folders", exists=True, file_okay=False, resolve_path=True, metavar="PROJECT..."),
]
All = Annotated[
    Path | None,
    typer.Option("--all", help="All projects of this folder", exists=True, file_okay=False, resolve_path=True),
]
Pool = Annotated[str, typer.Option("--pool", help="Work pool; made where there is none of that name")]


def chosen(projects: list[Path] | None, everything: Path | None) -> list[Path]:
    """The project folders that are meant. Raises ProjectError where there are none."""
    from flows.deployments import projects_in

    folders = [*(projects or []), *(projects_in(everything) if everything else [])]
    if not folders:
        told = f"{everything.name} holds no project" if everything else "no project is named"
        raise ProjectError.at("PROJECT", told, "name project folders, or their parent by --all")
    return list(dict.fromkeys(folders))


def deploy(projects: Folders = None, everything: All = None, pool: Pool = "pacsflow") -> None:
    """Make deployments of projects on Prefect's server: schedules, tags and description come from project.yaml.

    Of each project one run goes on at a time. A worker of the pool runs them: prefect worker start --pool pacsflow.
    """
    from flows.deployments import deploy as send
    from flows.deployments import read_all
    from tasks.automations import bring_automations
    from tasks.server_facts import named_server, wait_for_server

    named_server()
    known = read_all(chosen(projects, everything))
    wait_for_server()
    for name in send(known, pool=pool):
        console.print(f"deployed: {name}", markup=False, soft_wrap=True)
    for name in bring_automations():
        console.print(f"automation made: {name}", markup=False, soft_wrap=True)
    console.print("the worker needs a policy of its machine: pacsflow policy PROJECT... --out FILE", soft_wrap=True)


def serve(projects: Folders = None, everything: All = None) -> None:
    """Run projects by their schedules and from Prefect's UI in this process, without a work pool. Ctrl-C ends it."""
    from flows.deployments import read_all
    from pacsflow.run.policies import own_policy
    from tasks.server_facts import named_server, wait_for_server

    named_server()
    folders = chosen(projects, everything)
    known = read_all(folders)
    wait_for_server()
    with tempfile.TemporaryDirectory(prefix="pacsflow-policy-") as state:
        console.print(own_policy(folders, Path(state)), markup=False, soft_wrap=True)
        _serve(known)


def _serve(known: "list[Project]") -> None:
    from flows.deployments import serve_all

    console.print(f"serving {', '.join(one.settings.name for one in known)}; Ctrl-C ends it", markup=False)
    serve_all(known)
