"""Images of other studies of the patient that masks lie on: made for the masks, where they are held.

What a mask lies on is written down before it is made: a study whose image comes later is delivered again.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path  # noqa: TC003

from pacsflow.convert import Converted
from pacsflow.convert.masks import NO_IMAGE
from pacsflow.convert.masks.references import references_in
from pacsflow.ledger import outcomes, referrals, studies
from pacsflow.ledger.referrals import Referral
from pacsflow.ledger.studies import Series, Study
from pacsflow.run.conversion_rules import becomes_masks, nifti_rule
from pacsflow.run.converting import Making, nifti_making
from pacsflow.run.session import Session


def note_images(run: Session, study: Study) -> None:
    """Write down which series of other studies the masks of a study lie on, as far as rows want them."""
    if not run.project.export.masks:
        return
    masks = [one for one in study.wanted if becomes_masks(run.project, one)]
    referrals.note_referrals(run.ledger, study.key, list(_referrals(run, study, masks)) if masks else [])


def masks_turn(run: Session, study: Study) -> None:
    """Give studies another turn whose masks lie on images of a study that was just fetched."""
    if run.project.export.masks:
        for key in referrals.masks_beside(run.ledger, study.key, NO_IMAGE):
            note_images(run, studies.study(run.ledger, key))
        for key in referrals.referring(run.ledger, study.key):
            run.another_turn(key)


def _referrals(run: Session, study: Study, masks: Iterable[Series]) -> Iterator[Referral]:
    held: dict[str, list[Path]] = {one.key: [] for one in masks}
    for instance in studies.instances(run.ledger, study.key, "held"):
        if instance.series_key in held:
            held[instance.series_key].append(run.staging / instance.path)
    here = {run.cleaner.uid(one.uid) for one in study.series}
    away = {key: references_in(files).series - here for key, files in held.items()}
    if any(away.values()):
        for other, series, uid in referrals.series_beside(run.ledger, study.key):
            new = run.cleaner.uid(uid)
            yield from (Referral(key, other, series) for key, named in away.items() if new in named)


def images_beside(run: Session, study: Study) -> dict[str, list[Making]]:
    """Key of a series of masks -> how the images of other studies that it lies on are made, of those that are held."""
    found: dict[str, list[Making]] = {}
    for one in referrals.referrals(run.ledger, study.key):
        if image := _image(run, one):
            found.setdefault(one.series_key, []).append(image)
    return found


def _image(run: Session, referral: Referral) -> Making | None:
    """How the NIfTI of a series of another study is made, or taken where it is there; None where it is not held."""
    key = referral.image_study
    plan = next(iter(studies.planned(run.ledger, key)), None)
    wanted = studies.study(run.ledger, key).wanted if plan and plan.content else ()
    series = next((one for one in wanted if one.key == referral.image_series), None)
    rule = nifti_rule(run.project, series) if series else None
    held = [one for one in studies.instances(run.ledger, key, "held") if one.series_key == referral.image_series]
    files = [run.staging / one.path for one in held]
    if rule is None or not files or not all(path.is_file() for path in files):  # another worker has them
        return None
    job = nifti_making(run, rule, files, [one.sha256 for one in held])
    before = {one.series_key: one for one in outcomes.outputs(run.ledger, key)}.get(referral.image_series)
    there = tuple(run.staging / name for name in before.files) if before and before.digest == job.digest else ()
    if there and all(path.is_file() for path in there):
        return Making(job.kind, job.digest, lambda _: Converted(there))
    return job
