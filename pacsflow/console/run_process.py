"""A run as a process of its own, begun on a page: closing the browser, or the console, stops nothing.

Where PREFECT_API_URL names a server it is `pacsflow run` or `pacsflow plan`, a flow run there; else a local process.
"""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from pacsflow.children import start_server
from pacsflow.projects.project import Project

Action = Literal["plan", "run"]
LINES: Final = 12
COMMAND: Final = ("-c", "from pacsflow.cli import main; main()")
"""What follows `python` to call the command line."""
_TAIL: Final = 8192


def log_of(project: Project) -> Path:
    """The log of the runs that pages began; it names no patient."""
    return project.workdir / "private" / "console-run.log"


def begin(project: Project, action: Action, *, by: str) -> None:
    """Begin a run or a plan. That another one is at work is told in the log, as on the command line."""
    if os.environ.get("PREFECT_API_URL"):
        words = [*COMMAND, action, str(project.folder), "--quiet", "--log-file", str(log_of(project))]
    else:
        words = ["-m", "pacsflow.console.local_run", action, str(project.folder)]
    start(project, words, said=f"{action} begun on a page by {by}\n")


def start(project: Project, words: Sequence[str], *, said: str = "") -> None:
    """A process that outlives the console. What it tells goes to the log after what is `said`; it names no patient."""
    log = log_of(project)
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("ab") as stream:
        log.chmod(0o600)
        stream.write(said.encode())
        stream.flush()
        process = start_server(words, env=os.environ, log=stream)
    threading.Thread(target=process.wait, daemon=True, name="process ended").start()


def tail(project: Project) -> list[str]:
    """The last lines of the log."""
    try:
        with log_of(project).open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(stream.tell() - _TAIL, 0))
            return stream.read().decode("utf-8", "replace").splitlines()[-LINES:]
    except OSError:
        return []
