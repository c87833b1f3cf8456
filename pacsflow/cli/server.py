"""demo, simpacs: the embedded PACS."""

import os
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import platformdirs
import typer

from pacsflow.cli import project as project_commands
from pacsflow.cli.show import console
from pacsflow.errors import PacsflowError, ProjectError, WorkLeftError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacsflow.simpacs import Archive, Faults, SimPacs

DEMO_KEY = "64656d6f" * 8
"""The demo's patients are made up: its key is no secret."""


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Go on with the last demo instead of beginning anew")] = False,
) -> None:
    """The main job from end to end on made-up patients: an embedded PACS, the project `projects/demo`, a report."""
    from pacsflow.projects import read_project
    from pacsflow.simpacs import demo_archive

    os.environ.setdefault("PACSFLOW_WORK", str(platformdirs.user_data_path("pacsflow")))
    os.environ.setdefault("PACSFLOW_DEMO_KEY", DEMO_KEY)
    folder = _demo_folder()
    opened = read_project(folder)
    if not keep:
        shutil.rmtree(opened.workdir, ignore_errors=True)
    node, move_to = opened.pacs, opened.pacs.fetch.move_to
    destinations = {move_to.aet: (node.host, move_to.port)} if move_to else {}
    with _served(demo_archive(), port=node.port, aet=node.called_aet, destinations=destinations):
        console.print(f"embedded PACS {node.called_aet} at {node.host}:{node.port}; project {folder}", soft_wrap=True)
        try:
            project_commands.run(folder)
        except WorkLeftError as left:
            console.print(f"as it should be: {left}", soft_wrap=True)
            console.print("one row has no hit, one is refused, one waits for a person. To settle it:")
            console.print(_settling(folder), markup=False, soft_wrap=True)


def _settling(folder: Path) -> str:
    """The commands that settle the demo's held row, as they work in a shell that knows nothing of the demo."""
    told = " ".join(f"{name}='{os.environ[name]}'" for name in ("PACSFLOW_WORK", "PACSFLOW_DEMO_KEY"))
    return f"  export {told}\n  pacsflow settle {folder} D-07 --drop\n  pacsflow demo --keep"


def simpacs(
    source: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="Folder of DICOM files; left out: made-up patients")
    ] = None,
    port: Annotated[int, typer.Option(help="TCP port, on 127.0.0.1")] = 11140,
    aet: Annotated[str, typer.Option(help="Application entity title")] = "SIMPACS",
    faults: Annotated[Path | None, typer.Option(help="YAML of faults: how it misbehaves", exists=True)] = None,
    destination: Annotated[
        list[str] | None, typer.Option(help="C-MOVE destination AET=HOST:PORT; may be repeated")
    ] = None,
) -> None:
    """A small PACS for training and tests; with a YAML of faults, one that lies. Ctrl-C ends it."""
    from pacsflow.simpacs import demo_archive, load_faults

    known = dict(map(_destination, destination or ["PACSFLOW=127.0.0.1:11141"]))
    lies = load_faults(faults) if faults else None
    with _served(source or demo_archive(), lies, port=port, aet=aet, destinations=known) as pacs:
        console.print(f"{aet} listens on 127.0.0.1:{pacs.port}; Ctrl-C ends it")
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        console.print(", ".join(f"{name} {number}" for name, number in sorted(pacs.counts.items())) or "nothing asked")


@contextmanager
def _served(source: "Path | Archive", faults: "Faults | None" = None, **options: Any) -> "Iterator[SimPacs]":
    from pacsflow.simpacs import serve

    try:
        pacs = serve(source, faults=faults, **options)
    except OSError as error:
        raise PacsflowError(
            f"port {options['port']} cannot be listened on: {error.strerror}", remedy="end what holds it"
        ) from None
    try:
        yield pacs
    finally:
        pacs.stop()


def _destination(text: str) -> tuple[str, tuple[str, int]]:
    aet, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    if not (aet and host and port.isdigit()):
        raise ProjectError.at("simpacs", "is not AET=HOST:PORT", "PACSFLOW=127.0.0.1:11141", field="--destination")
    return aet, (host, int(port))


def _demo_folder() -> Path:
    """The demo project: in the checkout, or in the installed package."""
    package = Path(__file__).parents[1]
    for folder in (package.parent / "projects" / "demo", package / "demo"):
        if folder.is_dir():
            return folder
    raise PacsflowError("the demo project is not installed", remedy="install pacsflow again, or run from a checkout")
