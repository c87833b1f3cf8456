"""verify: the release gate, alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import Progress

from pacsflow.cli.answering import Json, answer
from pacsflow.cli.show import Folding, console
from pacsflow.errors import ProjectError, WorkLeftError
from pacsflow.projects import read_project
from pacsflow.system import processors
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pacsflow.deid.proof.known import Known
    from pacsflow.deid.release_gate import Leak

MOST = 200
"""How many findings are printed."""


def verify(
    tree: Annotated[
        Path, typer.Argument(help="Folder to check", exists=True, file_okay=False, resolve_path=True, metavar="TREE")
    ],
    vault: Annotated[
        Path,
        typer.Option(
            help="Project folder: its vault and ledger know whose names, ids, dates and UIDs must be gone",
            exists=True,
            file_okay=False,
            resolve_path=True,
            metavar="PROJECT",
        ),
    ],
    workers: Annotated[int, typer.Option(help="Processes; 0: one for each core", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Check every file of a tree for what a project knows of its patients, before it is given away.

    The table names file, element and kind, never the value. Nothing is changed. Exit 1 where something is found.
    """
    from pacsflow.deid.proof.known import Known
    from pacsflow.deid.release_gate import Gate
    from pacsflow.deid.trees.spread import spread
    from pacsflow.deid.trees.tree import files_below
    from pacsflow.run.files.known_facts import facts_of

    project = read_project(vault)
    if project.deid.base == "none":
        message, fix = "`none` de-identifies nothing: there is nothing to check", "name another project"
        raise ProjectError.at("deid.yaml", message, fix, field="base")
    facts = facts_of(project)
    names, known = files_below(tree), Known(facts)
    answers = spread(partial(Gate, tree, project.deid, facts), names, workers=workers or processors())
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        by_file = list(bar.track(answers, total=len(names), description="verify"))
    found = [each for every in by_file for each in every]
    faulty = sum(map(bool, by_file))  # masked names can be equal
    if as_json:
        _answer(project.settings.name, (len(names), faulty), found, known)
        return
    _show(found)
    numbers = ((len(facts.pseudonyms), "patient"), (known.words, "word"), (len(facts.uids), "UID"))
    against = ", ".join(counted(number, thing) for number, thing in numbers)
    console.print(f"{counted(len(names), 'file')} checked against {against}", soft_wrap=True)
    if not known.words:
        console.print(
            "[yellow]![/] the project knows no name or id to search for: structure and marking alone were checked"
        )
    if known.ordinary:
        console.print(f"not searched: {counted(known.ordinary, 'name')} that are ordinary words of DICOM too")
    if found:
        where = counted(faulty, "file")
        raise WorkLeftError(f"{counted(len(found), 'finding')} in {where}: do not give this tree away")


def _answer(project: str, files: tuple[int, int], found: Sequence["Leak"], known: "Known") -> None:
    """What was found, for scripts: as in the table, known names in names of files are masked, no value is told.

    `files`: all of them, and those with findings.
    """
    kinds = Counter(each.kind for each in found)
    counts = {"files": files[0], "files with findings": files[1], "words searched": known.words}
    code = WorkLeftError.exit_code if found else 0
    more = {"kinds": kinds, "findings": [asdict(each) for each in found]}
    answer("verify", "findings" if found else "clean", exit_code=code, project=project, counts=counts, **more)
    if code:
        raise typer.Exit(code)


def _show(found: Sequence["Leak"]) -> None:
    if not found:
        console.print("[green]✓[/] nothing found")
        return
    table = Folding("file", "where", "what")
    for each in found[:MOST]:
        table.add_row(*map(escape, (each.file, each.where, each.kind)))
    console.print(table)
    if len(found) > MOST:
        console.print(f"and {len(found) - MOST:,} more")
