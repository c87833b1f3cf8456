"""dicomdir: a folder tree of DICOM files as a file-set."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.show import console
from pacsflow.cli.temporaries import temporaries
from pacsflow.cli.trees import either, end, no_dicom
from pacsflow.errors import ProjectError
from pacsflow.wording import counted

_DIRECTORY = "DICOMDIR"


def dicomdir(
    source: Annotated[
        Path | None, typer.Argument(metavar="IN", help="Folder tree with DICOM files", exists=True)
    ] = None,
    target: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="Folder of the file-set: empty, or not there yet")
    ] = None,
    *,
    in_folder: Annotated[
        Path | None, typer.Option("--in-folder", "--in_folder", "-d", help="IN, as PACSMAN writes it", exists=True)
    ] = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out-folder", "--out_folder", "-o", help="OUT, as PACSMAN writes it")
    ] = None,
) -> None:
    """Make a DICOM file-set (a CD's names and DICOMDIR) of a folder tree. The map of names is kept beside it."""
    from pacsflow.export.disk import own_words
    from pacsflow.export.file_set import write_file_set, write_names
    from pacsflow.export.parcels import appearing
    from pacsflow.export.tree import files_of

    source, target = either(source, in_folder, "IN"), either(target, out_folder, "OUT")
    if target.is_symlink() or (target.exists() and not _is_empty(target)):
        raise ProjectError.at(str(target), "is there already", "name an empty folder, or one that is not there")
    below = files_of(source)
    files = [path for path in below.dicom if path.name != _DIRECTORY]
    if not files:
        raise no_dicom(source, below)
    names = target.with_name(f"{target.name}.names.csv")
    with own_words(str(target)):
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporaries(), appearing(target, is_ours=_is_empty) as half:
            placed = write_file_set(files, half)
        with appearing(names) as half:
            half.touch(0o600)
            write_names(((path, _called(file, source)) for path, file in placed.items()), half)
    console.print(f"[green]✓[/] {counted(len(placed), 'file')} in {target}", soft_wrap=True)
    console.print(f"  what each was called: {names}  (its names may identify the patient)", soft_wrap=True)
    if again := len(files) - len(placed):
        console.print(f"  left out: {counted(again, 'file')}, the same instance again")
    end(below)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _called(file: Path, source: Path) -> str:
    return os.path.relpath(file, source if source.is_dir() else source.parent)
