"""convert: a folder tree of DICOM files as NIfTI, or as a BIDS dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from pacsflow.cli.show import console, counted, errors
from pacsflow.cli.temporaries import temporaries
from pacsflow.cli.trees import Tree, beside, end, no_dicom
from pacsflow.errors import ProjectError

if TYPE_CHECKING:
    from schemas.bids import Bids
    from tasks.convert_tree import Outcome


def convert(
    tree: Tree,
    out: Annotated[Path | None, typer.Argument(metavar="OUT", help="Folder to write to; left out: TREE-nifti")] = None,
    *,
    converter: Annotated[Literal["dcm2niix", "dicom2nifti"], typer.Option(help="Which converter")] = "dcm2niix",
    geometry: Annotated[
        Literal["refuse", "warn"], typer.Option(help="Series whose slices do not make a regular volume")
    ] = "refuse",
    bids: Annotated[
        Path | None, typer.Option(help="File with rules for names: write a BIDS dataset", exists=True, dir_okay=False)
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the BIDS dataset")] = "Converted",
) -> None:
    """Convert a folder tree of DICOM files to NIfTI, or to a BIDS dataset. Nothing is de-identified.

    Names are made of the headers, as a run makes them: sub-/ses-/series. Exit code 1 where a series is refused.
    """
    from pacsflow.export.disk import own_words
    from pacsflow.export.tree import studies_of
    from tasks.convert_tree import Wish, convert_tree

    place = out or beside(tree, "nifti")
    wish = Wish(place, converter, geometry, _rules(bids) if bids else None, name)
    studies, below = studies_of(tree)
    if not studies:
        raise no_dicom(tree, below)
    with temporaries(), own_words(str(place)):
        outcomes = list(convert_tree(studies, wish))
    _show(outcomes)
    refused = sum(one.refused for one in outcomes)
    files = sum(one.files for one in outcomes)
    console.print(f"{counted(len(outcomes), 'series', 'series')}, {counted(files, 'file')} in {place}", soft_wrap=True)
    if refused:
        errors.print(f"{refused} not converted, see the table; --geometry warn converts what is no regular volume")
    end(below, 1 if refused else 0)


def _rules(file: Path) -> "Bids":
    from pacsflow.projects.bids import read_rules

    rules, document = read_rules(file, file.name)
    if rules is None:
        raise ProjectError(document.problems)
    return rules


def _show(outcomes: "list[Outcome]") -> None:
    table = Table("study", "series", "modality", "images", "files", "what came of it")
    for one in outcomes:
        said = one.message or "; ".join(one.warnings) or "converted"
        numbers = (str(one.study), str(one.series), escape(one.modality), str(one.images), str(one.files))
        table.add_row(*numbers, escape(f"{one.reason}: {said}" if one.reason else said))
    console.print(table)
