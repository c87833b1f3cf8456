"""dicomdir: a folder tree of DICOM files as a file-set."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.show import console, counted
from pacsflow.cli.temporaries import temporaries
from pacsflow.cli.trees import end, no_dicom
from pacsflow.errors import ProjectError

_DIRECTORY = "DICOMDIR"


def dicomdir(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder tree with DICOM files", exists=True)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the file-set: not there yet")],
) -> None:
    """Make a DICOM file-set (a CD's names and DICOMDIR) of a folder tree. The map of names is kept beside it."""
    from pacsflow.export.disk import own_words
    from pacsflow.export.file_set import write_file_set, write_names
    from pacsflow.export.parcels import appearing
    from pacsflow.export.tree import files_of

    if target.exists():
        raise ProjectError.at(str(target), "is there already", "name a folder that is not")
    below = files_of(source)
    files = [path for path in below.dicom if path.name != _DIRECTORY]
    if not files:
        raise no_dicom(source, below)
    left = target.with_name(f".{target.name}.part")
    names = target.with_name(f"{target.name}.names.csv")
    with own_words(str(target)):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(left, ignore_errors=True)
        with temporaries(), appearing(target, left) as half:
            placed = write_file_set(files, half)
        with appearing(names) as half:
            half.touch(0o600)
            write_names(((path, _called(file, source)) for path, file in placed.items()), half)
    console.print(f"[green]✓[/] {counted(len(placed), 'file')} in {target}", soft_wrap=True)
    console.print(f"  what each was called: {names}  (its names may tell who it is about)", soft_wrap=True)
    if again := len(files) - len(placed):
        console.print(f"  left out: {counted(again, 'file')}, the same instance again")
    end(below)


def _called(file: Path, source: Path) -> str:
    return os.path.relpath(file, source if source.is_dir() else source.parent)
