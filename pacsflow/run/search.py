"""The questions of one row over one lane: ask, filter again, count, doubt."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from pydicom import Dataset

from pacsflow.dicom.contract import Lane, Level
from pacsflow.errors import PacsError
from pacsflow.ledger.rows import Finding, FoundSeries, Hit
from pacsflow.ledger.withdrawals import EXCLUDED
from pacsflow.query.ceiling import FEW, ROUND, Ceiling
from pacsflow.query.choosing_by_date import ChosenStudies, choose_by_date
from pacsflow.query.gather import Gathering
from pacsflow.query.guards import Judgement, compared_keys, judge, other_birth_date, sort_doubts
from pacsflow.query.levels import image_keys, keys_at, needs_images, series_keys, study_keys
from pacsflow.query.matching import matches
from pacsflow.query.numbering import next_numbers
from pacsflow.query.pieces import Split, of_series, of_studies
from pacsflow.query.question_keys import never_cut, studies_named, without_counts
from pacsflow.query.row import Row
from pacsflow.query.series import wanted
from pacsflow.query.widening import wider
from pacsflow.run.answer_fields import attributes, identified, text
from pacsflow.whole_numbers import whole_number
from pacsflow.wording import counted
from schemas import Query

TWICE = 2
"""How often a node is asked for the series of a study before it is believed that it lists fewer than it counts."""


class Search:
    """One row's questions over one lane; needs no run.

    `query`: its rules of series, guards and letters. `ceiling` knows where the node cuts its answers. `asked` is
    called for each question that is put to the node. `barred`: why a study is not wanted whatever the row says, ''
    where nothing is against it. `doubts`: the guard, and why answers may be missing.
    `unseen`: keywords of the row that the node does not answer, so that it is not known whether they fit.
    """

    def __init__(
        self,
        lane: Lane,
        row: Row,
        query: Query,
        *,
        ceiling: Ceiling,
        asked: Callable[[], None] = lambda: None,
        barred: Callable[[Dataset], str] = lambda _: "",
    ) -> None:
        self._lane, self._row, self._query, self._ceiling, self._asked = lane, row, query, ceiling, asked
        self._barred, self._cased = barred, query.match_case
        self.unfolded = self._ceiling.folds
        self.unseen: set[str] = set()
        self.doubts: set[tuple[str, str]] = set()
        self.warnings: set[str] = set()
        self.most: dict[str, int] = {}
        """Level -> the largest number of answers to one question that was taken for whole."""

    def finding(self) -> Finding:
        """What the row found, and whether a person must look at it: also where answers may have been cut."""
        found = self._finding()
        holds, warnings = sort_doubts(sorted(self.doubts), self._query.guards)
        found = replace(found, warnings=(*found.warnings, *warnings, *sorted(self.warnings)))
        if not holds:
            return found
        reason = "; ".join([*holds, *filter(None, [found.reason])])
        return replace(found, status="failed" if found.status == "unmatched" else "held", reason=reason)

    def _finding(self) -> Finding:
        row, guards = self._row, self._query.guards
        found = [(study, self._barred(study)) for study in self._studies()]
        left_out = Counter(why for _, why in found if why)
        verdict = judge(row, [study for study, why in found if not why], guards, match_case=self._cased)
        told = (f"{counted(number, 'study', 'studies')} left out: {why}" for why, number in left_out.items())
        warnings = (*row.warnings, *verdict.warnings, *told)
        if left_out and not verdict.accepted:
            return Finding(EXCLUDED, "; ".join(sorted(left_out)), row.warnings)
        chosen = self._chosen(verdict)
        if chosen.why_none and verdict.accepted:
            return Finding("unmatched", chosen.why_none, warnings)
        warnings += chosen.warnings
        hits = tuple(self._hit(answer) for answer in chosen.studies)
        if not hits:
            others = ", ".join(f"{n} with another {name}" for name, n in verdict.dropped.items())
            return Finding("unmatched", f"no study fits{f' ({others})' if others else ''}", warnings)
        if not any(series.wanted for hit in hits for series in hit.series):
            reasons = sorted({series.reason for hit in hits for series in hit.series}) or ["no series fits the row"]
            return Finding("unmatched", f"no series is wanted: {'; '.join(reasons)}", warnings, hits)
        unknown = (f"the PACS does not answer {name}, so it is not known whether it fits" for name in self.unseen)
        held = (*sorted(unknown), *verdict.holds, *chosen.holds)
        return Finding("held" if held else "found", "; ".join(held), warnings, hits)

    def _chosen(self, verdict: Judgement) -> ChosenStudies:
        """Those of the studies that fit which the query takes by their dates; all where a person must look anyway."""
        rules = self._query.studies
        if rules is None or verdict.holds or not verdict.accepted:
            return ChosenStudies(verdict.accepted)
        return choose_by_date(verdict.accepted, rules, self._row.index_date)

    def _ask(self, level: Level, keys: Mapping[str, str]) -> list[Dataset]:
        self._asked()
        return self._lane.find(level, keys)

    def _gather(self, level: Level, keys: Mapping[str, str], split: Split, *, enough: int = 0) -> list[Dataset]:
        """All answers, asked for in pieces where the node may have cut them, unless they are `enough`."""
        judge = self._ceiling.at(level, enough=enough, narrow=never_cut(level, keys))
        if self._ceiling.folds:
            keys = without_counts(keys)
        unique = "StudyInstanceUID" if level == "STUDY" else "SeriesInstanceUID"
        by_count = {"prove": self._proven, "more": self._may_be_more} if level == "STUDY" else {}
        gathering = Gathering(partial(self._ask, level), split, unique=unique, judge=judge, **by_count)
        answers = gathering.everything(keys)
        identified(answers, unique)
        if level == "STUDY":
            self._compare(keys, answers, gathering)
        if level == "SERIES" and gathering.doubts and self._numbers_tell(keys, answers):
            gathering.doubts.clear()
        if not 0 < enough <= len(answers):
            self.most[level] = max(gathering.most, self.most.get(level, 0))
            self.doubts |= {("cut_answers", doubt) for doubt in gathering.doubts}
            if gathering.doubts or self._ceiling.cuts:
                self.warnings |= {
                    f"the node cuts its answers; asked in pieces, {it} is not found" for it in gathering.blind
                }
        return answers

    def _proven(self, keys: Mapping[str, str], number: int) -> bool:
        """Whether so many studies are all: as many as the node counts of the patient, or it gives more to a wider one.

        What is asked more is counted and forgotten. The question itself is asked once more: the answer stays the same.
        """
        if not number:
            return self._studies_of(keys.get("PatientID", "").strip()) == 0
        if self._ceiling.cuts:
            return False
        if self._studies_of(keys.get("PatientID", "").strip()) == number:
            return True
        more = any(self._number_of(question) > number for question in wider(keys))
        return more and self._number_of(keys) == number

    def _compare(self, keys: Mapping[str, str], answers: list[Dataset], gathering: Gathering) -> None:
        """A doubt where a row names a patient of whom the node counts more studies than it gives.

        Where the row asks for a part of them, all are asked for, and those that fit are compared. One study is
        compared only until the node gave more to a question.
        """
        patient, number = keys.get("PatientID", "").strip(), len(answers)
        if gathering.doubts or (number == 1 < self._ceiling.most_of("STUDY")):
            return
        claimed = self._studies_of(patient) or 0
        if claimed <= number:
            return
        others = any(value.strip() for keyword, value in keys.items() if keyword != "PatientID")
        given = answers
        if others:
            with suppress(PacsError):
                given = self._ask("STUDY", {**dict.fromkeys(keys, ""), "PatientID": patient})
            known = {text(answer, "StudyInstanceUID") for answer in answers}
            fits = {text(one, "StudyInstanceUID") for one in given if (m := matches(keys, one)) and not m.unseen}
            if len(given) >= claimed and fits <= known:
                return
        if number:
            self._ceiling.learn(number, "STUDY")
        else:
            self._ceiling.hide()
        gathering.doubts.add(
            f"the node counts {counted(claimed, 'study', 'studies')} of a patient, and gives {len(given)}"
        )

    def _may_be_more(self, keys: Mapping[str, str], number: int) -> bool:
        """Whether the patient that a question names may have more studies than the few that it gave.

        The node counts more; or it counts none, and gives no more to wider questions either.
        """
        patient = keys.get("PatientID", "").strip()
        if not patient.strip("*?"):
            return False
        claimed = self._studies_of(patient)
        if claimed is None:
            return not self._proven(keys, number)
        others = (value for keyword, value in keys.items() if keyword != "PatientID" and value.strip())
        return claimed > number and not any(others)

    def _studies_of(self, patient: str) -> int | None:
        """The studies that the node counts of one patient id, where it can be asked for patients (PS3.4 C.6.1.1.2)."""
        if not patient or set(patient) & set("*?\\") or not self._ceiling.knows_patients:
            return None
        try:
            found = self._ask("PATIENT", {"PatientID": patient, "NumberOfPatientRelatedStudies": ""})
        except PacsError:
            self._ceiling.knows_patients = False  # it is not asked again: it may not answer at all
        else:
            if not found:
                return 0
            if len(found) == 1 and text(found[0], "PatientID").strip() == patient:
                claimed = whole_number(str(found[0].get("NumberOfPatientRelatedStudies")))
                self._ceiling.knows_patients = claimed is not None
                return claimed
        return None

    def _number_of(self, keys: Mapping[str, str]) -> int:
        """How many studies answer a question, each counted once; those that came where the node says that it cut."""
        try:
            return len({text(answer, "StudyInstanceUID") for answer in self._ask("STUDY", keys)})
        except PacsError as error:
            return error.answers or 0

    def _numbers_tell(self, keys: Mapping[str, str], answers: list[Dataset]) -> bool:
        """Whether series with the numbers that come next are asked for, and there are none: then none was cut.

        For nodes that neither count series nor know their times.
        """
        if self._ceiling.cuts or not keys.get("StudyInstanceUID") or keys.get("SeriesNumber"):
            return False
        numbers = next_numbers(answers)
        for number in numbers:
            given = self._ask("SERIES", {**keys, "SeriesNumber": str(number)})
            if any(str(one.get("SeriesNumber")) == str(number) for one in given):
                self._ceiling.learn(len(answers), "SERIES")
            if given:  # it has more, or does not look at the number
                return False
        if numbers:
            self._ceiling.proved("SERIES", len(answers))
        return bool(numbers)

    def _fitting(self, level: Level, answers: list[Dataset]) -> list[Dataset]:
        """The answers that really fit the row: a PACS may ignore keys, or not know them."""
        own = compared_keys(self._row) if level == "STUDY" else keys_at(self._row, level)
        compared = [(answer, matches(own, answer, self._cased)) for answer in answers]
        self.unseen |= {keyword for _, match in compared if match for keyword in match.unseen}
        return [answer for answer, match in compared if match]

    def _studies(self) -> list[Dataset]:
        """Study answers, each study once; of a row with series keys only, the studies of the series that fit."""
        row = self._row
        if any(keys_at(row, "STUDY").values()):
            keys = study_keys(row)
            found = self._gather("STUDY", keys, of_studies, enough=len(studies_named(keys)))
        else:
            series = self._fitting("SERIES", self._gather("SERIES", series_keys(row, ""), of_series(())))
            identified(series, "StudyInstanceUID")  # an empty one would ask for all studies there are
            uids = sorted({str(answer.StudyInstanceUID) for answer in series})
            found = [a for uid in uids for a in self._ask("STUDY", {**study_keys(row), "StudyInstanceUID": uid})]
            identified(found, "StudyInstanceUID")
        return list({str(answer.StudyInstanceUID): answer for answer in found}.values())

    def studies(self) -> list[Dataset]:
        """The studies that fit the row, each once: all the node has, or `doubts` says why they may be a part."""
        found = self._fitting("STUDY", self._studies())
        self.doubts.update(other_birth_date(self._row, found))
        return found

    def series_of(self, study: Dataset) -> list[Dataset]:
        """The series of a study answer that fit the row, each once; fewer than are counted are a doubt.

        They are asked for again where there are fewer than announced.
        """
        announced = whole_number(str(study.get("NumberOfStudyRelatedSeries"))) if self._takes_all_series else None
        return self._series_of(study, announced or 0)

    @property
    def _takes_all_series(self) -> bool:
        return not any(keys_at(self._row, "SERIES").values())

    def images_of(self, study_uid: str, series: Dataset) -> list[Dataset]:
        """The images of a series answer that fit the row, each once.

        The node is asked for all of them, and they are compared here: some compare values of images as a whole. A
        list that is shorter than the node counts, or that it may have cut, is a doubt.
        """
        uid, claimed = (
            str(series.SeriesInstanceUID),
            whole_number(str(series.get("NumberOfSeriesRelatedInstances"))),
        )
        keys = dict.fromkeys(image_keys(self._row, study_uid, uid), "")
        keys |= {"StudyInstanceUID": study_uid, "SeriesInstanceUID": uid}
        answers, withheld = self._listed(keys)
        identified(answers, "SOPInstanceUID")
        mine = (a for a in answers if (a.get("SeriesInstanceUID") or uid) == uid)
        found = {str(answer.SOPInstanceUID): answer for answer in mine}
        if len(found) < (claimed or 0):
            told = f"the node counts {counted(claimed or 0, 'image')} in a series, but lists {len(found)}"
            self.doubts.add(("fewer_images_than_counted", told))
        elif len(found) != claimed and (withheld or self._cut_at(len(answers), keys, unproven=len(answers) in ROUND)):
            told = f"the node lists exactly {counted(len(answers), 'image')} of a series, where it may have cut"
            self.doubts.add(("cut_answers", told))
        return self._fitting("IMAGE", list(found.values()))

    def _listed(self, keys: Mapping[str, str]) -> tuple[list[Dataset], bool]:
        """The images that a node lists of a series, and whether it said that it keeps some, or all, back."""
        try:
            return self._ask("IMAGE", keys), False
        except PacsError as error:
            if not error.withholds:
                raise
            answers, error.partial = [one for one in error.partial if one.get("SOPInstanceUID")], []
            return answers, True

    def _hit(self, study: Dataset) -> Hit:
        uid = str(study.StudyInstanceUID)
        found = tuple(self._series(uid, answer) for answer in self.series_of(study))
        return Hit(uid, text(study, "PatientID"), attributes(study), found, self._takes_all_series)

    def _series_of(self, study: Dataset, announced: int) -> list[Dataset]:
        mine: dict[str, Dataset] = {}
        uid, split = str(study.StudyInstanceUID), of_series(text(study, "ModalitiesInStudy").split("\\"))
        keys = series_keys(self._row, uid, self._query.series)
        for _ in range(TWICE):
            answers = self._fitting("SERIES", self._gather("SERIES", keys, split, enough=announced))
            own = (a for a in answers if (a.get("StudyInstanceUID") or uid) == uid)
            fresh = {str(a.SeriesInstanceUID): a for a in own}
            if len(mine) == 1 < len(fresh):  # some nodes fold all into one where they are to count
                self._ceiling.fold()
            mine = {**mine, **fresh} if len(fresh) > len(mine) else {**fresh, **mine}
            if len(mine) >= announced:
                break
            keys = without_counts(keys)
        else:
            doubt = f"the node counts {announced} series in a study, but lists {len(mine)}"
            self.doubts.add(("fewer_series_than_counted", doubt))
        if not mine and self._takes_all_series:
            self.doubts.add(("fewer_series_than_counted", "the node lists no series of a study"))
        return list(mine.values())

    def _series(self, study_uid: str, series: Dataset) -> FoundSeries:
        uid, row = str(series.SeriesInstanceUID), self._row
        count = claimed = whole_number(str(series.get("NumberOfSeriesRelatedInstances")))
        if count is None:
            every = dict.fromkeys(image_keys(row, study_uid, uid), "")
            count = self._counted({**every, "StudyInstanceUID": study_uid, "SeriesInstanceUID": uid})
        fits, reason = wanted(self._query.series, series, count)
        if fits and needs_images(row) and not self._image_fits(study_uid, uid, claimed):
            fits, reason = False, f"no image has the row's {', '.join(keys_at(row, 'IMAGE'))}"
        return FoundSeries(uid, attributes(series), count, fits, reason)

    def _counted(self, keys: Mapping[str, str]) -> int | None:
        """The number of a series' images, from their list; None where the node cuts the list, or gives none."""
        try:
            number = len(self._ask("IMAGE", keys))
        except PacsError as error:
            if error.withholds:
                return None
            raise
        return None if self._cut_at(number, keys, unproven=number in ROUND) else number

    def _cut_at(self, number: int, keys: Mapping[str, str], *, unproven: bool) -> bool:
        """Whether a list of so many images may be a part: `unproven`, the longest so far, where no longer one comes.

        The images of the whole study are such a list, where a node gives them (PS3.4 C.4.1.3.2.2).
        """
        if not self._ceiling.reached("IMAGE", number) or self._ceiling.known("IMAGE", number):
            return self._ceiling.known("IMAGE", number)
        if number < FEW:
            return False
        asked = {"StudyInstanceUID": keys["StudyInstanceUID"], "SeriesInstanceUID": "", "SOPInstanceUID": ""}
        with suppress(PacsError):
            if len(self._ask("IMAGE", asked)) > number:
                self._ceiling.proved("IMAGE", number)
                return False
        return unproven

    def _image_fits(self, study_uid: str, uid: str, count: int | None) -> bool:
        """Whether one image of a series at least fits the row's keys of images; `count`: as many as the node counts."""
        keys, own = image_keys(self._row, study_uid, uid), keys_at(self._row, "IMAGE")
        answers = self._ask("IMAGE", keys)
        fits = bool(self._fitting("IMAGE", answers))
        if not fits:  # Orthanc, for one, compares ImageType as a whole, and not value by value
            answers = self._ask("IMAGE", keys | dict.fromkeys(own, ""))
            fits = any(
                match and not match.unseen for match in (matches(own, answer, self._cased) for answer in answers)
            )
        if (
            not fits
            and len(answers) != count
            and (self._cut_at(len(answers), keys, unproven=True) or len(answers) < (count or 0))
        ):
            doubt = f"no image fits among exactly {len(answers)} of a series, where the node may have cut"
            self.doubts.add(("cut_answers", doubt))
        return fits
