"""The demo's own place: no project of a user's can write there, and only what bears its mark is deleted."""

import os
import shutil
from pathlib import Path

from pacsflow.errors import PacsflowError

NAME = "demo"
PLACE = ".pacsflow-demo"
"""Folder below the place of all work, in which the demo alone writes."""
MARK = "made-by-pacsflow-demo.txt"
_SAYS = "`pacsflow demo` made this folder. It deletes private, staging, out and report in it when it begins again.\n"
_WRITTEN = ("private", "staging", "out", "report", "ledger.anchor")
"""What a run of the demo writes into its workdir; nothing else in it is deleted."""


def demo_project() -> Path:
    """The project folder of the demo: in the checkout, or in the installed package. Raises PacsflowError."""
    package = Path(__file__).parents[1]
    for folder in (package.parent / "projects" / NAME, package / NAME):
        if folder.is_dir():
            return folder
    raise PacsflowError("the demo project is not installed", fix="install pacsflow again, or run from a checkout")


def is_demo_project(folder: Path) -> bool:
    """Whether a project folder is the demo's own, not a copy of it."""
    return folder.resolve() == demo_project().resolve()


def demo_work(work: Path) -> Path:
    """The place below `work` in which the demo writes; `work` itself where it is that place."""
    return work if work.name == PLACE else work / PLACE


def is_demos(place: Path) -> bool:
    """Whether a path lies in the demo's place, however it is spelt: links, `..`, upper and lower case."""
    spelt = (Path(os.path.normpath(place.absolute())), Path(os.path.realpath(place)))
    return any(part.casefold() == PLACE for path in spelt for part in path.parts)


def begin_demo(workdir: Path, *, keep: bool) -> None:
    """Make the demo's workdir and mark it; what the last demo wrote there is deleted unless it is to be kept.

    Raises PacsflowError, and deletes nothing, where the folder does not bear the demo's mark.
    """
    try:
        workdir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_marked(workdir):
            _mark(workdir)
        elif not keep:
            for name in _WRITTEN:
                _delete(workdir / name)
    except OSError as error:
        raise PacsflowError(f"{workdir} cannot be used by the demo: {error.strerror}") from None


def _is_marked(workdir: Path) -> bool:
    mark = workdir / MARK
    return mark.is_file() and not mark.is_symlink() and mark.read_bytes() == _SAYS.encode()


def _mark(workdir: Path) -> None:
    """Mark a folder that is new. Raises PacsflowError for any other."""
    if workdir.is_symlink() or any(workdir.iterdir()):
        raise PacsflowError(
            f"{workdir} was not made by `pacsflow demo`: nothing in it was touched",
            fix="move it away, or set PACSFLOW_WORK to another folder",
        )
    with (workdir / MARK).open("x", encoding="utf-8") as stream:
        stream.write(_SAYS)


def _delete(place: Path) -> None:
    """Delete what the demo wrote; a link is taken away, not what it leads to."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
