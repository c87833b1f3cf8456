"""What is made of a series: NIfTI, label maps, pictures; noted in the ledger, a refusal as an outcome."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pacsflow.convert import Converted, convert_series
from pacsflow.convert.masks import convert_masks
from pacsflow.convert.masks.references import References, references_in
from pacsflow.convert.pictures import convert_pictures
from pacsflow.convert.post import PostProgram, processed
from pacsflow.errors import PacsflowError, RefusalError
from pacsflow.export import SeriesFiles
from pacsflow.ledger import outcomes, studies
from pacsflow.ledger.outcomes import Output
from pacsflow.ledger.studies import Instance, Series
from pacsflow.projects.programs import absolute
from pacsflow.projects.project import Project
from pacsflow.run.conversion_rules import becomes_masks, becomes_pictures, nifti_rule
from pacsflow.run.session import Session
from pacsflow.run.unexpected import fault_of
from schemas.nifti import Nifti

MASKS, PICTURES = "masks", "images"
"""What the ledger calls what makes label maps, and pictures."""


@dataclass(frozen=True)
class Making:
    """What is to be made of a series, by what, how, and a digest of all that decides what comes out."""

    kind: str
    digest: str
    make: Callable[[Path], Converted]


def making_of(
    run: Session,
    series: Series,
    held: Sequence[Instance],
    *,
    others: Iterable[SeriesFiles] = (),
    beside: Sequence[Making] = (),
) -> Making | None:
    """What the project makes of a series; None where nothing.

    `others`: the study's series that are converted; `beside`: images of other studies that masks of the series lie on.
    """
    hashes, files = [one.sha256 for one in held], [run.staging / one.path for one in held]
    if becomes_masks(run.project, series):
        images = images_of(references_in(files), others)
        away = () if images else beside
        digest = studies.digest_of([*hashes, MASKS, *map(str, images), *(one.digest for one in away)])
        return Making(MASKS, digest, lambda out: _masks(files, out, images, away))
    if becomes_pictures(run.project, series):
        return Making(PICTURES, studies.digest_of([*hashes, PICTURES]), lambda out: convert_pictures(files, out))
    rule = nifti_rule(run.project, series)
    if rule is None:
        return None
    return nifti_making(run, rule, files, hashes)


def _masks(files: Sequence[Path], out: Path, images: Sequence[Path], away: Sequence[Making]) -> Converted:
    """Label maps on images that are there, or are made of another study for this alone. Raises RefusalError."""
    with TemporaryDirectory(prefix="pacsflow-") as place:
        known = list(images)
        for number, image in enumerate(away):
            with suppress(RefusalError):
                known += nifti_files(image.make(Path(place, str(number))).files)
        return convert_masks(files, out, known)


def nifti_making(run: Session, rule: Nifti, files: Sequence[Path], hashes: Sequence[str]) -> Making:
    """What a rule of `nifti` makes of files."""
    geometry, program = run.project.export.geometry, _program(run.project, rule)
    unsaid = {name for name in ("options", "post") if not getattr(rule, name)}
    said = [rule.model_dump_json(exclude={"bids", *unsaid}), geometry]
    said += [run.project.programs[rule.post.run[0]]] if rule.post else []
    options = [word for option in sorted(rule.options.items()) for word in option]

    def make(out: Path) -> Converted:
        gave = convert_series(rule.converter, files, out, geometry=geometry, options=options)
        return processed(gave, out, program) if program else gave

    return Making(rule.converter, studies.digest_of([*hashes, *said]), make)


def _program(project: Project, rule: Nifti) -> PostProgram | None:
    if rule.post is None:
        return None
    program, *words = rule.post.run
    reads = tuple(absolute(project.folder, text) for text in rule.post.reads)
    return PostProgram((str(absolute(project.folder, program)), *words), reads, rule.post.seconds)


def images_of(told: References, series: Iterable[SeriesFiles]) -> list[Path]:
    """The NIfTI files of the series that an object refers to: by its UID, else by those of its instances."""
    known = [one for one in series if one.converted]
    named = [one for one in known if one.series_uid in told.series]
    found = named or [one for one in known if any(uid in told.instances for uid, _ in one.dicom)]
    return [path for one in found for path in nifti_files(one.converted)]


def nifti_files(files: Iterable[Path]) -> list[Path]:
    """The images among what a conversion wrote."""
    return [path for path in files if path.name.endswith(".nii.gz")]


def converted(run: Session, study_key: str, series: Series, job: Making, before: Output | None) -> Output:
    """What came of a job, now or before. A refusal is an outcome. Raises PacsflowError, OSError."""
    if before and before.digest == job.digest:
        return before
    try:
        gave = job.make(run.staging / study_key / series.key / "nifti")
        names = [str(path.relative_to(run.staging)) for path in gave.files]
        output = Output(series.key, "done", "", job.kind, names, gave.warnings, job.digest)
    except RefusalError as refusal:
        output = Output(series.key, "refused", f"{refusal.reason}: {refusal}", job.kind, digest=job.digest)
    except (PacsflowError, OSError):
        raise
    except BaseException as error:  # noqa: BLE001 a converter may raise anything; it is tried again with the next delivery
        output = Output(series.key, "refused", f"converter-error: {fault_of(error, job.kind)}", job.kind)
    outcomes.note_output(run.ledger, study_key, output)
    return output
