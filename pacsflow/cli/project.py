"""plan, run, status: what is done with a project folder."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from pacsflow.cli.answering import Json, answer
from pacsflow.cli.progress import RunProgress, shown
from pacsflow.cli.project_folder import HERE, Folder, Folders, as_written
from pacsflow.cli.saying import aloud, noted
from pacsflow.cli.show import About, show_error, show_hours, show_outcome, show_plan, show_status, table_written
from pacsflow.cli.stopping import stoppable
from pacsflow.errors import (
    BusyError,
    PacsflowError,
    PausedError,
    ProjectError,
    ServerError,
    StoppedError,
    WorkLeftError,
)
from pacsflow.projects import read_project
from pacsflow.wording import addressed

Now = Annotated[
    str,
    typer.Option(
        "--now",
        metavar="REASON",
        help="Ask outside the node's hours too; the reason is recorded, name no patient in it",
    ),
]


def plan(
    project: Folder = HERE,
    again: Annotated[bool, typer.Option("--again", help="Ask for all rows again, not only for the open ones")] = False,
    info: Annotated[
        bool, typer.Option("--info", help="Fill the series sheet with what only images answer; one more query a series")
    ] = False,
    now: Now = "",
    as_json: Json = False,
) -> None:
    """Find only: say what a run would fetch, and write it as a workbook. Nothing is fetched."""
    from tasks.temporary_server import begin_server

    begin_server()
    from flows.plan_project import plan_project
    from pacsflow.run.reporting.status import hours_of

    _hurry(project, now)
    state = _flow(project, "plan", lambda: plan_project(str(project), again=again, info=info, return_state=True))
    opened = read_project(project)
    if as_json:
        _answer_plan(opened.workdir / "report", "plan", state, PausedError.exit_code if state.name == "Paused" else 0)
        return
    show_plan(opened.workdir / "report", str(project))
    show_hours(hours_of(opened.pacs))
    _raise_paused(state)


def run(projects: Folders = None, now: Now = "", as_json: Json = False) -> None:
    """Find, fetch, de-identify, convert, deliver: all that is left to do. Kill it and run it again at any time.

    Of several projects that ask one node, images that more than one wants are retrieved once.
    """
    folders = list(dict.fromkeys(projects or ()))
    if as_json and len(folders) > 1:
        raise ProjectError.at("--json", "is the answer of one project", "name one project, or leave --json out")
    from tasks.temporary_server import begin_server

    begin_server()  # it starts while what the run needs is imported
    if len(folders) == 1:
        _run(folders[0], now=now, as_json=as_json)
        return
    for folder in folders[1:]:
        _apart(folder, partial(_plan_for, folder, now), told=False)
    codes = [
        _apart(folder, partial(_run, folder, now=now, others=folders[number:]))
        for number, folder in enumerate(folders, 1)
    ]
    if any(codes):
        raise typer.Exit(next(filter(None, codes)))


def _apart(folder: Path, work: Callable[[], None], *, told: bool = True) -> int:
    """The exit code of work on one project of several, which ends no other's; what stops the command is raised."""
    About.project = as_written(folder)
    try:
        work()
    except (StoppedError, ServerError):
        raise
    except PacsflowError as error:
        if told:
            show_error(error, asks=True)
        return error.exit_code
    return 0


def _plan_for(project: Path, now: str) -> None:
    from flows.run_project import run_project

    _hurry(project, now)
    _flow(project, f"plan of {project.name}", lambda: run_project(str(project), plan_only=True, return_state=True))


def _run(project: Path, *, now: str, as_json: bool = False, others: Sequence[Path] = ()) -> None:
    from flows.run_project import run_project

    _hurry(project, now)
    beside = [str(each) for each in others]
    state = _flow(project, "run", lambda: run_project(str(project), others=beside, return_state=True))
    reports = read_project(project).workdir / "report"
    if as_json:
        _answer_run(reports, state)
        return
    if state.name == "WaitingForApproval":
        show_plan(reports, str(project))
        raise WorkLeftError("the plan waits for approval", fix=f"look at the plan, then: pacsflow approve {project}")
    show_outcome(reports, str(project))
    _raise_paused(state)
    if state.name != "Done":
        advice = {
            " unsigned": "; what was fetched waits for pacsflow sign-off PROJECT",
            " held": "; held rows wait for pacsflow settle PROJECT",
            " failed": "; pacsflow probe PROJECT asks what the node can do",
        }
        more = "".join(told for status, told in advice.items() if status in state.message)
        raise WorkLeftError(f"not everything is done ({state.message})", fix=f"the report names each, and why{more}")


def _answer_plan(reports: Path, command: str, state: Any, code: int) -> None:
    """The plan in numbers, for scripts."""
    facts: dict[str, Any] = json.loads((reports / "plan.json").read_text(encoding="utf-8"))
    files = {"workbook": str(table_written(reports, "plan.xlsx", "plan-rows.csv"))}
    more = {"message": state.message or "", "left behind": facts.get("left behind", []), "files": files}
    answer(command, state.name, exit_code=code, project=facts["project"], counts=facts["totals"], **more)
    if code:
        raise typer.Exit(code)


def _answer_run(reports: Path, state: Any) -> None:
    """How a run ended, for scripts; its end is the exit code, as without JSON."""
    if state.name == "WaitingForApproval":
        _answer_plan(reports, "run", state, WorkLeftError.exit_code)
    facts: dict[str, Any] = json.loads((reports / "run.json").read_text(encoding="utf-8"))
    facts["fixes"] = [addressed(fix, About.project) for fix in facts.get("fixes", ())]
    code = {"Done": 0, "Paused": PausedError.exit_code}.get(state.name, WorkLeftError.exit_code)
    table = table_written(reports, "results.xlsx", "results.csv").name
    files = {name: str(reports / name) for name in ("report.html", table, "run.json")}
    answer(
        "run",
        state.name,
        exit_code=code,
        project=facts["project"],
        counts=facts["counts"],
        **{name: facts[name] for name in ("deidentified", "left", "fixes", "left behind") if name in facts},
        message=state.message or "",
        files=files,
    )
    if code:
        raise typer.Exit(code)


def status(project: Folder = HERE, as_json: Json = False) -> None:
    """How far a project is, from its ledger. Nothing is asked of the PACS."""
    from pacsflow.run.reporting.row_outcomes import FINISHED
    from pacsflow.run.reporting.status import status_of

    found = status_of(project)
    if not as_json:
        show_status(found, str(project))
        return
    rows = found.counts["rows"]
    state = "not begun" if not rows else "open" if set(rows) - set(FINISHED) else "done"
    facts: dict[str, Any] = {"left behind": list(found.left_behind), "hours": found.hours, "paused": found.paused}
    answer("status", state, project=read_project(project).settings.name, counts=found.counts, **facts)


def _hurry(project: Path, reason: str) -> None:
    from pacsflow.run.session import override_hours

    if reason.strip():
        override_hours(str(project), reason.strip())


def _raise_paused(state: Any) -> None:
    if state.name == "Paused":
        fix = (
            "the next run goes on, within the hours or after `pacsflow resume PROJECT`; where hours cannot wait: "
            "--now REASON"
        )
        raise PausedError(f"paused, {state.message}", fix=fix)


def _asked_of_prefect(call: Callable[[], Any]) -> Any:
    """The state that the flow ends in. Raises ServerError where there is no server to tell it to."""
    import httpx

    from tasks.patience import gave_up
    from tasks.server_facts import wait_for_server
    from tasks.temporary_server import ensure_server, is_temporary, unwatched

    if ensure_server() is None and not is_temporary():
        wait_for_server()
    try:
        with unwatched():
            return call()
    except (RuntimeError, httpx.HTTPError) as error:  # what a flow itself raises is in its state
        raise gave_up(error) from None


def _flow(project: Path, title: str, call: Callable[[], Any]) -> Any:
    """Run a flow with its progress shown; an error that ended it is raised here."""
    from pacsflow.run.session import listen
    from tasks.saying import heard_by

    progress = RunProgress(title)
    listen(str(project), progress)
    with stoppable(), shown(progress), heard_by(aloud, noted):
        state = _asked_of_prefect(call)
    if state.name == "AlreadyRunning":
        told, _, fix = state.message.partition("; ")
        raise BusyError(told, fix=fix)
    if not state.is_completed() and not _went_to_its_end(state):
        error = state.result(raise_on_failure=False)
        raise error if isinstance(error, BaseException) else PacsflowError(f"the flow ended as {state.name}")
    return state


def _went_to_its_end(state: Any) -> bool:
    """Whether a red state is the outcome of a run that could do its work, and no error."""
    return bool(state.is_failed()) and state.name != "Failed"
