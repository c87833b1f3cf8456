"""Deliver a study: convert its series, then bring it to each target. "Done" is recorded here, by no target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pacsflow.convert import bids
from pacsflow.errors import PacsflowError, RefusalError, TargetError
from pacsflow.export import Delivered, SeriesFiles, StudyFolder, open_target, read_series
from pacsflow.export.bids_names import left_out
from pacsflow.export.disk import facts_of
from pacsflow.ledger import naming, outcomes, studies
from pacsflow.ledger.outcomes import FAILED, UNREADY, Delivery, Output
from pacsflow.ledger.referrals import image_contents
from pacsflow.ledger.studies import Instance, Planned, Series, Study
from pacsflow.ledger.summary import rows_of
from pacsflow.projects.project import Project
from pacsflow.refs import StudyRef
from pacsflow.run.conversion_rules import becomes_masks, rules_for
from pacsflow.run.converting import Making, converted, making_of
from pacsflow.run.images_beside import images_beside, note_images
from pacsflow.run.remaining import PERSONS, delivery_digest, elsewhere, target_names, unsigned_studies
from pacsflow.run.removal import is_on_disk, target_of
from pacsflow.run.reporting.row_label import row_label
from pacsflow.run.series_lines import note_lines
from pacsflow.run.session import Session, session
from pacsflow.run.session_labels import session_label
from pacsflow.run.session_moves import make_way
from pacsflow.run.session_order import by_order, ordinals
from pacsflow.run.sharing import claim_here
from pacsflow.run.unexpected import fault_of
from schemas.bids import WARNING
from schemas.export import BidsDataset, Target

Files = Sequence[tuple[str, str, int]]


def deliver_study(ref: StudyRef) -> StudyRef | None:
    """The study, at all targets. None when it is not complete, waits for a sign-off, or another run has it.

    Raises TargetError when a target did not take it; the other targets have it all the same.
    """
    run = session(ref.project)
    plan = next(iter(studies.planned(run.ledger, ref.key)), None)
    if plan is None or not plan.complete or unsigned_studies(run.ledger, run.project, ref.key):
        return None
    if not claim_here(run, ref.key):
        return None
    try:
        _deliver(run, plan)
    except PacsflowError as error:
        run.advise(ref.key, error)
        raise
    finally:
        studies.release(run.ledger, ref.key, run.owner)
        run.remaining.changed()
    run.advise(ref.key, None)
    run.tell("studies delivered")
    return ref


def _deliver(run: Session, plan: Planned) -> None:
    study = studies.study(run.ledger, plan.key)
    if sent := elsewhere(run.project, plan):
        outcomes.note_delivery(run.ledger, study.key, sent)
        return
    known = outcomes.deliveries(run.ledger, study.key)
    faults: list[PacsflowError] = []
    note_images(run, study)
    images = image_contents(run.ledger, study.key).get(study.key, [])  # as they are before masks are made on them
    folder = _prepared(run, study)
    order = ordinals(run.ledger)[study.key] if by_order(run.project) else ""
    for name, target in zip(target_names(run.project), run.project.export.targets, strict=True):
        digest = delivery_digest(run.project, plan, target, [order, *images])
        if name in known and (known[name].status, known[name].digest) == ("done", digest):
            continue
        before = _former(run, study.key, known.get(name), target)
        outcome = Delivery(name, UNREADY, digest, str(folder), before, target.model_dump(mode="json"))
        if name in known and known[name].status == FAILED:
            outcome = replace(outcome, status=FAILED)
        if not isinstance(folder, PacsflowError):
            outcome = _attempted(run, study, target, _called(run, study, folder, target, order), outcome, faults)
        outcomes.note_delivery(run.ledger, study.key, outcome)
    if isinstance(folder, PacsflowError):
        raise folder
    if faults:
        text = "; ".join(sorted({str(fault) for fault in faults}))
        fix = "; ".join(dict.fromkeys(fault.fix for fault in faults if fault.fix))
        raise TargetError(text, fix=fix, transient=any(fault.transient for fault in faults))


def _attempted(
    run: Session, study: Study, target: Target, folder: StudyFolder, planned: Delivery, faults: list[PacsflowError]
) -> Delivery:
    """What became of a delivery. That it began is on disk before: what a killed one left may be anything."""
    outcomes.note_delivery(run.ledger, study.key, replace(planned, status=FAILED, reason=outcomes.BROKE_OFF))
    try:
        if isinstance(target, BidsDataset) and target.sessions == "order":
            make_way(run.ledger, run.project.workdir, study.key, planned.target, target)
        files = _delivered(run, target, folder, planned.files)
    except BaseException as error:  # noqa: BLE001 whatever it is, it does not concern the other targets
        fault = _placed(fault_of(error, planned.target), target)
        faults.append(fault)
        return replace(planned, status=FAILED, reason=str(fault))
    return replace(planned, status="done", reason="", files=files)


def finish(run: Session, key: str) -> None:
    """Bring deliveries that broke off on disks of this machine to their end, so that all that they left is known.

    For what is taken away afterwards; what fails stays noted as broken off, and nothing is sent to other machines.
    """
    broken = [one for one in outcomes.deliveries(run.ledger, key).values() if one.status == FAILED]
    wanted = [(one, target) for one in broken if (target := target_of(run.project, one)) and is_on_disk(target)]
    if not wanted:
        return
    study = studies.study(run.ledger, key)
    study = replace(study, series=tuple(replace(one, wanted=True) for one in study.series))
    folder = _prepared(run, study)
    for one, target in wanted:
        if not isinstance(folder, PacsflowError):
            order = ordinals(run.ledger).get(key, "") if by_order(run.project) else ""
            called = _called(run, study, folder, target, order)
            outcomes.note_delivery(run.ledger, key, _attempted(run, study, target, called, one, []))


def _placed(fault: PacsflowError, target: Target) -> PacsflowError:
    """What a target did not take, with the place that export.yaml names."""
    place = next((said for key in ("path", "url", "host") if (said := getattr(target, key, ""))), "")
    if not place or not isinstance(fault, TargetError) or place in str(fault):
        return fault
    return TargetError(f"{fault} ({place})", fix=fault.fix, transient=fault.transient)


def place_of(settings: Mapping[str, Any]) -> str:
    """Where a target is, by its settings: kind and path, address, or node."""
    names = ("kind", "path", "url", "host", "port", "called_aet", "project")
    return " ".join(str(settings[name]) for name in names if settings.get(name))


def _former(run: Session, key: str, before: Delivery | None, target: Target) -> Files:
    """The files of the delivery before at this target; of one at another place, which stays in the ledger, none."""
    if before is None:
        return ()
    if not before.files or not before.settings:
        return before.files
    there = place_of(before.settings)
    if there == place_of(target.model_dump(mode="json")):
        return before.files
    former = f"{before.target} before {studies.digest_of([there])[:6]}"
    outcomes.note_delivery(run.ledger, key, replace(before, target=former, status="done", reason=""))
    return ()


def _called(run: Session, study: Study, folder: StudyFolder, target: Target, order: str) -> StudyFolder:
    """The study with what its session is called at a target."""
    if not isinstance(target, BidsDataset) or target.sessions == "date":
        return folder
    wanting = [run.row_of(row_id) for row_id in rows_of(run.ledger, study.key) if row_id in run.table]
    return replace(folder, session=session_label(study, wanting, target, order))


def _prepared(run: Session, study: Study) -> StudyFolder | PacsflowError:
    """The study as it lies in staging, its series converted; what was raised where that fails."""
    try:
        return _folder(run, study)
    except BaseException as error:  # noqa: BLE001 what spoils one study does not concern the others
        return fault_of(error, "deliver_study")


def _delivered(run: Session, wanted: Target, folder: StudyFolder, before: Files) -> Files:
    """The files of a study at a target; of those of the delivery `before` that are not part of it, none is left.

    A file there that was changed since stays. A study of which nothing is held is
    not offered at all.
    """
    if not folder.series and not before:
        return ()
    target = open_target(wanted, run.project.workdir)
    files = (
        ()
        if not folder.series
        else target.deliver(replace(folder, written=frozenset(digest for _, digest, _ in before))).files
    )
    now = {path for path, _, _ in files}
    outdated = [one for one in before if one[0] not in now]
    changed = set(target.verify(Delivered(tuple(outdated)))) if outdated else set()
    target.remove([path for path, _, _ in outdated if path not in changed])
    return files


@dataclass(frozen=True)
class _Known:
    """What earlier conversions of a study gave, by series; whether a rule leaves this one out."""

    done: Mapping[str, Output]
    left_out: bool


def _folder(run: Session, study: Study) -> StudyFolder:
    """The study as it lies in staging, its series converted."""
    held: dict[str, list[Instance]] = {}
    for instance in studies.instances(run.ledger, study.key, "held"):
        held.setdefault(instance.series_key, []).append(instance)
    if PERSONS[run.project.settings.sign_off]:
        _as_signed(run, [one for each in held.values() for one in each])
    done = {output.series_key: output for output in outcomes.outputs(run.ledger, study.key)}
    originals, beside = _originals(run, study), images_beside(run, study)
    series: dict[str, SeriesFiles] = {}
    told: dict[str, tuple[Output, list[str]]] = {}
    for wanted in sorted(study.wanted, key=lambda one: becomes_masks(run.project, one)):  # masks after their images
        if instances := held.get(wanted.key):
            one, original = read_series([run.staging / i.path for i in instances]), originals.get(wanted.key)
            known = _Known(done, _is_left_out(run.project, wanted, one, original))
            job = making_of(run, wanted, instances, others=series.values(), beside=beside.get(wanted.key, ()))
            if output := _converted(run, study, wanted, job=job, known=known):
                one = replace(one, converted=tuple(sorted(run.staging / name for name in output.files)))
                one, said = _named(run, wanted, one, original)
                told[wanted.key] = (output, said)
            series[wanted.key] = one
    _note_names(run, study, series, told)
    if run.project.export.header_table:
        note_lines(run, study.key)
    wanting = (run.row_of(row_id) for row_id in rows_of(run.ledger, study.key) if row_id in run.table)
    return StudyFolder(tuple(series.values()), tuple(row_label(row, [study.attributes]) for row in wanting))


def _as_signed(run: Session, instances: Sequence[Instance]) -> None:
    """Raise RefusalError where an image that persons let go is not as it was when they did."""
    for one in instances:
        try:
            same = facts_of(run.staging / one.path) == (one.sha256, one.size)
        except OSError:
            same = False
        if not same:
            raise RefusalError(
                "an image in the folder staging is not the one that was signed off",
                fix="pacsflow check PROJECT --fetch-again",
            )


def _originals(run: Session, study: Study) -> dict[str, bids.Original]:
    """Series key -> what its originals said to the rules; none where images stay as they are."""
    if run.identifiable:
        return {}
    said = naming.answered(run.ledger, study.key)
    return {
        series.key: bids.Original(said[series.key].answers if series.key in said else {}, series.attributes)
        for series in study.wanted
    }


def _converted(run: Session, study: Study, series: Series, *, job: Making | None, known: _Known) -> Output | None:
    """What converting a series gave, now or before; None where nothing asks for it, or a rule leaves it out."""
    before = known.done.get(series.key)
    if job is None:
        return None
    if known.left_out:
        if before and (before.files or before.status != "done"):
            outcomes.note_output(run.ledger, study.key, Output(series.key, "done", converter=job.kind))
        return None
    return converted(run, study.key, series, job, before)


def _is_left_out(project: Project, series: Series, files: SeriesFiles, original: bids.Original | None) -> bool:
    """Whether a rule for names leaves a series out, and no other target takes what conversion would give."""
    rules = rules_for(project, series)
    wanted = any(getattr(target, "nifti", False) for target in project.export.targets)
    return rules is not None and not wanted and bids.is_left_out(rules, files.dicom[0][1], original)


def _named(
    run: Session, series: Series, files: SeriesFiles, original: bids.Original | None
) -> tuple[SeriesFiles, list[str]]:
    """The series with the BIDS names of what conversion gave, and what is to be said of them."""
    rules = rules_for(run.project, series)
    names, told = bids.bids_names(rules, files.dicom[0][1], files.converted, original) if rules else ({}, [])
    return replace(files, bids=names), told


def _note_names(
    run: Session, study: Study, series: dict[str, SeriesFiles], told: dict[str, tuple[Output, list[str]]]
) -> None:
    """Write down what is said of names: of each series, and of what is left out of its session."""
    lonely = left_out(list(series.values()))
    for key, (output, said) in told.items():
        alone = [
            f"{WARNING}{why} (file {stem})"
            for (uid, stem), why in sorted(lonely.items())
            if uid == series[key].series_uid
        ]
        warnings = [*(text for text in output.warnings if not text.startswith(WARNING)), *said, *alone]
        if warnings != list(output.warnings):
            outcomes.note_output(run.ledger, study.key, replace(output, warnings=warnings))
