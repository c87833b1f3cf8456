"""send: a folder tree of DICOM files to a target."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.progress import track

from pacsflow.cli.show import console, errors, show_error
from pacsflow.cli.temporaries import temporaries
from pacsflow.cli.trees import Tree, end, no_dicom
from pacsflow.errors import Problem, ProjectError, SecretError, TargetError
from pacsflow.projects import read_project, read_targets
from pacsflow.wording import counted
from schemas.export import Dicom, Files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pacsflow.export import StudyFolder, Target
    from schemas.export import Target as Settings

_NODE = re.compile(r"^(?P<aet>[^@]+)@(?P<host>[^@]+):(?P<port>\d+)$")


def send(
    tree: Tree,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="AET@HOST:PORT, a file with `targets:`, or a project folder")
    ],
    calling_aet: Annotated[str, typer.Option(help="Our own AE title, for AET@HOST:PORT")] = "PACSFLOW",
) -> None:
    """Bring a folder tree of DICOM files to a target, as it is: nothing is de-identified."""
    from pacsflow.export.tree import studies_of

    targets = _targets(target, calling_aet)
    studies, below = studies_of(tree)
    if not studies:
        raise no_dicom(tree, below)
    with temporaries():
        faults = _send(studies, targets)
    images = sum(len(series.dicom) for study in studies for series in study.series)
    failed = f"to send, {counted(faults, 'delivery', 'deliveries')} failed: run it again"
    done = failed if faults else "sent, as they are"
    console.print(f"{counted(len(studies), 'study', 'studies')}, {counted(images, 'image')} {done}")
    end(below, TargetError.exit_code if faults else 0)


def _send(studies: "list[StudyFolder]", targets: "list[Target]") -> int:
    """Bring each study to each target; the number of deliveries that failed."""
    faults = 0
    for number, study in enumerate(track(studies, description="studies", console=errors, transient=True), 1):
        for place, one in enumerate(targets, 1):
            try:
                one.deliver(study)
            except (TargetError, SecretError) as error:
                faults += 1
                which = f", target {place} of {len(targets)}" if len(targets) > 1 else ""
                errors.print(f"study {number} of {len(studies)}, {counted(len(study.instances), 'image')}{which}:")
                show_error(error)
    return faults


def _targets(words: str, calling_aet: str) -> "list[Target]":
    from pacsflow.export import open_target

    if found := _NODE.match(words):
        node = {"host": found["host"], "port": int(found["port"]), "called_aet": found["aet"]}
        try:
            return [open_target(Dicom(kind="dicom", calling_aet=calling_aet, **node), Path.cwd())]
        except ValidationError as error:
            field = str(error.errors()[0]["loc"][0])
            raise ProjectError.at(words, "is not right", "write AET@HOST:PORT", field=field) from None
    place = Path(words)
    if not place.exists():
        message, fix = (
            "is missing: no file, no folder, and no node",
            "write AET@HOST:PORT, a file with `targets:`, or a project",
        )
        raise ProjectError.at("TARGET", message, fix)
    if place.is_dir():
        project = read_project(place)
        return _opened(place / "export.yaml", project.export.targets, project.workdir)
    return _opened(place, read_targets(place, Path.cwd()), Path.cwd())


def _opened(file: Path, settings: "Sequence[Settings]", workdir: Path) -> "list[Target]":
    """The targets. Raises ProjectError where there is none, and for those that take no DICOM: nothing would be sent."""
    from pacsflow.export import open_target

    if not settings:
        raise ProjectError.at(file.name, "is empty: there is nowhere to send to", "add a target", field="targets")
    problems = [
        Problem(file.name, 0, f"targets[{position}]", "takes converted files only", "pacsflow convert, or take it out")
        for position, one in enumerate(settings)
        if not (one.dicom if isinstance(one, Files) else one.kind != "bids")
    ]
    if problems:
        raise ProjectError(problems)
    return [open_target(one, workdir) for one in settings]
