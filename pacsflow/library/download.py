"""Downloads: the engine of a run on a project that is made for the purpose, with its work below the folder."""

import hashlib
import json
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pacsflow.errors import ArgumentError, BusyError, IncompleteError, PacsflowWarning
from pacsflow.ledger import outcomes, setting
from pacsflow.ledger.studies import digest_of, look_again
from pacsflow.ledger.summary import SeriesState
from pacsflow.library.selection import SelectedStudy
from pacsflow.library.showing import listened
from pacsflow.library.sources import PacsSource
from pacsflow.projects.elsewhere import third_party
from pacsflow.projects.places import written_folder
from pacsflow.projects.project import Project
from pacsflow.projects.source import Document
from pacsflow.query.row import Row
from pacsflow.redaction import as_a_guest
from pacsflow.report.records import RowOutcome
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_loaded
from pacsflow.run.reporting.row_outcomes import FINISHED, outcomes_of
from pacsflow.run.session import Session
from pacsflow.staging import write_text
from pacsflow.system import try_lock
from pacsflow.wording import counted
from schemas.deid import DeidProfile
from schemas.export import Export, Folder
from schemas.layout import check_layout
from schemas.project import ProjectSettings
from schemas.query import Query

PLACE = (".pacsflow", "download")
"""Where a download keeps its ledger and what is under way, below its folder."""
MARK = "pacsflow-download.json"
"""A file there that says that it is ours, and of which kind the download is."""
_CALL = "download()"
Chosen = dict[str, dict[str, list[str] | None] | None]
"""Study Instance UID -> the series that are wanted of it, of each the instances, all by UID; None for all."""


@dataclass(frozen=True)
class DownloadedStudy:
    """What became of a study.

    Attributes
    ----------
    uid : str
        The study's own UID, as the PACS knows it. Identifying.
    status : str
        complete; refused, where the profile lets none of its images leave; partial, incomplete, offline, failed,
        unmatched, held, undelivered, as in the report of a run.
    reason : str
        Why; holds nothing that tells who the patient is.
    expected, received, refused : int
        Numbers of instances.
    files : tuple of pathlib.Path
        Its files.
    """

    uid: str
    status: str
    reason: str
    expected: int
    received: int
    refused: int
    files: tuple[Path, ...]

    def __repr__(self) -> str:
        return f"<DownloadedStudy: {self.status}, {self.received} of {counted(self.expected, 'instance')}>"


@dataclass(frozen=True)
class DownloadResult:
    """What became of a download, study by study.

    Attributes
    ----------
    studies : tuple of DownloadedStudy
        One for each study that was asked for, in order.
    folder : pathlib.Path
        Where the files are.
    """

    studies: tuple[DownloadedStudy, ...]
    folder: Path

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do: all came, or is refused by the profile."""
        return all(study.status in FINISHED for study in self.studies)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of all studies."""
        return tuple(path for study in self.studies for path in study.files)

    def raise_if_incomplete(self) -> None:
        """Raise IncompleteError, with the reasons, unless the download is complete."""
        left = [study for study in self.studies if study.status not in FINISHED]
        if left:
            reasons = {f"{study.status}: {study.reason}".removesuffix(": "): 0 for study in left}
            for study in left:
                reasons[f"{study.status}: {study.reason}".removesuffix(": ")] += 1
            told = "; ".join(f"{number} {why}" for why, number in reasons.items())
            missing = sum(max(0, study.expected - study.received - study.refused) for study in left)
            raise IncompleteError(
                f"{len(left)} of {counted(len(self.studies), 'study is', 'studies are')} not complete: {told}",
                fix="call it again: only what is missing is asked for",
                missing=missing,
                refused=sum(study.refused for study in left),
                reasons=reasons,
            )

    def __repr__(self) -> str:
        received = sum(study.received for study in self.studies)
        state = "complete" if self.complete else "NOT complete"
        return (
            f"<DownloadResult: {counted(len(self.studies), 'study', 'studies')}, "
            f"{counted(received, 'instance')}, {state}>"
        )


@dataclass(frozen=True)
class DownloadOrder:
    """How a download is to be done; see `PacsConnection.download`."""

    out: Path
    workers: int = 4
    layout: str | None = None
    raw: bool = False
    progress: bool | None = None


def download(source: PacsSource, studies: Sequence[SelectedStudy], order: DownloadOrder) -> DownloadResult:
    """Fetch the studies into the folder; what is there already is not fetched again. Raises BusyError."""
    chosen = _chosen(studies)
    project = _project(source, order)
    source.keep_free()
    with _alone(project):
        return _download(source, project, chosen, order)


@contextmanager
def _alone(project: Project) -> Iterator[None]:
    """Around a download: no other one into the same folder, of which the first would not know what it asks for."""
    project.workdir.parent.mkdir(parents=True, exist_ok=True)
    with project.workdir.with_suffix(".lock").open("a") as file:
        if not try_lock(file):
            fix = "wait for its end, or choose another folder"
            raise BusyError("another download into the folder is at work", fix=fix)
        yield


def _download(source: PacsSource, project: Project, chosen: Chosen, order: DownloadOrder) -> DownloadResult:
    _mark(project, order)
    asked = _asked_so_far(project, chosen)
    project = replace(project, only=_only(asked))
    vault = source.project.workdir / "private" / "vault" if source.project and not order.raw else None
    with as_a_guest(), open_loaded(project, _rows(asked), action="run", vault=vault, barred=source.barred) as run:
        _look_again(run, asked)
        with listened("download", order.progress) as hear:
            run.listeners.append(hear)
            run_locally(run)
        result = DownloadResult(tuple(_outcomes(run, asked, chosen)), order.out.absolute())
    if not result.complete:
        warnings.warn(f"{result!r}: see its studies, and why; or raise_if_incomplete()", PacsflowWarning, stacklevel=5)
    return result


def _chosen(studies: Sequence[SelectedStudy]) -> Chosen:
    chosen: Chosen = {}
    for study in studies:
        found = study.answer.found if study.whole and study.answer else None
        part: dict[str, list[str] | None] | None = dict.fromkeys(one.uid for one in found) if found else None
        if not study.whole:
            part = {uid: None if some is None else sorted(some) for uid, some in sorted(study.series.items())}
        chosen[study.uid] = part  # of a whole study, the series that the query chose
    return chosen


def _only(asked: Chosen) -> dict[tuple[str, str], frozenset[str]]:
    """(study, series) -> instances, where not all of a series are wanted."""
    each = ((study, series, some) for study, part in asked.items() for series, some in (part or {}).items())
    return {(study, series): frozenset(some) for study, series, some in each if some is not None}


def _look_again(run: Session, asked: Chosen) -> None:
    """Have the studies looked at once more of which other instances are wanted than when they were fetched."""
    for uid in asked:
        key = run.ledger.digest("study", uid)
        wanted = {series: some for (study, series), some in run.project.only.items() if study == uid}
        told = digest_of(f"{series} {' '.join(sorted(some))}" for series, some in wanted.items()) if wanted else ""
        if (setting(run.ledger, f"instances {key}") or "") != told:
            look_again(run.ledger, key)
            setting(run.ledger, f"instances {key}", told)


def _project(source: PacsSource, order: DownloadOrder) -> Project:
    """The project whose run does the download. Raises ArgumentError."""
    document = Document(_CALL)
    out = written_folder(document, ("out",), folder=Path.cwd(), text=str(order.out))
    layout = order.layout or _usual_layout(source)
    if fault := check_layout(layout):
        document.problem(("layout",), fault, "see `layout` in docs/project.md")
    if order.workers < 1:
        document.problem(("workers",), "is below 1", "write 1 or more")
    if document.problems:
        raise ArgumentError("\n".join(map(str, document.problems)))
    known = source.project
    deid = known.deid if known and not order.raw else DeidProfile(base="none")
    if deid.patient.source == "column":
        told = "the project's pseudonyms stand in a column of its table, which a download does not have"
        raise ArgumentError(told, fix="put the studies into the project's rows, and run the project")
    nodes = [
        node.model_copy(
            update={
                "limits": node.limits.model_copy(update={"associations": min(order.workers, node.limits.associations)})
            }
        )
        for node in source.nodes.values()
    ]
    if any(third_party(node) for node in nodes):
        told = "`fetch.move_to` sends images to another application entity, none come here"
        raise ArgumentError(told, fix="set `ours: true`, or another `fetch.method`")
    name = known.settings.name if known else "download"
    workdir = out.joinpath(*PLACE)
    target = Folder(kind="folder", path=str(out), layout=layout, nifti=False)
    return Project(
        folder=workdir,
        settings=ProjectSettings(version=1, name=name, workdir=str(workdir)),
        pacs=nodes[0],
        query=Query(guards=source.query.guards, match_case=source.query.match_case),
        deid=deid,
        export=Export(targets=[target]),
        workdir=workdir,
        documents={},
        fallback=tuple(nodes[1:]),
    )


def _usual_layout(source: PacsSource) -> str:
    """The layout of the project's first folder; the usual one where there is none."""
    targets = source.project.export.targets if source.project else []
    found = (target.layout for target in targets if isinstance(target, Folder))
    return next(found, str(Folder.model_fields["layout"].default))


def _mark(project: Project, order: DownloadOrder) -> None:
    """Make the place of the work, with our mark. Raises ArgumentError where another's, or another kind's, is there."""
    place, kind = project.workdir, {"made by": "pacsflow", "raw": order.raw, "project": project.settings.name}
    mark = place / MARK
    if not mark.exists():
        if place.exists() and any(place.iterdir()):
            told = f"{'/'.join(PLACE)} in the folder is not of pacsflow"
            raise ArgumentError(told, fix="choose another folder")
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(mark, json.dumps(kind), 0o600)
    elif json.loads(mark.read_text("utf-8")) != kind:
        told = "the folder holds a download of another kind: of another project, or identifiable where this one is not"
        raise ArgumentError(told, fix="choose another folder")


def _asked_so_far(project: Project, chosen: Chosen) -> Chosen:
    """What was ever asked for into this folder, with what is asked for now: nothing that is there is taken away."""
    private = project.workdir / "private"
    private.mkdir(exist_ok=True, mode=0o700)
    file = private / "asked.json"
    known: Chosen = json.loads(file.read_text("utf-8")) if file.exists() else {}
    known = {uid: dict.fromkeys(part) if isinstance(part, list) else part for uid, part in known.items()}  # as of old
    for uid, part in chosen.items():
        before = known.get(uid, {})
        known[uid] = None if part is None or before is None else _joined(before, part)
    write_text(file, json.dumps(known), 0o600)
    return known


def _joined(before: dict[str, list[str] | None], now: dict[str, list[str] | None]) -> dict[str, list[str] | None]:
    """Series -> instances, of both; None for all."""
    joined = dict(before)
    for series, some in now.items():
        held = joined.get(series, [])
        joined[series] = None if some is None or held is None else sorted({*held, *some})
    return dict(sorted(joined.items()))


def _rows(asked: Chosen) -> tuple[Row, ...]:
    return tuple(_row(number, uid, series) for number, (uid, series) in enumerate(asked.items(), 1))


def _row(number: int, uid: str, series: Iterable[str] | None) -> Row:
    keys = {"StudyInstanceUID": uid} | ({"SeriesInstanceUID": "\\".join(series)} if series else {})
    name = hashlib.sha256(uid.encode()).hexdigest()[:16]
    return Row(number, name, keys, {}, (_CALL, 0), {}, (), "series" if series else "study")


def _outcomes(run: Session, asked: Chosen, chosen: Chosen) -> list[DownloadedStudy]:
    found = dict(zip(asked, outcomes_of(run), strict=True))
    return [_outcome(run, uid, found[uid]) for uid in chosen]


def _outcome(run: Session, uid: str, row: RowOutcome) -> DownloadedStudy:
    [target] = run.project.export.targets
    out = Path(target.path) if isinstance(target, Folder) else run.project.workdir
    delivered = (one for study in row.studies for one in outcomes.deliveries(run.ledger, study.key).values())
    files = tuple(sorted(out / path for one in delivered for path, _, _ in one.files))
    expected = sum(_expected(run, uid, series) for series in row.series)
    return DownloadedStudy(uid, row.status, row.reason, expected, row.counts["held"], row.counts["refused"], files)


def _expected(run: Session, uid: str, series: SeriesState) -> int:
    """The instances that are wanted of a series, as far as they are known."""
    only = run.project.only.get((uid, series.attributes.get("SeriesInstanceUID", "")))
    return (series.images or 0) if only is None else len(only)
