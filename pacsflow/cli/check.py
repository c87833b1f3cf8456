"""check, audit, trail: whether what a project keeps and what it delivered is as it was, and who decided what."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape

from pacsflow.cli.answering import Json, answer
from pacsflow.cli.doctor import show_findings
from pacsflow.cli.project_folder import HERE, Folder
from pacsflow.cli.show import Folding, console
from pacsflow.errors import WorkLeftError
from pacsflow.projects import read_project
from pacsflow.system import user_name
from pacsflow.wording import counted

SHOWN = 200
"""How many files `audit` prints; `--json` has all."""


def check(
    project: Folder = HERE,
    no_targets: Annotated[bool, typer.Option("--no-targets", help="Leave out what was delivered")] = False,
    fetch_again: Annotated[
        bool,
        typer.Option("--fetch-again", help="Have the next run fetch images of staging that are missing or changed"),
    ] = False,
    accept_ledger: Annotated[
        bool,
        typer.Option(
            "--accept-ledger", help="Go on with a ledger that is an older copy, and of which there is no newer"
        ),
    ] = False,
) -> None:
    """Check what a project keeps: ledger, audit trail, vault, staging, and what was delivered, against their hashes.

    Nothing is changed, but by --fetch-again and --accept-ledger. The exit code is 0 where all is as it was, else 1.
    """
    from pacsflow.run import checking

    opened = read_project(project)
    if accept_ledger:
        wrong = checking.accept_ledger(opened, by=user_name())
        console.print(f"accepted: {wrong}" if wrong else "nothing is wrong with the ledger's age", soft_wrap=True)
    if fetch_again:
        console.print(
            f"{counted(checking.mark_lost(opened), 'image')} of staging will be fetched again by the next run"
        )
    if not show_findings(opened.settings.name, checking.checked(opened, targets=not no_targets)):
        raise WorkLeftError("something is not as it was, see above")


def audit(project: Folder = HERE, as_json: Json = False) -> None:
    """Compare each target with what was delivered to it: what is missing there, what was changed. Exit 1 for either."""
    from pacsflow.run.auditing import audited
    from pacsflow.run.checking import finding_of
    from pacsflow.run.people.decisions import ledger_of

    opened = read_project(project)
    with ledger_of(project) as ledger:
        found = list(audited(opened, ledger))
    fine = all(one.fine for one in found)
    if as_json:
        counts = {name: sum(getattr(one, name) for one in found) for name in ("studies", "files")}
        counts |= {name: sum(len(getattr(one, name)) for one in found) for name in ("missing", "changed")}
        code, targets = 0 if fine else WorkLeftError.exit_code, [{**asdict(one), "fine": one.fine} for one in found]
        state = "as delivered" if fine else "differs"
        answer("audit", state, exit_code=code, project=opened.settings.name, counts=counts, targets=targets)
        raise typer.Exit(code)
    show_findings(opened.settings.name, map(finding_of, found))
    named = [f"{one.target}: missing: {path}" for one in found for path in one.missing]
    named += [f"{one.target}: changed: {path}" for one in found for path in one.changed]
    for line in named[:SHOWN]:
        console.print(line, markup=False, soft_wrap=True)
    if len(named) > SHOWN:
        console.print(f"and {len(named) - SHOWN} more, see --json")
    if not found:
        console.print("nothing was delivered yet")
    if not fine:
        raise WorkLeftError("not all is there as it was delivered")


def trail(project: Folder = HERE, as_json: Json = False) -> None:
    """Show the audit trail: who approved, settled, selected, withdrew and exported what, and when."""
    from pacsflow.ledger import acts
    from pacsflow.run.people.decisions import ledger_of

    with ledger_of(project) as ledger:
        found, broken = acts.trail(ledger), acts.broken(ledger)
    if as_json:
        state, code = ("whole", 0) if broken is None else ("changed", WorkLeftError.exit_code)
        name, counts = read_project(project).settings.name, {"acts": len(found)}
        answer("trail", state, exit_code=code, project=name, counts=counts, acts=[asdict(one) for one in found])
        raise typer.Exit(code)
    table = Folding("when", "who", "what", "of")
    for one in found:
        when = datetime.fromtimestamp(one.at).astimezone()
        table.add_row(f"{when:%Y-%m-%d %H:%M:%S}", escape(one.by), one.action, escape(one.about))
    console.print(table if found else "no person has decided anything yet")
    if broken is not None:
        raise WorkLeftError(f"the trail was changed at act {broken}, or before it")
