"""Each target compared with what was delivered to it, months later: what is missing there, what was changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pacsflow.errors import PacsflowError
from pacsflow.export import Delivered, open_target
from pacsflow.ledger import Ledger, outcomes
from pacsflow.ledger.book import canonical
from pacsflow.ledger.outcomes import ELSEWHERE, Delivery
from pacsflow.projects.project import Project
from pacsflow.run.removal import target_of
from pacsflow.run.unexpected import fault_of
from schemas.export import Target

BY_UID = frozenset({"dicom", "dicomweb"})
"""Kinds of targets that say which instances they hold, and not whether these are as they were."""
BY_NUMBER = "xnat"
"""The kind of target that says how many instances a session holds."""
_UNASKED = "karnak"


@dataclass(frozen=True)
class TargetAudit:
    """What a target holds of what was delivered. `compared`: by content, UID or number; '' where it was not.

    `missing`, `changed`: paths below the target, or UIDs. `why`: why it could not be compared, `fix` what to do.
    """

    target: str
    studies: int
    files: int
    compared: str = ""
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    why: str = ""
    fix: str = ""

    @property
    def fine(self) -> bool:
        """Whether all that was delivered is there as it was, as far as the target can be asked."""
        return bool(self.compared) and not self.missing and not self.changed


def audited(project: Project, ledger: Ledger) -> Iterator[TargetAudit]:
    """An audit of each target that anything was delivered to. Nothing is changed there or here."""
    groups: dict[tuple[str, str], list[Delivery]] = {}
    for _, delivery in outcomes.everywhere(ledger):
        groups.setdefault((delivery.target, canonical(delivery.settings)), []).append(delivery)
    for (name, _), deliveries in groups.items():
        files = tuple(one for delivery in deliveries for one in delivery.files)
        yield _audited(project, TargetAudit(name, len(deliveries), len(files)), deliveries[0], files)


def _audited(
    project: Project, told: TargetAudit, delivery: Delivery, files: Sequence[tuple[str, str, int]]
) -> TargetAudit:
    settings = target_of(project, delivery)
    why, fix = _unasked(told.target, settings)
    if settings is None or why:
        return TargetAudit(told.target, told.studies, told.files, why=why, fix=fix)
    try:
        target = open_target(settings, project.workdir)
        differing = target.verify(Delivered(tuple(files)))
        there = set(target.present(differing)) if differing else set()
    except Exception as error:  # noqa: BLE001 whatever it is, the other targets are compared
        fault = error if isinstance(error, PacsflowError) else fault_of(error, told.target)
        return TargetAudit(told.target, told.studies, told.files, why=str(fault), fix=fault.fix)
    missing = tuple(sorted(path for path in differing if path not in there))
    changed = tuple(sorted(path for path in differing if path in there))
    return TargetAudit(told.target, told.studies, told.files, _by(settings), missing, changed)


def _by(settings: Target) -> str:
    return "UID" if settings.kind in BY_UID else "number" if settings.kind == BY_NUMBER else "content"


def _unasked(name: str, settings: Target | None) -> tuple[str, str]:
    """Why a target cannot be asked, and what to do; empty where it can."""
    if name.startswith(ELSEWHERE):
        return "images went there from the PACS", "ask whoever runs it"
    if settings is None:
        return "export.yaml does not name this target any more", "name it again, or look there by hand"
    if settings.kind == _UNASKED or not getattr(settings, "query_back", True):
        return "it cannot be asked what it holds", "look there by hand"
    return "", ""
