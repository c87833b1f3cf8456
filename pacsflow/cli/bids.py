"""bids: what series would be called in a BIDS dataset, and why, before they are converted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pacsflow.cli.show import console
from pacsflow.errors import ProjectError
from pacsflow.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacsflow.run.files.bids_preview import PreviewedSeries

_PROJECT = "project.yaml"


def bids(
    place: Annotated[
        Path, typer.Argument(metavar="PROJECT|TREE", help="Project folder, or tree of DICOM files", exists=True)
    ],
    rules: Annotated[
        Path | None,
        typer.Option("--bids", help="For a tree: the file with rules for names", exists=True, dir_okay=False),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="List them: what this command does")] = True,  # noqa: ARG001
) -> None:
    """List what each series would be called in the BIDS dataset, and which rule says so. Nothing is converted or asked.

    Of a project: the series that its rows found. Exit code 1 where no rule fits a series.
    """
    found = list(_of_project(place) if (place / _PROJECT).is_file() else _of_tree(place, rules))
    _show(found)
    nameless = sum(not one.called and not one.left_out and not one.depends for one in found)
    console.print(f"{counted(len(found), 'series', 'series')}, {nameless} without a name")
    if nameless:
        raise typer.Exit(1)


def _of_project(place: Path) -> "Iterable[PreviewedSeries]":
    from pacsflow.projects import read_project
    from pacsflow.run.files.bids_preview import of_project
    from pacsflow.run.stores import open_ledger_of

    project = read_project(place)
    if not project.bids:
        raise ProjectError.at("export.yaml", "names no rules for BIDS", "add `bids: bids.yaml` to an entry of `nifti`")
    ledger = open_ledger_of(project)
    try:
        return list(of_project(project, ledger))
    finally:
        ledger.close()


def _of_tree(place: Path, rules: Path | None) -> "Iterable[PreviewedSeries]":
    from pacsflow.cli.trees import no_dicom
    from pacsflow.export.tree import studies_of
    from pacsflow.projects.bids import read_rules
    from pacsflow.run.files.bids_preview import of_tree

    if rules is None:
        raise ProjectError.at("--bids", "is missing", "name the file with rules for names, as --bids bids.yaml")
    read, document = read_rules(rules, rules.name)
    if read is None:
        raise ProjectError(document.problems)
    studies, below = studies_of(place)
    if not studies:
        raise no_dicom(place, below)
    return of_tree(studies, read)


def _show(found: "list[PreviewedSeries]") -> None:
    table = Table("study", "series", "modality", "called", "why")
    for one in found:
        table.add_row(one.study, one.number, escape(one.modality), one.called or "-", escape(one.why))
    console.print(table)
