"""What a project may say: pydantic models, nothing that touches disk, network or environment."""

from schemas._base import Model
from schemas.deid import DeidProfile
from schemas.export import Export
from schemas.pacs import PacsNode
from schemas.project import ProjectSettings
from schemas.query import Query

FILES: dict[str, type[Model]] = {
    "project.yaml": ProjectSettings,
    "pacs.yaml": PacsNode,
    "query.yaml": Query,
    "deid.yaml": DeidProfile,
    "export.yaml": Export,
}
"""The files of a project folder and the model each must satisfy."""

__all__ = ["FILES", "DeidProfile", "Export", "PacsNode", "ProjectSettings", "Query"]
