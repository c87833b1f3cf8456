"""karnak-tag: the private elements that Karnak reads, into the files of a folder tree."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from pacsflow.cli.show import console, errors
from pacsflow.cli.trees import either, end, no_dicom
from pacsflow.errors import ProjectError
from pacsflow.wording import counted

_FOLDER = "sub-"


def karnak_tag(
    tree: Annotated[
        Path | None, typer.Argument(metavar="TREE", help="Folder tree with DICOM files, or one file", exists=True)
    ] = None,
    *,
    new_ids: Annotated[
        Path, typer.Option("--new-ids", "--new_ids", "-n", help="JSON or CSV: patient ID, patient code")
    ],
    album: Annotated[str, typer.Option("--album", "--album-name", "--album_name", "-a", help="Album in Karnak")],
    day_shift: Annotated[
        Path | None, typer.Option("--day-shift", "--day_shift", "-s", help="JSON: patient ID, days; left out: 0")
    ] = None,
    in_folder: Annotated[
        Path | None, typer.Option("--in-folder", "--in_folder", "-d", help="TREE, as PACSMAN writes it", exists=True)
    ] = None,
) -> None:
    """Write patient code, album and day shift for Karnak into DICOM files, in place; each file is whole at any time."""
    from pacsflow.export.karnak_codes import read_codes
    from pacsflow.export.karnak_tags import Tags, tag_in_place
    from pacsflow.export.tree import files_of
    from pacsflow.staging import sweep_halves

    tree = either(tree, in_folder, "TREE")
    codes = read_codes(new_ids, day_shift)
    sweep_halves(tree)
    below = files_of(tree)
    files = [path for path in below.dicom if not path.is_symlink()]
    linked = tuple(path for path in below.dicom if path.is_symlink())
    if not files:
        raise no_dicom(tree, below)
    told = [(path, codes.of(_names(path))) for path in files]
    if unknown := sum(code is None for _, code in told):
        message = f"{counted(unknown, 'file')} of {len(files)} are of a patient without a code or a day shift"
        raise ProjectError.at(new_ids.name, message, "add the patient; nothing was changed")
    changed = sum(
        tag_in_place(path, Tags(code[0], album, code[1]))
        for path, code in track(told, description="files", console=errors, transient=True)
        if code is not None
    )
    console.print(f"[green]✓[/] {counted(changed, 'file')} tagged, {len(files) - changed} had the tags already")
    end(replace(below, others=(*below.others, *linked)))


def _names(path: Path) -> Iterator[str]:
    """What a file's patient may be called: by its header, and by PACSMAN's folder."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        yield str(dcmread(path, stop_before_pixels=True, specific_tags=["PatientID"]).get("PatientID") or "")
    except (InvalidDicomError, OSError, EOFError):
        return
    yield from [part for part in path.absolute().parts[:-1] if part.startswith(_FOLDER)][-1:]
