"""A study taken away from where it lies: each target that can, the staging folder; and what to do where none can."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pacsflow.errors import PacsflowError
from pacsflow.export import Delivered, open_target
from pacsflow.ledger import outcomes, sharing, studies, withdrawals
from pacsflow.ledger.outcomes import ELSEWHERE, Delivery
from pacsflow.projects.project import Project
from pacsflow.run.remaining import target_names
from pacsflow.run.series_lines import NAME as LINES
from pacsflow.run.session import Session
from pacsflow.run.unexpected import fault_of
from pacsflow.wording import counted
from schemas.export import Target

Files = Sequence[tuple[str, str, int]]
ON_DISK = frozenset({"folder", "bids", "archive", "dicomdir"})
BY_HAND = {
    "dicom": "DICOM has no way to take an image back: delete the study there",
    "dicomweb": "the service cannot be told to: delete the study there",
    "karnak": "a gateway passes images on: delete them where it passed them to",
    "xnat": "delete the session there",
    "AE": "images went there from the PACS: have whoever runs it delete the study",
}
"""Kind of a target -> why it takes nothing back, and what to do there."""
STAGING = "staging"
"""The place that is here."""
_GONE_BY_HAND = "deleted there by hand, as a person says"
_IMAGE = re.compile(r"[0-9.]{1,128}\.dcm|\..+\.part")
_MADE = re.compile(r"nifti|\.nifti\.converting")
_TARGET: TypeAdapter[Any] = TypeAdapter(Target)


@dataclass(frozen=True)
class Removal:
    """What became of a study at one place. `kept`: what is left there, and `why`.

    `gone`: files that are not there any more; `lacking`: how many of them were not there before, either.
    """

    place: str
    gone: Files
    kept: int = 0
    why: str = ""
    fix: str = ""
    delivered: float = 0.0
    lacking: int = 0


def taken_away(run: Session, key: str, by_hand: Sequence[str] = ()) -> list[Removal]:
    """What becomes of a study everywhere; what one place refuses keeps no other back. The ledger knows of it as before.

    `by_hand`: targets where a person deleted everything.
    """
    if not studies.claim(run.ledger, key, run.owner):
        return [Removal("ledger", (), 1, "another run is at this study", "try again when it has ended")]
    try:
        found = [
            _at_target(run, delivery, by_hand=delivery.target in by_hand)
            for delivery in outcomes.deliveries(run.ledger, key).values()
        ]
        return [*found, _from_staging(run, key)]
    finally:
        studies.release(run.ledger, key, run.owner)


def forget(run: Session, key: str, found: Sequence[Removal]) -> None:
    """Have the ledger know no more of what was taken away of a study, once it is on record."""
    for one in found:
        if not one.kept and one.place == STAGING:
            withdrawals.forget_held(run.ledger, key)
        elif not one.kept:
            withdrawals.forget_delivery(run.ledger, key, one.place)


def _at_target(run: Session, delivery: Delivery, *, by_hand: bool) -> Removal:
    """What becomes of a study at one target. That it was deleted by hand is believed where nobody can be asked."""
    files = delivery.files
    said = Removal(delivery.target, files, 0, _GONE_BY_HAND, "", delivery.at, len(files))
    if delivery.target.startswith(ELSEWHERE):
        stays = replace(said, gone=(), lacking=0, kept=1, why=BY_HAND["AE"], fix=_told(delivery.target))
        return said if by_hand else stays
    try:
        found = _removed(run, delivery)
    except BaseException as error:  # noqa: BLE001 whatever it is, it does not concern the other targets
        fault = error if isinstance(error, PacsflowError) else fault_of(error, delivery.target)
        fix = "; ".join(filter(None, (fault.fix, _told(delivery.target))))
        stays = replace(said, gone=(), lacking=0, kept=max(len(files), 1), why=str(fault), fix=fix)
        return said if by_hand else stays
    if by_hand and found.kept and not _answers(run, delivery):
        return said
    if found.kept or delivery.status != outcomes.FAILED:
        return found
    if by_hand:
        return replace(found, why=_GONE_BY_HAND)
    fix = f"look there for files of the study; {_told(delivery.target)}"
    return replace(found, kept=1, why=f"{outcomes.BROKE_OFF} there: what it left is not known", fix=fix)


def is_on_disk(settings: Target) -> bool:
    """Whether a target is a folder of this machine."""
    return settings.kind in ON_DISK or str(getattr(settings, "url", "")).startswith("file:")


def _answers(run: Session, delivery: Delivery) -> bool:
    """Whether a target says what it holds, so that it is not for a person to say."""
    settings = target_of(run.project, delivery)
    return settings is not None and settings.kind != "karnak" and bool(getattr(settings, "query_back", True))


def _removed(run: Session, delivery: Delivery) -> Removal:
    """Take away the files that are still as they were delivered. Raises PacsflowError."""
    settings = target_of(run.project, delivery)
    if settings is None:
        why, fix = "export.yaml does not name this target any more", "delete the files there"
        return Removal(delivery.target, (), len(delivery.files), why, f"{fix}, then {_told(delivery.target)}")
    target, files = open_target(settings, run.project.workdir), delivery.files
    if not files:
        return Removal(delivery.target, (), delivered=delivery.at)
    paths = [path for path, _, _ in files]
    there = set(target.present(paths))
    if settings.kind in BY_HAND:
        if not there:
            return Removal(delivery.target, files, 0, "not there any more", "", delivery.at, len(files))
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
    return Removal(delivery.target, gone, len(left), why, fix, delivery.at, len(files) - len(there))


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
    """Remove all that is held here of a study: instances, conversions, and what a killed run did not note."""
    held = studies.instances(run.ledger, key, "held")
    if run.project.settings.workers > 1 and sharing.staged_at(run.ledger, key, run.place) != run.place:
        why = "the images lie in the work directory of another machine"
        return Removal(STAGING, (), len(held), why if held else "", "the same command there" if held else "")
    gone = [(one.path, one.sha256, one.size) for one in held if _deleted(run.staging, one.path)]
    for output in outcomes.outputs(run.ledger, key):
        for name in output.files:
            _deleted(run.staging, name)
    _deleted(run.staging, f"{key}/{LINES}")
    left = [path.relative_to(run.staging) for path in _below(run.staging / key)]
    foreign = [path for path in left if not (_is_ours(path) and _deleted(run.staging, str(path)))]
    fix = "look at the folder staging and its rights, delete them, then try again" if foreign else ""
    why = f"{counted(len(foreign), 'file')} cannot be deleted, or pacsflow does not know of it" if foreign else ""
    return Removal(STAGING, gone, len(foreign), why, fix)


def _below(folder: Path) -> list[Path]:
    """All files and links below a folder; links are not followed."""
    return [Path(top, name) for top, names, files in os.walk(folder) for name in (*files, *_links(Path(top), names))]


def _links(top: Path, names: Sequence[str]) -> list[str]:
    return [name for name in names if (top / name).is_symlink()]


def _is_ours(path: Path) -> bool:
    """Whether a file of the staging folder (study/series/…) has a name that runs give: an image, a conversion."""
    _, *series, name = path.parts
    return bool(_IMAGE.fullmatch(name)) or any(_MADE.fullmatch(part) for part in series[1:])


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
