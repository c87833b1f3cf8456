"""Delivery: one module per destination kind.

A module gives `open_target(settings) -> Target`.
"""

from pathlib import Path
from typing import Protocol

from pacsflow.errors import TargetError
from pacsflow.export import archive, bids, dicom, dicomdir, dicomweb, folder, karnak, storage, xnat
from pacsflow.export.contract import Delivered, SeriesFiles, StudyFolder, Target
from pacsflow.export.series import read_series
from schemas import export as settings_of
from schemas.layout import check_layout

__all__ = [
    "TARGETS",
    "Delivered",
    "SeriesFiles",
    "StudyFolder",
    "Target",
    "check_layout",
    "open_target",
    "read_series",
]


class Module(Protocol):
    """A kind of destination."""

    def open_target(self, settings: settings_of.Target) -> Target:
        """The destination that `settings` describe. Raises TargetError."""


TARGETS: dict[str, Module] = {
    "archive": archive,
    "bids": bids,
    "dicom": dicom,
    "dicomweb": dicomweb,
    "dicomdir": dicomdir,
    "folder": folder,
    "karnak": karnak,
    "storage": storage,
    "xnat": xnat,
}


def open_target(settings: settings_of.Target, workdir: Path) -> Target:
    """The destination that one entry of `targets:` describes. Raises TargetError, also for a bad layout."""
    if settings.kind not in TARGETS:
        known = ", ".join(sorted(TARGETS))
        raise TargetError(f"targets of kind {settings.kind} cannot be delivered to yet", remedy=f"use {known}")
    if isinstance(settings, settings_of.Files) and (problem := check_layout(settings.layout)):
        raise TargetError(f"layout: {problem}", remedy="correct `layout` in export.yaml")
    if path := getattr(settings, "path", ""):
        settings = settings.model_copy(update={"path": path.replace("${project.workdir}", str(workdir))})
    return TARGETS[settings.kind].open_target(settings)
