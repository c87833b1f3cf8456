"""convert: a folder tree of DICOM files as NIfTI, or as a BIDS dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from pacsflow.cli.show import Folding, console, errors
from pacsflow.cli.temporaries import temporaries
from pacsflow.cli.trees import Tree, beside, end, no_dicom
from pacsflow.errors import ProjectError
from pacsflow.wording import counted
from schemas.converters import CONVERTERS

if TYPE_CHECKING:
    from pacsflow.run.files.convert_tree import TreeConversion
    from schemas.bids import Bids

    ConverterName = str
else:
    ConverterName = Literal[tuple(CONVERTERS)]


def convert(  # noqa: PLR0913 a command's options
    tree: Tree,
    out: Annotated[Path | None, typer.Argument(metavar="OUT", help="Folder to write to; left out: TREE-nifti")] = None,
    *,
    converter: Annotated[ConverterName, typer.Option(help="Which converter")] = "dcm2niix",
    geometry: Annotated[
        Literal["refuse", "warn", "split"],
        typer.Option(help="Series whose slices do not make a regular volume; split: its regular volumes"),
    ] = "refuse",
    masks: Annotated[
        bool, typer.Option("--masks", help="Make label maps of SEG and RTSTRUCT, on the grid of their image")
    ] = False,
    images: Annotated[
        bool, typer.Option("--images", help="Make PNG files of 16 bits of radiographs (CR, DX, IO, MG, PX, RG)")
    ] = False,
    bids: Annotated[
        Path | None, typer.Option(help="File with rules for names: write a BIDS dataset", exists=True, dir_okay=False)
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the BIDS dataset")] = "Converted",
) -> None:
    """Convert a folder tree of DICOM files to NIfTI, or to a BIDS dataset. Nothing is de-identified.

    Names are made of the headers, as a run makes them: sub-/ses-/series. Exit code 1 where a series is refused,
    or has no name in the dataset.
    """
    from pacsflow.export.disk import own_words
    from pacsflow.export.tree import studies_of
    from pacsflow.run.files.convert_tree import Wish, convert_tree
    from pacsflow.run.files.original_names import answers_below

    place = out or beside(tree, "nifti")
    rules = _rules(bids) if bids else None
    if (masks or images) and rules:
        message, fix = (
            "label maps and pictures are no part of a BIDS dataset of raw data",
            "make them without --bids",
        )
        raise ProjectError.at("--masks" if masks else "--images", message, fix)
    wish = Wish(place, converter, geometry, rules, name, masks, images, answers_below(tree))
    studies, below = studies_of(tree)
    if not studies:
        raise no_dicom(tree, below)
    with temporaries(), own_words(str(place)):
        outcomes = list(convert_tree(studies, wish))
    _show(outcomes)
    refused = sum(one.refused for one in outcomes)
    files = sum(one.files for one in outcomes)
    console.print(f"{counted(len(outcomes), 'series', 'series')}, {counted(files, 'file')} in {place}", soft_wrap=True)
    nameless = sum(one.nameless for one in outcomes)
    if nameless:
        errors.print(
            f"{nameless} left out of the dataset, see the table; `pacsflow bids {tree} --bids {bids}` says why"
        )
    if refused:
        errors.print(
            f"{refused} not converted, see the table; --geometry split converts the regular volumes of a series, "
            "--geometry warn what is not a regular volume"
        )
    end(below, 1 if refused or nameless else 0)


def _rules(file: Path) -> "Bids":
    from pacsflow.projects.bids import read_rules

    rules, document = read_rules(file, file.name)
    if rules is None:
        raise ProjectError(document.problems)
    return rules


def _show(outcomes: "list[TreeConversion]") -> None:
    table = Folding("study", "series", "modality", "images", "files", "what came of it")
    for one in outcomes:
        said = "left out by a rule" if one.left_out else one.message or "; ".join(one.warnings) or "converted"
        numbers = (str(one.study), str(one.series), escape(one.modality), str(one.images), str(one.files))
        table.add_row(*numbers, escape(f"{one.reason}: {said}" if one.reason else said))
    console.print(table)
