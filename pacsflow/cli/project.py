"""plan, run, status: what is done with a project folder."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from pacsflow.cli.show import console, progress, show_outcome
from pacsflow.errors import PacsflowError, WorkLeftError

Folder = Annotated[
    Path, typer.Argument(help="Project folder", exists=True, file_okay=False, resolve_path=True, metavar="PROJECT")
]


def plan(
    project: Folder,
    again: Annotated[bool, typer.Option("--again", help="Ask for all rows again, not only for the open ones")] = False,
) -> None:
    """Find only: say what a run would fetch, and write it as a workbook. Nothing is fetched."""
    from flows.plan_project import plan_project
    from tasks.plan import read_sentence

    _flow(project, "plan", lambda: plan_project(str(project), again=again, return_state=True))
    console.print(read_sentence(project), soft_wrap=True)


def run(project: Folder) -> None:
    """Find, fetch, de-identify, convert, deliver: all that is left to do. Kill it and run it again at any time."""
    from flows.run_project import run_project
    from tasks.report import record_of

    state = _flow(project, "run", lambda: run_project(str(project), return_state=True))
    if state.name == "WaitingForApproval":
        raise WorkLeftError("the plan waits for approval", remedy=f"look at the plan, then pacsflow approve {project}")
    show_outcome(record_of(project))
    if state.name != "Done":
        raise WorkLeftError(
            "not all rows are done", remedy="the report names each, with its reason; run again to retry"
        )


def status(project: Folder) -> None:
    """How far a project is, from its ledger. Nothing is asked of the PACS."""
    from tasks.report import show_status

    console.print(show_status(project))


def _flow(project: Path, title: str, call: Callable[[], Any]) -> Any:
    """Run a flow with its progress shown; an error that ended it is raised here."""
    from tasks.session import listen

    counts: Counter[str] = Counter()
    listen(str(project), lambda what, number: counts.update({what: number}))
    with progress(counts, title):
        state = call()
    if not state.is_completed():
        error = state.result(raise_on_failure=False)
        raise error if isinstance(error, BaseException) else PacsflowError(f"the flow ended as {state.name}")
    return state
