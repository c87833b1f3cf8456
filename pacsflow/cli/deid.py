"""deid: a folder tree of DICOM files through a profile."""

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from pacsflow.cli.profile import read_profile
from pacsflow.cli.show import console, counted
from pacsflow.errors import Problem, ProjectError, WorkLeftError
from pacsflow.secrets import project_key

if TYPE_CHECKING:
    from pacsflow.deid.tree import Outcome, Tree

Originals = Annotated[
    Path,
    typer.Argument(help="Folder with the originals", exists=True, file_okay=False, resolve_path=True, metavar="IN"),
]
Results = Annotated[
    Path | None,
    typer.Argument(help="Folder for the results; made where it is absent", resolve_path=True, metavar="[OUT]"),
]
Profile = Annotated[
    Path, typer.Option("--profile", "-p", help="A deid.yaml, or a project folder", exists=True, resolve_path=True)
]


def deid(
    originals: Originals,
    results: Results = None,
    *,
    profile: Profile,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Replace the originals: each goes once its cleaned file is on disk")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes; 0: one for each core", min=0)] = 0,
    report: Annotated[
        Path | None,
        typer.Option(help="CSV file with what became of each file; IDENTIFYING, readable by you only", dir_okay=False),
    ] = None,
) -> None:
    """De-identify a folder tree of DICOM files. Results are OUT/pseudonym/study/series/instance.dcm, by new UIDs.

    Files that are no DICOM are counted and left where they are. Exit 1 where a file was refused.
    """
    from pacsflow.deid.tree import Tree, clean_tree, files_below

    chosen = read_profile(profile)
    target = _target(originals, results, in_place=in_place)
    tree = Tree(originals, target, chosen.profile, project_key(chosen.profile), chosen.vault)
    names = files_below(originals)
    outcomes = clean_tree(tree, names, workers=workers or len(os.sched_getaffinity(0)))
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in _shown(_written(outcomes, report), len(names)):
        counts[outcome.fate, outcome.reason] += 1
        counts["bytes", ""] += outcome.size
    _summary(counts, tree)
    refused = sum(number for (fate, _), number in counts.items() if fate == "refused")
    if refused:
        still = "; they stand in the folder as they were, identifying" if in_place else ""
        remedy = "" if report else "--report FILE.csv names each"
        raise WorkLeftError(f"{refused:,} of {counted(len(names), 'file')} refused{still}", remedy=remedy)


def _target(originals: Path, results: Path | None, *, in_place: bool) -> Path:
    """The folder of the results. Raises ProjectError where it is not clear, or where both folders overlap."""
    if in_place == (results is not None):
        _refuse("say where the results go", "pacsflow deid IN OUT, or pacsflow deid IN --in-place")
    target = results or originals
    if target != originals and (target.is_relative_to(originals) or originals.is_relative_to(target)):
        _refuse("OUT and IN lie in one another", "name a folder beside IN, or write --in-place")
    if target == originals and not in_place:
        _refuse("OUT is IN", "name another folder, or write --in-place")
    return target


def _refuse(message: str, remedy: str) -> None:
    raise ProjectError([Problem("deid", 0, "", message, remedy)])


def _written(outcomes: Iterable["Outcome"], report: Path | None) -> Iterator["Outcome"]:
    """The outcomes, each written to the report on its way."""
    if report is None:
        yield from outcomes
        return
    descriptor = os.open(report, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        os.fchmod(file.fileno(), 0o600)
        writer = csv.writer(file)
        writer.writerow(["file", "outcome", "reason", "new file"])
        for outcome in outcomes:
            writer.writerow([outcome.name, outcome.fate, outcome.reason, outcome.new])
            yield outcome


def _shown(outcomes: Iterable["Outcome"], total: int) -> Iterator["Outcome"]:
    """The outcomes, with a bar in a terminal."""
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        yield from bar.track(outcomes, total=total, description="deid")


def _summary(counts: Counter[tuple[str, str]], tree: "Tree") -> None:
    size = counts.pop(("bytes", ""), 0)
    table = Table("outcome", "reason", "files")
    table.columns[2].justify = "right"
    for (fate, reason), number in sorted(counts.items()):
        table.add_row(fate, escape(reason), f"{number:,}")
    console.print(table)
    console.print(f"{size / 1e6:,.1f} MB written to {tree.target}", soft_wrap=True)
    if tree.vault is None:
        console.print("no link table is kept: give the project's folder as --profile to keep one")
