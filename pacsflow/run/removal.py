"""A study taken away from where it lies: each target that can, the staging folder; and what to do where none can."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pacsflow.errors import PacsflowError
from pacsflow.export import Delivered, open_target
from pacsflow.ledger import outcomes, studies, withdrawals
from pacsflow.ledger.outcomes import ELSEWHERE, Delivery
from pacsflow.projects.project import Project
from pacsflow.run.remaining import target_names
from pacsflow.run.series_lines import NAME as LINES
from pacsflow.run.session import Session
from pacsflow.run.unexpected import fault_of
from pacsflow.wording import counted
from schemas.export import Target

Files = Sequence[tuple[str, str, int]]
BY_HAND = {
    "dicom": "DICOM has no way to take an image back: delete the study there",
    "dicomweb": "the service cannot be told to: delete the study there",
    "karnak": "a gateway passes images on: delete them where it passed them to",
    "xnat": "delete the session there",
    "AE": "images went there from the PACS: have whoever runs it delete the study",
}
"""Kind of a target -> why it takes nothing back, and what to do there."""
_GONE_BY_HAND = "deleted there by hand, as a person says"
_TARGET: TypeAdapter[Any] = TypeAdapter(Target)


@dataclass(frozen=True)
class Removal:
    """What became of a study at one place. `kept`: what is left there, and `why`; `gone`: files taken away."""

    place: str
    gone: Files
    kept: int = 0
    why: str = ""
    fix: str = ""
    delivered: float = 0.0


def taken_away(run: Session, key: str, by_hand: Sequence[str] = ()) -> list[Removal]:
    """What becomes of a study everywhere; what one place refuses keeps no other back.

    `by_hand`: targets where a person deleted everything.
    """
    if not studies.claim(run.ledger, key, run.owner):
        return [Removal("ledger", (), 1, "another run is at this study", "try again when it has ended")]
    try:
        found = [
            _at_target(run, delivery, by_hand=delivery.target in by_hand)
            for delivery in outcomes.deliveries(run.ledger, key).values()
        ]
        for one in found:
            if not one.kept:
                withdrawals.forget_delivery(run.ledger, key, one.place)
        here = _from_staging(run, key)
        if not here.kept:
            withdrawals.forget_held(run.ledger, key)
    finally:
        studies.release(run.ledger, key, run.owner)
    return [*(one for one in found if one.gone or one.kept), here]


def _at_target(run: Session, delivery: Delivery, *, by_hand: bool) -> Removal:
    files, at = delivery.files, delivery.at
    if by_hand:
        return Removal(delivery.target, files, 0, _GONE_BY_HAND, delivered=at)
    if delivery.target.startswith(ELSEWHERE):
        return Removal(delivery.target, (), 1, BY_HAND["AE"], _told(delivery.target), at)
    try:
        return _removed(run, delivery)
    except PacsflowError as error:
        return Removal(delivery.target, (), len(files), str(error), error.fix, at)
    except BaseException as error:  # noqa: BLE001 whatever it is, it does not concern the other targets
        return Removal(delivery.target, (), len(files), str(fault_of(error, delivery.target)), "", at)


def _removed(run: Session, delivery: Delivery) -> Removal:
    """Take away the files that are still as they were delivered. Raises PacsflowError."""
    settings = target_of(run.project, delivery)
    if settings is None:
        why, fix = "export.yaml does not name this target any more", "delete the files there"
        return Removal(delivery.target, (), len(delivery.files), why, f"{fix}, then {_told(delivery.target)}")
    target, files = open_target(settings, run.project.workdir), delivery.files
    paths = [path for path, _, _ in files]
    there = set(target.present(paths))
    if settings.kind in BY_HAND:
        if not there:
            return Removal(delivery.target, files, 0, "not there any more", delivered=delivery.at)
        fix = _told(delivery.target)
        return Removal(delivery.target, (), len(there), BY_HAND[settings.kind], fix, delivery.at)
    changed = set(target.verify(Delivered(tuple(files)))) & there
    target.remove([path for path in paths if path in there and path not in changed])
    left = set(target.present(paths))
    gone = [one for one in files if one[0] not in left]
    why = fix = ""
    if left:
        why = f"{counted(len(left), 'file differs', 'files differ')} from what was delivered: changed since, so left"
        fix = "look at them, and delete them there"
    elif not there and delivery.settings is None:
        return Removal(
            delivery.target, (), len(files), "nothing is there: the target may have moved", _told(delivery.target)
        )
    return Removal(delivery.target, gone, len(left), why, fix, delivery.at)


def _told(target: str) -> str:
    return f'when it is deleted there: the same command with --gone "{target}"'


def target_of(project: Project, delivery: Delivery) -> Target | None:
    """The settings of the target it was delivered to; of a ledger that did not keep them, those of the same name."""
    if delivery.settings:
        found: Target = _TARGET.validate_python(dict(delivery.settings))
        return found
    named = dict(zip(target_names(project), project.export.targets, strict=True))
    return named.get(delivery.target)


def _from_staging(run: Session, key: str) -> Removal:
    """Remove the instances and conversions that are held here."""
    gone: list[tuple[str, str, int]] = []
    kept = 0
    for instance in studies.instances(run.ledger, key, "held"):
        kept += not _deleted(run.staging, instance.path)
        gone.append((instance.path, instance.sha256, instance.size))
    for output in outcomes.outputs(run.ledger, key):
        kept += sum(not _deleted(run.staging, name) for name in output.files)
    kept += not _deleted(run.staging, f"{key}/{LINES}")
    fix = "look at the rights of the folder staging, then try again" if kept else ""
    return Removal("staging", gone, kept, "files cannot be deleted" if kept else "", fix)


def _deleted(root: Path, name: str) -> bool:
    """Whether a file below `root` is gone now; folders that are left empty go too."""
    try:
        (root / name).unlink(missing_ok=True)
    except OSError:
        return False
    with suppress(OSError):  # the first that is not empty ends it
        for folder in Path(name).parents[:-1]:
            (root / folder).rmdir()
    return True
