"""`--json`: what a command answers to scripts, in one shape. Counts, states, places; no identifier of a patient."""

import json
import sys
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

import typer

from pacsflow.errors import PacsflowError, ProjectError

VERSION: Final = 1
"""Of the shape: it rises when a field is taken away or means something else; new fields may come at any time."""

Json = Annotated[
    bool, typer.Option("--json", help="One JSON object for scripts, see docs/commands.md; progress goes to stderr")
]


def answer(
    command: str,
    state: str,
    *,
    exit_code: int = 0,
    project: str = "",
    counts: Mapping[Any, Any] | None = None,
    **more: Any,
) -> None:
    """Print the answer. `state`: how it ended, in one word or two; `more`: what this command alone has to say."""
    head = {"version": VERSION, "command": command, "project": project, "state": state, "exit": exit_code}
    typer.echo(json.dumps({**head, "counts": dict(counts or {}), **more}, indent=1))


def answer_error(error: PacsflowError) -> None:
    """Print the answer of a command that could not do its work."""
    from pacsflow.cli.show import About
    from pacsflow.wording import addressed

    fixed = partial(addressed, project=About.project)
    if isinstance(error, ProjectError):
        problems = [{"where": each.where, "message": each.message, "fix": fixed(each.fix)} for each in error.problems]
    else:
        problems = [{"where": "", "message": str(error), "fix": fixed(error.fix)}]
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    answer(command, "error", exit_code=error.exit_code, error=type(error).__name__, problems=problems)


def asked_for() -> bool:
    """Whether the command line asks for JSON."""
    return "--json" in sys.argv[1:]
