"""Which rule of a project converts a series, and which rules name what comes of it."""

from pacsflow.convert.masks import MODALITIES
from pacsflow.ledger.studies import Series
from pacsflow.projects.project import Project
from schemas.bids import Bids
from schemas.nifti import Nifti


def rules_for(project: Project, series: Series) -> Bids | None:
    """The rules for names that a series is put to; None where none are."""
    rule = nifti_rule(project, series)
    return project.bids.get(rule.bids) if rule and rule.bids else None


def nifti_rule(project: Project, series: Series) -> Nifti | None:
    """The rule that converts a series to NIfTI; None where none does, or it becomes masks or pictures."""
    modality = _modality(series)
    if becomes_masks(project, series) or modality in project.export.images:
        return None
    return next((rule for rule in project.export.nifti if rule.modality in ("*", modality)), None)


def becomes_masks(project: Project, series: Series) -> bool:
    """Whether label maps are made of a series."""
    return project.export.masks and _modality(series) in MODALITIES


def becomes_pictures(project: Project, series: Series) -> bool:
    """Whether PNG files are made of a series."""
    asked = project.export.images
    others = becomes_masks(project, series) or nifti_rule(project, series) is not None
    return _modality(series) in asked or ("*" in asked and not others)


def _modality(series: Series) -> str:
    return series.attributes.get("Modality", "")
