"""A small PACS in one process: the demo's default, and a peer for tests that can be made to misbehave."""

from pacsflow.simpacs.archive import StudyArchive
from pacsflow.simpacs.faults import load_faults
from pacsflow.simpacs.folder import folder_archive
from pacsflow.simpacs.phantoms import demo_archive, phantom_archive, write_phantoms
from pacsflow.simpacs.server import SimPacs, serve
from schemas.simpacs import Faults

__all__ = [
    "Faults",
    "SimPacs",
    "StudyArchive",
    "demo_archive",
    "folder_archive",
    "load_faults",
    "phantom_archive",
    "serve",
    "write_phantoms",
]
