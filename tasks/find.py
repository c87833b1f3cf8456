"""Find the studies and series of a row: ask, filter again, count, doubt."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from pydicom import Dataset
from pydicom.multival import MultiValue

from pacsflow.dicom.contract import Lane, Level
from pacsflow.errors import PacsError, PacsflowError, PacsPermanentError, PausedError
from pacsflow.ledger import rows
from pacsflow.ledger.rows import Finding, FoundSeries, Hit
from pacsflow.query import Row
from pacsflow.query.gather import Gathering
from pacsflow.query.guards import judge, sort_doubts
from pacsflow.query.levels import image_keys, keys_at, needs_images, series_keys, study_keys
from pacsflow.query.matching import matches
from pacsflow.query.pieces import Split, of_series, of_studies
from pacsflow.query.series import wanted
from pacsflow.refs import RowRef
from tasks._policy import engine_task
from tasks.session import Session, session

_NAMES = {"StudyInstanceUID": "Study Instance UID", "SeriesInstanceUID": "Series Instance UID"}
TWICE = 2
"""How often a node is asked for the series of a study before it is believed that it lists fewer than it counts."""


@engine_task("find row", "find {ref}")
def find_row(ref: RowRef) -> RowRef | None:
    """The row, asked: its finding is in the ledger. None: it was not, outside the node's hours.

    Raises PacsError where the PACS gave no full answer; SecretError where its log-in does.
    """
    run = session(ref.project)
    row = run.row(ref.number)
    try:
        with run.lanes_to(ref.node).borrow() as lane:
            finding = replace(Search(run, lane, row, node=ref.node).finding(), node=ref.node)
    except PausedError:
        return None
    except PacsflowError as error:
        rows.record(run.ledger, row.id, Finding("failed", told_by(ref.node, str(error)), row.warnings))
        run.advise(f"row {ref.number}", error)
        raise
    except Exception:
        rows.record(run.ledger, row.id, Finding("failed", told_by(ref.node, "broke off"), row.warnings))
        raise
    run.advise(f"row {ref.number}", None)
    if ref.node and finding.status == "unmatched":
        rows.lacks_too(run.ledger, row.id, told_by(ref.node, finding.reason))
        return ref
    rows.record(run.ledger, row.id, finding)
    if not ref.node:
        run.tell("rows")
    return ref


def told_by(node: str, reason: str) -> str:
    """A reason, with the node it is from where that is not the project's first."""
    return f"{node}: {reason}" if node else reason


class Search:
    """One row's questions over one lane."""

    def __init__(self, run: Session, lane: Lane, row: Row, *, node: str = "") -> None:
        self._run, self._lane, self._row, self._node = run, lane, row, node
        self._unseen: set[str] = set()
        self._doubts: set[tuple[str, str]] = set()
        self._warnings: set[str] = set()

    def finding(self) -> Finding:
        """What the row found, and whether a person must look at it: also where answers may have been cut."""
        found = self._finding()
        holds, warnings = sort_doubts(sorted(self._doubts), self._run.project.query.guards)
        found = replace(found, warnings=(*found.warnings, *warnings, *sorted(self._warnings)))
        if not holds:
            return found
        reason = "; ".join([*holds, *filter(None, [found.reason])])
        return replace(found, status="failed" if found.status == "unmatched" else "held", reason=reason)

    def _finding(self) -> Finding:
        row, guards = self._row, self._run.project.query.guards
        verdict = judge(row, self._studies(), guards)
        warnings = (*row.warnings, *verdict.warnings)
        hits = tuple(self._hit(answer) for answer in verdict.accepted)
        if not hits:
            others = ", ".join(f"{n} with another {name}" for name, n in verdict.dropped.items())
            return Finding("unmatched", f"no study fits{f' ({others})' if others else ''}", warnings)
        if not any(series.wanted for hit in hits for series in hit.series):
            reasons = sorted({series.reason for hit in hits for series in hit.series}) or ["no series fits the row"]
            return Finding("unmatched", f"no series is wanted: {'; '.join(reasons)}", warnings, hits)
        unknown = (f"the PACS does not answer {name}, so nobody knows whether it fits" for name in self._unseen)
        held = (*sorted(unknown), *verdict.holds)
        return Finding("held" if held else "found", "; ".join(held), warnings, hits)

    def _ask(self, level: Level, keys: Mapping[str, str]) -> list[Dataset]:
        self._run.traffic(self._node, find=1)
        return self._lane.find(level, keys)

    def _gather(self, level: Level, keys: Mapping[str, str], split: Split, *, enough: int = 0) -> list[Dataset]:
        """All answers, asked for in pieces where the node may have cut them, unless they are `enough`."""
        ceiling = self._run.lanes_to(self._node).ceiling

        def reached(number: int) -> bool:
            return ceiling.reached(level, number) and not 0 < enough <= number

        unique = "StudyInstanceUID" if level == "STUDY" else "SeriesInstanceUID"
        gathering = Gathering(partial(self._ask, level), split, unique=unique, reached=reached)
        answers = gathering.everything(keys)
        _identified(answers, unique)
        if gathering.cut_at:
            ceiling.learn(gathering.cut_at)
        if len(answers) < enough or not enough:
            self._doubts |= {("cut_answers", doubt) for doubt in gathering.doubts}
            self._warnings |= {
                f"the node cuts its answers; asked in pieces, {it} is not found" for it in gathering.blind
            }
        return answers

    def _fitting(self, level: Level, answers: list[Dataset]) -> list[Dataset]:
        """The answers that really fit the row: a PACS may ignore keys, or not know them."""
        own = keys_at(self._row, level)
        compared = [(answer, matches(own, answer)) for answer in answers]
        self._unseen |= {keyword for _, match in compared if match for keyword in match.unseen}
        return [answer for answer, match in compared if match]

    def _studies(self) -> list[Dataset]:
        """Study answers, each study once; of a row with series keys only, the studies of the series that fit."""
        row = self._row
        if any(keys_at(row, "STUDY").values()):
            found = self._gather("STUDY", study_keys(row), of_studies)
        else:
            series = self._fitting("SERIES", self._gather("SERIES", series_keys(row, ""), of_series(())))
            _identified(series, "StudyInstanceUID")  # an empty one would ask for all studies there are
            uids = sorted({str(answer.StudyInstanceUID) for answer in series})
            found = [a for uid in uids for a in self._ask("STUDY", {**study_keys(row), "StudyInstanceUID": uid})]
            _identified(found, "StudyInstanceUID")
        return list({str(answer.StudyInstanceUID): answer for answer in found}.values())

    def _hit(self, study: Dataset) -> Hit:
        uid = str(study.StudyInstanceUID)
        listed = not any(keys_at(self._row, "SERIES").values())
        announced = _number(study.get("NumberOfStudyRelatedSeries")) if listed else None
        found = tuple(self._series(uid, answer) for answer in self._series_of(study, announced or 0))
        return Hit(uid, text(study, "PatientID"), attributes(study), found, listed)

    def _series_of(self, study: Dataset, announced: int) -> list[Dataset]:
        """Answers for the series of a study that fit the row; asked again where there are fewer than announced."""
        mine: dict[str, Dataset] = {}
        uid, split = str(study.StudyInstanceUID), of_series(text(study, "ModalitiesInStudy").split("\\"))
        keys = series_keys(self._row, uid, self._run.project.query.series)
        for _ in range(TWICE):
            answers = self._fitting("SERIES", self._gather("SERIES", keys, split, enough=announced))
            own = (a for a in answers if (a.get("StudyInstanceUID") or uid) == uid)
            mine |= {str(a.SeriesInstanceUID): a for a in own}
            if len(mine) >= announced:
                break
        else:
            doubt = f"the node counts {announced} series in a study, but lists {len(mine)}"
            self._doubts.add(("fewer_series_than_counted", doubt))
        return list(mine.values())

    def _series(self, study_uid: str, series: Dataset) -> FoundSeries:
        uid, row = str(series.SeriesInstanceUID), self._row
        count = _number(series.get("NumberOfSeriesRelatedInstances"))
        if count is None:
            every = dict.fromkeys(image_keys(row, study_uid, uid), "")
            count = self._counted({**every, "StudyInstanceUID": study_uid, "SeriesInstanceUID": uid})
        fits, reason = wanted(self._run.project.query.series, series, count)
        if fits and needs_images(row) and not self._image_fits(study_uid, uid):
            fits, reason = False, f"no image has the row's {', '.join(keys_at(row, 'IMAGE'))}"
        return FoundSeries(uid, attributes(series), count, fits, reason)

    def _counted(self, keys: Mapping[str, str]) -> int | None:
        """The number of a series' images, from their list; None where the node cuts the list, or gives none."""
        try:
            return len(self._ask("IMAGE", keys))
        except PacsError as error:
            if error.withholds:
                return None
            raise

    def _image_fits(self, study_uid: str, uid: str) -> bool:
        """Whether one image of a series at least fits the row's keys of images."""
        keys, own = image_keys(self._row, study_uid, uid), keys_at(self._row, "IMAGE")
        answers = self._ask("IMAGE", keys)
        fits = bool(self._fitting("IMAGE", answers))
        if not fits:  # Orthanc, for one, compares ImageType as a whole, and not value by value
            answers = self._ask("IMAGE", keys | dict.fromkeys(own, ""))
            fits = any(match and not match.unseen for match in (matches(own, answer) for answer in answers))
        if not fits and self._run.lanes.ceiling.reached("IMAGE", len(answers)):
            doubt = f"no image fits among exactly {len(answers)} of a series, where the node may have cut"
            self._doubts.add(("cut_answers", doubt))
        return fits


def _identified(answers: list[Dataset], keyword: str) -> None:
    """Raise PacsPermanentError where an answer lacks a UID: no answer is left out without a word."""
    if any(not answer.get(keyword) for answer in answers):
        raise PacsPermanentError(
            f"the node answered without a {_NAMES[keyword]}",
            remedy="ask the PACS administrator about the node's C-FIND answers",
        )


def attributes(answer: Dataset) -> dict[str, str]:
    """Keyword -> text of all that was answered; several values joined by a backslash."""
    return {element.keyword: text(answer, element.keyword) for element in answer if element.keyword}


def text(answer: Dataset, keyword: str) -> str:
    """An attribute as text, '' where it is absent or empty."""
    value = answer.get(keyword)
    if value is None:
        return ""
    return "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value)


def _number(value: object) -> int | None:
    """The count a node gave; some answer with nothing, or with a text that is no number."""
    return int(str(value)) if str(value).strip().isdigit() else None
