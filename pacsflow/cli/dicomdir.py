"""dicomdir: a folder tree of DICOM files as a file-set."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.show import console, counted
from pacsflow.cli.temporaries import temporaries
from pacsflow.errors import ProjectError

_DIRECTORY = "DICOMDIR"


def dicomdir(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder tree with DICOM files", exists=True)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the file-set: not there yet")],
) -> None:
    """Make a DICOM file-set (a CD's names and DICOMDIR) of a folder tree. The map of names is kept beside it."""
    from pydicom.misc import is_dicom

    from pacsflow.export.file_set import write_file_set, write_names
    from pacsflow.export.parcels import appearing

    if target.exists():
        raise ProjectError.at(str(target), "is there already", "name a folder that is not")
    every = sorted(path for path in source.rglob("*") if path.is_file() and path.name != _DIRECTORY)
    files = [path for path in every if is_dicom(path)]
    if not files:
        raise ProjectError.at(str(source), "holds no DICOM file", "name another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    left = target.with_name(f".{target.name}.part")
    shutil.rmtree(left, ignore_errors=True)
    with temporaries(), appearing(target, left) as half:
        placed = write_file_set(files, half)
    names = target.with_name(f"{target.name}.names.csv")
    with appearing(names) as half:
        half.touch(0o600)
        write_names(((path, file.relative_to(source).as_posix()) for path, file in placed.items()), half)
    console.print(f"[green]✓[/] {counted(len(placed), 'file')} in {target}", soft_wrap=True)
    console.print(f"  what each was called: {names}  (its names may tell who it is about)", soft_wrap=True)
    if others := len(every) - len(placed):
        console.print(f"  left out: {counted(others, 'file')} that are no DICOM, or the same instance again")
