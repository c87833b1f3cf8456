"""Delivery: one module per destination kind, each with a `Target` made of its settings."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pacsflow.export.archive import ArchiveTarget
from pacsflow.export.bids import BidsTarget
from pacsflow.export.contract import Delivered, SeriesFiles, StudyFolder, Target
from pacsflow.export.dicom import NodeTarget
from pacsflow.export.dicomdir import FileSetTarget
from pacsflow.export.dicomweb import ServerTarget
from pacsflow.export.folder import FolderTarget
from pacsflow.export.karnak import GatewayTarget
from pacsflow.export.series import read_series
from pacsflow.export.storage import StorageTarget
from pacsflow.export.xnat import ProjectTarget
from schemas import export as settings_of

__all__ = [
    "TARGETS",
    "Delivered",
    "SeriesFiles",
    "StudyFolder",
    "Target",
    "open_target",
    "read_series",
]


TARGETS: Mapping[str, Callable[[Any], Target]] = {
    "archive": ArchiveTarget,
    "bids": BidsTarget,
    "dicom": NodeTarget,
    "dicomweb": ServerTarget,
    "dicomdir": FileSetTarget,
    "folder": FolderTarget,
    "karnak": GatewayTarget,
    "storage": StorageTarget,
    "xnat": ProjectTarget,
}
"""`kind` of the settings -> the destination that they describe."""


def open_target(settings: settings_of.Target, workdir: Path) -> Target:
    """The destination that one entry of `targets:`, read and checked, describes. Raises TargetError."""
    if path := getattr(settings, "path", ""):
        settings = settings.model_copy(update={"path": path.replace("${project.workdir}", str(workdir))})
    return TARGETS[settings.kind](settings)
