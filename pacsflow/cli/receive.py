"""receive: our storage SCP as a process of its own, from which the runs of C-MOVE borrow the port."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pacsflow.cli.answering import Json, answer
from pacsflow.cli.project_folder import HERE, Folder
from pacsflow.cli.show import console
from pacsflow.errors import ProjectError, WorkLeftError
from pacsflow.projects import read_project
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pacsflow.run.receiving import StandingState


def receive(
    project: Folder = HERE,
    state: Annotated[bool, typer.Option("--state", help="Say whether it stands, and who has the port now")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the one that stands")] = False,
    as_json: Json = False,
) -> None:
    """Own AE title and port of `fetch.move_to`, until Ctrl-C: echoes are answered, and runs on this machine use it.

    One run has the port at a time. Images go into the process of that run; this one keeps nothing.
    """
    from pacsflow.cli.stopping import stoppable
    from pacsflow.run.receiving import receiver_of, receiving, standing, stop_standing

    opened = read_project(project)
    _, move_to = receiver_of(opened)
    if state and stop:
        raise ProjectError.at("receive", "these options do not go together", "--state | --stop")
    if state:
        _show(standing(move_to.port), opened.settings.name, as_json=as_json)
        return
    if stop:
        if not stop_standing(move_to.port):
            raise WorkLeftError(f"no receiver stands on port {move_to.port}")
        console.print(f"the receiver on port {move_to.port} ends")
        return
    with stoppable(), receiving(opened) as ended:
        console.print(f"{move_to.aet} listens on {move_to.host or '0.0.0.0'}:{move_to.port}; Ctrl-C ends it")  # noqa: S104
        while not ended(1.0):
            pass


def _show(found: "StandingState | None", project: str, *, as_json: bool) -> None:
    code = 0 if found else WorkLeftError.exit_code
    word = "does not stand" if found is None else "lent" if found.lent_to else "stands"
    if as_json:
        answer("receive", word, exit_code=code, project=project, receiver=asdict(found) if found else None)
        raise typer.Exit(code)
    if found is None:
        raise WorkLeftError("no receiver stands", fix="pacsflow receive PROJECT; runs open the port by themselves else")
    since = datetime.fromtimestamp(found.since).astimezone()
    console.print(
        f"{found.aet} on port {found.port}, process {found.process}, since {since:%Y-%m-%d %H:%M}: "
        f"{counted(found.runs, 'run')} had it, {counted(found.connections, 'connection')}"
    )
    if found.lent_to:
        when = datetime.fromtimestamp(found.lent_since).astimezone()
        console.print(f"a run has it since {when:%H:%M:%S}, process {found.lent_to}")
    if found.turned_away:
        console.print(f"turned away: {found.turned_away}", markup=False, soft_wrap=True)
