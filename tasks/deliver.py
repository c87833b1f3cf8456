"""Deliver a study: convert its series, then bring it to each target. "Done" is recorded here, by no target."""

from collections.abc import Sequence
from dataclasses import replace

from pacsflow.convert import bids, convert_series
from pacsflow.errors import PacsflowError, RefusalError, TargetError
from pacsflow.export import SeriesFiles, StudyFolder, open_target, read_series
from pacsflow.ledger import Ledger, outcomes, studies
from pacsflow.ledger.outcomes import Delivery, Output
from pacsflow.ledger.studies import Instance, Planned, Series, Study
from pacsflow.ledger.summary import rows_of
from pacsflow.projects import Project, third_party
from pacsflow.refs import StudyRef
from schemas.export import Nifti, Target
from tasks._policy import engine_task, unexpected
from tasks.label import label
from tasks.session import Session, session


@engine_task("deliver study", "deliver {ref}")
def deliver_study(ref: StudyRef) -> StudyRef | None:
    """The study, at all targets. None when it is not complete, or another run has it.

    Raises TargetError when a target did not take it; the other targets have it all the same.
    """
    run = session(ref.project)
    plan = next(iter(studies.planned(run.ledger, ref.key)), None)
    if plan is None or not plan.complete or not studies.claim(run.ledger, ref.key, run.owner):
        return None
    try:
        _deliver(run, plan)
    except PacsflowError as error:
        run.advise(ref.key, error)
        raise
    finally:
        studies.release(run.ledger, ref.key)
    run.advise(ref.key, None)
    run.tell("studies delivered")
    return ref


def left_to_do(ledger: Ledger, project: Project) -> list[Planned]:
    """The planned studies that are not complete, or not at all targets."""
    done = outcomes.done(ledger)
    return [p for p in studies.planned(ledger) if not p.complete or not _everywhere(project, p, done)]


def target_names(project: Project) -> list[str]:
    """Names of the project's targets in ledger and report: kind and position."""
    return [f"{target.kind} {n}" for n, target in enumerate(project.export.targets, 1)]


def elsewhere(project: Project, plan: Planned) -> Delivery | None:
    """What the ledger is to hold of a study that another application entity receives; None where we do."""
    to = third_party(project.pacs)
    return Delivery(f"AE {to.aet}", "done", studies.digest_of([plan.content, plan.wanted, to.aet])) if to else None


def _everywhere(project: Project, plan: Planned, done: dict[tuple[str, str], str]) -> bool:
    if sent := elsewhere(project, plan):
        return done.get((plan.key, sent.target)) == sent.digest
    named = zip(target_names(project), project.export.targets, strict=True)
    return all(done.get((plan.key, name)) == _digest(project, plan, target) for name, target in named)


def _digest(project: Project, plan: Planned, target: Target) -> str:
    """Digest of what a target is to hold of a study; another one means: deliver again."""
    rules = project.export.model_dump_json(exclude={"targets"})
    names = [rules.model_dump_json() for rules in project.bids.values()] if target.kind == "bids" else []
    return studies.digest_of([plan.content, plan.wanted, rules, target.model_dump_json(), *names])


def _deliver(run: Session, plan: Planned) -> None:
    study = studies.study(run.ledger, plan.key)
    if sent := elsewhere(run.project, plan):
        outcomes.note_delivery(run.ledger, study.key, sent)
        return
    folder = _folder(run, study)
    known = outcomes.deliveries(run.ledger, study.key)
    faults: list[PacsflowError] = []
    for name, target in zip(target_names(run.project), run.project.export.targets, strict=True):
        digest = _digest(run.project, plan, target)
        if name in known and (known[name].status, known[name].digest) == ("done", digest):
            continue
        try:
            destination = open_target(target, run.project.workdir)
            files = destination.deliver(folder).files
            destination.remove(_outdated(known.get(name), files))
            outcome = Delivery(name, "done", digest, "", files)
        except Exception as error:  # noqa: BLE001 whatever it is, it is no matter of the other targets
            fault = error if isinstance(error, PacsflowError) else unexpected(error, name)
            outcome = Delivery(name, "failed", digest, str(fault), known[name].files if name in known else ())
            faults.append(fault)
        outcomes.note_delivery(run.ledger, study.key, outcome)
    if faults:
        text = "; ".join(sorted({str(fault) for fault in faults}))
        remedy = "; ".join(dict.fromkeys(fault.remedy for fault in faults if fault.remedy))
        raise TargetError(text, remedy=remedy, transient=any(fault.transient for fault in faults))


def _outdated(before: Delivery | None, files: Sequence[tuple[str, str, int]]) -> list[str]:
    """Paths of the delivery before that are no part of this one."""
    now = {path for path, _, _ in files}
    return [path for path, _, _ in before.files if path not in now] if before else []


def _folder(run: Session, study: Study) -> StudyFolder:
    """The study as it lies in staging, its series converted."""
    held: dict[str, list[Instance]] = {}
    for instance in studies.instances(run.ledger, study.key, "held"):
        held.setdefault(instance.series_key, []).append(instance)
    done = {output.series_key: output for output in outcomes.outputs(run.ledger, study.key)}
    series = []
    for wanted in study.wanted:
        if instances := held.get(wanted.key):
            files = [run.staging / i.path for i in instances]
            output = _converted(run, (study, wanted), instances, done.get(wanted.key))
            one = read_series(files, [run.staging / name for name in output.files] if output else [])
            series.append(_named(run, (study, wanted), one, output) if output else one)
    wanting = (run.row(number) for number in rows_of(run.ledger, study.key))
    return StudyFolder(tuple(series), tuple(label(row, [study.attributes]) for row in wanting))


def _converted(run: Session, of: tuple[Study, Series], held: list[Instance], before: Output | None) -> Output | None:
    """What converting a series gave, now or before; None where no rule asks for it. A refusal is an outcome."""
    study, series = of
    rule = _rule(run.project, series)
    if rule is None:
        return None
    export = run.project.export
    digest = studies.digest_of([*(i.sha256 for i in held), rule.model_dump_json(exclude={"bids"}), export.geometry])
    if before and before.digest == digest:
        return before
    out = run.staging / study.key / series.key / "nifti"
    try:
        gave = convert_series(rule.converter, [run.staging / i.path for i in held], out, geometry=export.geometry)
        names = [str(path.relative_to(run.staging)) for path in gave.files]
        output = Output(series.key, "done", "", rule.converter, names, gave.warnings, digest)
    except RefusalError as refusal:
        output = Output(series.key, "refused", f"{refusal.reason}: {refusal}", rule.converter, digest=digest)
    outcomes.note_output(run.ledger, study.key, output)
    return output


def _named(run: Session, of: tuple[Study, Series], files: SeriesFiles, output: Output) -> SeriesFiles:
    """The series with the BIDS names of what conversion gave; what has none is noted as a warning."""
    study, series = of
    rule = _rule(run.project, series)
    rules = run.project.bids.get(rule.bids) if rule and rule.bids else None
    names, told = bids.bids_names(rules, files.dicom[0][1], files.converted) if rules else ({}, [])
    warnings = [*(text for text in output.warnings if not text.startswith(bids.WARNING)), *told]
    if warnings != list(output.warnings):
        outcomes.note_output(run.ledger, study.key, replace(output, warnings=warnings))
    return replace(files, bids=names)


def _rule(project: Project, series: Series) -> Nifti | None:
    modality = series.attributes.get("Modality", "")
    return next((rule for rule in project.export.nifti if rule.modality in ("*", modality)), None)
