"""plan, run, status: what is done with a project folder."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from pacsflow.cli.show import progress, show_hours, show_outcome, show_plan, show_status
from pacsflow.cli.stopping import stoppable
from pacsflow.errors import PacsflowError, PausedError, ServerError, WorkLeftError
from pacsflow.projects import read_project

Folder = Annotated[
    Path, typer.Argument(help="Project folder", exists=True, file_okay=False, resolve_path=True, metavar="PROJECT")
]

Now = Annotated[
    str,
    typer.Option(
        "--now",
        metavar="REASON",
        help="Ask outside the node's hours too; the reason is recorded, name no patient in it",
    ),
]


def plan(
    project: Folder,
    again: Annotated[bool, typer.Option("--again", help="Ask for all rows again, not only for the open ones")] = False,
    info: Annotated[
        bool, typer.Option("--info", help="Fill the series sheet with what only images answer; one more query a series")
    ] = False,
    now: Now = "",
) -> None:
    """Find only: say what a run would fetch, and write it as a workbook. Nothing is fetched."""
    from flows.plan_project import plan_project
    from tasks.status import hours_of

    _hurry(project, now)
    state = _flow(project, "plan", lambda: plan_project(str(project), again=again, info=info, return_state=True))
    opened = read_project(project)
    show_plan(opened.workdir / "report")
    show_hours(hours_of(opened.pacs))
    _raise_paused(state)


def run(project: Folder, now: Now = "") -> None:
    """Find, fetch, de-identify, convert, deliver: all that is left to do. Kill it and run it again at any time."""
    from flows.run_project import run_project

    _hurry(project, now)
    state = _flow(project, "run", lambda: run_project(str(project), return_state=True))
    reports = read_project(project).workdir / "report"
    if state.name == "WaitingForApproval":
        show_plan(reports)
        raise WorkLeftError("the plan waits for approval", remedy=f"look at the plan, then: pacsflow approve {project}")
    show_outcome(reports)
    _raise_paused(state)
    if state.name != "Done":
        advice = {
            " held": "; held rows wait for pacsflow settle",
            " failed": "; pacsflow probe asks what the node can do",
        }
        more = "".join(told for status, told in advice.items() if status in state.message)
        raise WorkLeftError(f"not everything is done ({state.message})", remedy=f"the report names each, and why{more}")


def status(project: Folder) -> None:
    """How far a project is, from its ledger. Nothing is asked of the PACS."""
    from tasks.status import status_of

    show_status(status_of(project))


def _hurry(project: Path, reason: str) -> None:
    from tasks.session import hurry

    if reason.strip():
        hurry(str(project), reason.strip())


def _raise_paused(state: Any) -> None:
    if state.name == "Paused":
        remedy = "nothing is amiss: the next run within the hours goes on; where it cannot wait: --now REASON"
        raise PausedError(f"paused, {state.message}", remedy=remedy)


def _asked_of_prefect(call: Callable[[], Any]) -> Any:
    """The state that the flow ends in. Raises ServerError where there is no server to tell it to."""
    import httpx

    try:
        return call()
    except (RuntimeError, httpx.HTTPError) as error:  # what a flow itself raises is in its state
        if "PREFECT_API_URL" in os.environ:
            message, remedy = "at PREFECT_API_URL does not answer", "start it, or unset PREFECT_API_URL, and run again"
        else:
            message, remedy = "for the time of a run did not start", "run again when the machine is less busy"
        raise ServerError(f"Prefect's server {message} ({type(error).__name__})", remedy=remedy) from None


def _flow(project: Path, title: str, call: Callable[[], Any]) -> Any:
    """Run a flow with its progress shown; an error that ended it is raised here."""
    from tasks.session import listen

    counts: Counter[str] = Counter()
    listen(str(project), lambda what, number: counts.update({what: number}))
    with stoppable(), progress(counts, title):
        state = _asked_of_prefect(call)
    if not state.is_completed():
        error = state.result(raise_on_failure=False)
        raise error if isinstance(error, BaseException) else PacsflowError(f"the flow ended as {state.name}")
    return state
