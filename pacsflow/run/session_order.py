"""The order of a patient's studies, by which sessions of a BIDS dataset may be called."""

from pacsflow.ledger import Ledger, studies
from pacsflow.projects.project import Project
from schemas.export import BidsDataset


def by_order(project: Project) -> bool:
    """Whether a target calls sessions by their order."""
    return any(isinstance(one, BidsDataset) and one.sessions == "order" for one in project.export.targets)


def ordinals(ledger: Ledger) -> dict[str, str]:
    """Key of a study -> its place among the planned studies of its patient, by date and time: 01, 02, …."""
    patients: dict[str, list[tuple[str, str, str]]] = {}
    for plan in studies.planned(ledger):
        study = studies.study(ledger, plan.key)
        told = study.attributes
        moment = (told.get("StudyDate", ""), told.get("StudyTime", ""), study.key)
        patients.setdefault(study.patient_id.strip() or study.key, []).append(moment)
    return {key: f"{place:02}" for moments in patients.values() for place, (_, _, key) in enumerate(sorted(moments), 1)}
