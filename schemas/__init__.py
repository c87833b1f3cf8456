"""What a project may say: pydantic models, nothing that touches disk, network or environment."""

from schemas._base import Model
from schemas.bids import Bids
from schemas.deid import DeidProfile
from schemas.export import Export
from schemas.log_in import LogIn
from schemas.pacs import PacsNode
from schemas.policy import Policy
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

BESIDE: dict[str, type[Model]] = {"bids.yaml": Bids, "log-in.yaml": LogIn, "policy.yaml": Policy}
"""Files that others name, under a name of one's own, and the model each must satisfy."""

__all__ = [
    "BESIDE",
    "FILES",
    "Bids",
    "DeidProfile",
    "Export",
    "LogIn",
    "PacsNode",
    "Policy",
    "ProjectSettings",
    "Query",
]
