"""karnak-tag: the private elements that Karnak reads, into the files of a folder tree."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from pacsflow.cli.show import console, counted, errors
from pacsflow.errors import ProjectError

_FOLDER = "sub-"


def karnak_tag(
    tree: Annotated[Path, typer.Argument(metavar="TREE", help="Folder tree with DICOM files", exists=True)],
    new_ids: Annotated[Path, typer.Option(help="JSON or CSV: patient ID, patient code")],
    album: Annotated[str, typer.Option(help="Album in Karnak")],
    day_shift: Annotated[Path | None, typer.Option(help="JSON: patient ID, days; left out: 0")] = None,
) -> None:
    """Write patient code, album and day shift for Karnak into DICOM files, in place; each file is whole at any time."""
    from pydicom.misc import is_dicom

    from pacsflow.export.karnak_codes import read_codes
    from pacsflow.export.karnak_tags import Tags, tag_in_place
    from pacsflow.staging import sweep_halves

    codes = read_codes(new_ids, day_shift)
    sweep_halves(tree)
    every = sorted(path for path in tree.rglob("*") if path.is_file())
    files = [path for path in every if not path.is_symlink() and is_dicom(path)]
    if not files:
        raise ProjectError.at(str(tree), "holds no DICOM file", "name another folder")
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
    if others := len(every) - len(files):
        console.print(
            f"  left alone: {counted(others, 'file')} that {'is' if others == 1 else 'are'} no DICOM, or linked"
        )


def _names(path: Path) -> Iterator[str]:
    """What a file's patient may be called: by its header, and by PACSMAN's folder."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        yield str(dcmread(path, stop_before_pixels=True, specific_tags=["PatientID"]).get("PatientID") or "")
    except (InvalidDicomError, OSError, EOFError):
        return
    yield from [part for part in path.absolute().parts[:-1] if part.startswith(_FOLDER)][-1:]
