"""compare: whether de-identification left NIfTI as it is made of the originals."""

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from pacsflow.cli.show import Folding, console
from pacsflow.cli.temporaries import temporaries
from pacsflow.cli.trees import end, no_dicom
from pacsflow.errors import DifferenceError, ProjectError, WorkLeftError
from pacsflow.wording import counted
from schemas.converters import CONVERTERS

if TYPE_CHECKING:
    from pacsflow.run.files.compare_trees import Compared

    ConverterName = str
else:
    ConverterName = Literal[tuple(CONVERTERS)]

_HEADINGS = ("original", "delivered", "verdict", "voxels", "affine", "b-values", "directions", "slice timing", "reason")


def compare(
    originals: Annotated[
        Path, typer.Argument(metavar="ORIGINALS", exists=True, help="Folder tree with the original DICOM files")
    ],
    delivered: Annotated[
        Path, typer.Argument(metavar="DELIVERED", exists=True, help="Folder tree of what was delivered: DICOM, NIfTI")
    ],
    *,
    converter: Annotated[
        ConverterName, typer.Option(help="Which converter, as it was for what is delivered")
    ] = "dcm2niix",
    geometry: Annotated[
        Literal["refuse", "warn", "split"],
        typer.Option(help="Series whose slices do not make a regular volume, as it was for what is delivered"),
    ] = "refuse",
    table: Annotated[Path | None, typer.Option(help="CSV file to write the table to", dir_okay=False)] = None,
) -> None:
    """Compare the NIfTI of original DICOM files with that of what was delivered: voxels, affine, b-values, timing.

    Delivered DICOM files are converted, delivered NIfTI files taken as they are. Nothing is changed. Exit code 12
    where something differs or has no original, 1 where an image was not delivered.
    """
    from pacsflow.export.tree import studies_of
    from pacsflow.run.files.compare_trees import How, compare_trees, images_below

    studies, below = studies_of(originals)
    if not studies:
        raise no_dicom(originals, below)
    others, _ = studies_of(delivered)
    images = images_below(delivered)
    if not others and not images:
        message, fix = "holds neither DICOM nor NIfTI", "name the folder that was delivered"
        raise ProjectError.at("DELIVERED", message, fix)
    with temporaries() as scratch:
        found = list(compare_trees(studies, others, images, How(converter, geometry, scratch)))
    _show(found)
    if table:
        _write(found, table)
    _judge(found)
    end(below)


def _judge(found: "list[Compared]") -> None:
    """Say how much was compared. Raises DifferenceError, WorkLeftError."""
    from pacsflow.run.files.compare_trees import OF_CONCERN

    counts = Counter(one.verdict for one in found)
    console.print(", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items())))
    if wrong := sum(number for verdict, number in counts.items() if verdict in OF_CONCERN):
        message = f"{counted(wrong, 'image')} not shown to be unharmed"
        fix = "see the table; give --converter and --geometry as export.yaml has them, and all originals"
        raise DifferenceError(message, fix=fix)
    if counts["not delivered"] or not counts["equal"]:
        message = f"{counted(counts['equal'], 'image')} compared, {counts['not delivered']} not delivered"
        raise WorkLeftError(message, fix="name the originals of what was delivered, and all that was delivered")


def _rows(found: "list[Compared]") -> list[list[str]]:
    return [
        [one.original, one.delivered, one.verdict, *(one.parts.get(name, "") for name in _HEADINGS[3:-1]), one.reason]
        for one in found
    ]


def _show(found: "list[Compared]") -> None:
    shown = Folding(*_HEADINGS)
    for row in _rows(found):
        shown.add_row(*map(escape, row))
    console.print(shown)


def _write(found: "list[Compared]", path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADINGS)
        writer.writerows(_rows(found))
