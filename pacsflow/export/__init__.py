"""Delivery: one module per destination kind, each with a `Target` made of its settings."""

from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Final, get_args
from urllib.parse import urlsplit

from pacsflow.export.contract import Delivered, SeriesFiles, StudyFolder, Target
from pacsflow.export.series import read_series
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


TARGETS: Final[Mapping[str, str]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model.MODULE
    for model in get_args(get_args(settings_of.Target)[0])
}
"""`kind` of the settings -> module and class of the destination that they describe."""


def open_target(settings: settings_of.Target, workdir: Path) -> Target:
    """The destination that one entry of `targets:`, read and checked, describes. Raises TargetError."""
    if path := getattr(settings, "path", ""):
        settings = settings.model_copy(update={"path": path.replace("${project.workdir}", str(workdir))})
    if (
        isinstance(settings, settings_of.Storage) and settings.scheme == "file"
    ):  # as a folder: no links, no public files
        files = settings.model_dump(include={"layout", "dicom", "nifti"})
        settings = settings_of.Folder(kind="folder", path=urlsplit(settings.url).path, **files)
    target: Target = resolve_name(settings.MODULE)(settings)
    return target
