"""demo, simpacs: the embedded PACS."""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import platformdirs
import typer

from pacsflow.cli import project as project_commands
from pacsflow.cli.show import console
from pacsflow.errors import PacsflowError, ProjectError, WorkLeftError
from pacsflow.system import wait_for_stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pacsflow.simpacs import Faults, SimPacs, StudyArchive

DEMO_KEY = "64656d6f" * 8
"""The demo's patients are made up: its key is not secret."""


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Go on with the last demo instead of starting over")] = False,
) -> None:
    """The main job from end to end on made-up patients: an embedded PACS, the project `projects/demo`, a report."""
    from pacsflow.projects import read_project
    from pacsflow.projects.demo import begin_demo, demo_project, demo_work
    from pacsflow.simpacs import demo_archive

    work = Path(os.environ.get("PACSFLOW_WORK") or platformdirs.user_data_path("pacsflow"))
    os.environ["PACSFLOW_WORK"] = str(demo_work(work.expanduser().absolute()))
    os.environ.setdefault("PACSFLOW_DEMO_KEY", DEMO_KEY)
    folder = demo_project()
    opened = read_project(folder)
    node, move_to = opened.pacs, opened.pacs.fetch.move_to
    destinations = {move_to.aet: (node.host, move_to.port)} if move_to else {}
    with _served(demo_archive(), port=node.port, aet=node.called_aet, destinations=destinations):
        begin_demo(opened.workdir, keep=keep)  # not before the port is ours: another demo may be at work there
        console.print(f"embedded PACS {node.called_aet} at {node.host}:{node.port}; project {folder}", soft_wrap=True)
        try:
            project_commands.run([folder])
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
    web: Annotated[int | None, typer.Option(help="TCP port of its DICOMweb; left out: none")] = None,
) -> None:
    """A small PACS for training and tests; with a YAML of faults, one that lies. Ctrl-C ends it."""
    from pacsflow.simpacs import demo_archive, load_faults

    known = dict(map(_destination, destination or ["PACSFLOW=127.0.0.1:11141"]))
    lies = load_faults(faults) if faults else None
    with _served(source or demo_archive(), lies, port=port, aet=aet, destinations=known, web=web) as pacs:
        also = f", DICOMweb at {pacs.url}" if pacs.url else ""
        console.print(f"{aet} listens on 127.0.0.1:{pacs.port}{also}; Ctrl-C ends it")
        wait_for_stop()
        console.print(", ".join(f"{name} {number}" for name, number in sorted(pacs.counts.items())) or "nothing asked")


@contextmanager
def _served(source: "Path | StudyArchive", faults: "Faults | None" = None, **options: Any) -> "Iterator[SimPacs]":
    from pacsflow.simpacs import serve

    try:
        pacs = serve(source, faults=faults, **options)
    except OSError as error:
        raise PacsflowError(
            f"port {_ports(options)} cannot be listened on: {error.strerror}", fix="end what holds it"
        ) from None
    try:
        yield pacs
    finally:
        pacs.stop()


def _ports(options: "Mapping[str, Any]") -> str:
    return " or ".join(str(options[name]) for name in ("port", "web") if options.get(name) is not None)


def _destination(text: str) -> tuple[str, tuple[str, int]]:
    aet, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    if not (aet and host and port.isdigit()):
        raise ProjectError.at("simpacs", "is not AET=HOST:PORT", "PACSFLOW=127.0.0.1:11141", field="--destination")
    return aet, (host, int(port))
