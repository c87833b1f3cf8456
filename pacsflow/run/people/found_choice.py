"""Find and choose, a page at a time: rows, studies and series of a project with filters, in groups, and undo.

The ledger is read once and again when it changed; pages are cut from memory, so that 200,000 series stay fluid.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Generic, TypeVar

from pacsflow.errors import ProjectError
from pacsflow.ledger import Ledger, choices, found
from pacsflow.ledger.found import ShownRow
from pacsflow.run.reporting.sizes import megabytes

Line = TypeVar("Line")
BY: Mapping[str, str] = {
    "StudyDescription": "study_description",
    "SeriesDescription": "description",
    "Modality": "modality",
}
"""What series are grouped by -> the field of `SeriesLine`."""
MOST_COUNTS = 64
"""So many counts of groups are kept, of filters that were used."""
MOST_UNDONE = 50
"""So many changes of the choice can be undone, the last one first."""


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """A series as the node answered it. `gigabytes` is an estimate; `held`: its row waits for a person's decision."""

    key: str
    study: str
    rows: tuple[int, ...]
    study_description: str
    description: str
    modality: str
    number: str
    images: int
    gigabytes: float
    ruled: bool
    wanted: bool
    chosen: bool | None
    reason: str
    held: bool = False
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class StudyLine:
    """A study as the node answered it. `decision`: take, held, drop; the first row's where they differ."""

    key: str
    rows: tuple[int, ...]
    decision: str
    attributes: Mapping[str, str]
    series: int
    wanted: int
    images: int
    gigabytes: float
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class GroupLine:
    """Series that are alike: their number, in how many studies, images, GB, how many of them are wanted."""

    name: tuple[str, ...]
    studies: int
    series: int
    images: int
    gigabytes: float
    wanted: int


@dataclass(frozen=True)
class SeriesFilter:
    """Which series are shown: each field narrows, empty ones do not. `text` is looked for in all that is shown."""

    text: str = ""
    study_description: str | None = None
    description: str | None = None
    modality: str | None = None
    study: str = ""
    row: int = 0
    wanted: bool | None = None

    def of(self, lines: Iterable[SeriesLine]) -> list[SeriesLine]:
        """Those of some series that are shown. Only what is asked for is compared: there may be 200,000 lines."""
        shown = list(lines)
        for name in ("study_description", "description", "modality", "wanted"):
            if (asked := getattr(self, name)) is not None:
                value = attrgetter(name)
                shown = [line for line in shown if value(line) == asked]
        if self.study:
            shown = [line for line in shown if line.study == self.study]
        if self.row:
            shown = [line for line in shown if self.row in line.rows]
        if text := self.text.casefold():
            shown = [line for line in shown if text in line.text]
        return shown


def alike(by: Sequence[str], name: Sequence[str]) -> SeriesFilter:
    """The filter that all series of a group fit, grouped by keywords of `BY`."""
    fields: dict[str, Any] = {BY[keyword]: value for keyword, value in zip(by, name, strict=True)}
    return SeriesFilter(**fields)


@dataclass(frozen=True)
class LinesPage(Generic[Line]):
    """Some lines of a list, and how many there are in all."""

    total: int
    lines: Sequence[Line]


@dataclass(frozen=True)
class ChoiceTotals:
    """What is wanted: numbers of studies, series and images, and GB (an estimate)."""

    studies: int
    series: int
    images: int
    gigabytes: float


@dataclass(frozen=True)
class _Read:
    """The ledger as it was read."""

    rows: Sequence[ShownRow] = ()
    studies: Mapping[str, StudyLine] = field(default_factory=dict)
    series: dict[str, SeriesLine] = field(default_factory=dict)


class FoundChoice:
    """What the rows of a project found, and the choice among it. Thread-safe; shared by all who look at the project.

    Identifying: stays inside the process and on the pages of those who may see it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.RLock()
        self._mark: tuple[object, ...] = ()
        self._read = _Read()
        self._sizes: Mapping[str, tuple[int, int]] | None = None
        self._undo: list[tuple[str, Mapping[str, tuple[bool | None, bool]]]] = []
        self._counts: dict[object, Any] = {}
        self._counts_of: tuple[object, ...] = ()

    def rows(
        self, *, text: str = "", statuses: Collection[str] = (), offset: int = 0, limit: int = 100
    ) -> LinesPage[ShownRow]:
        """Rows in their order; `text` is looked for in id, status and reason, and as a row's number."""
        asked = text.casefold()
        chosen = [
            row
            for row in self._now().rows
            if (not statuses or row.status in statuses)
            and (not asked or asked in f"{row.id}\n{row.status}\n{row.reason}\nrow {row.number}".casefold())
        ]
        return LinesPage(len(chosen), chosen[offset : offset + limit])

    def studies(self, *, text: str = "", row: int = 0, offset: int = 0, limit: int = 100) -> LinesPage[StudyLine]:
        """Studies in the order of the rows that hit them; of one row where given."""
        asked = text.casefold()
        chosen = [
            one
            for one in self._now().studies.values()
            if (not row or row in one.rows) and (not asked or asked in one.text)
        ]
        return LinesPage(len(chosen), chosen[offset : offset + limit])

    def series(
        self, only: SeriesFilter | None = None, *, sort: str = "", falling: bool = False, offset: int = 0,
        limit: int = 100,
    ) -> LinesPage[SeriesLine]:  # fmt: skip
        """Series that fit a filter, by a field of `SeriesLine`; without one in the order of the rows."""
        chosen = self._fitting(only)
        if sort:
            chosen.sort(key=attrgetter(sort), reverse=falling)
        return LinesPage(len(chosen), chosen[offset : offset + limit])

    def groups(self, only: SeriesFilter | None = None, by: Sequence[str] = tuple(BY)) -> list[GroupLine]:
        """Series that fit a filter, in groups by keywords of `BY`, the largest first."""
        return list(self._counted((only, tuple(by)), lambda: self._groups(only, by)))

    def _groups(self, only: SeriesFilter | None, by: Sequence[str]) -> list[GroupLine]:
        value = attrgetter(*(BY[keyword] for keyword in by))
        members: dict[str | tuple[str, ...], list[SeriesLine]] = {}
        for one in self._fitting(only):
            members.setdefault(value(one), []).append(one)
        lines = [_group((name,) if isinstance(name, str) else name, series) for name, series in members.items()]
        return sorted(lines, key=lambda line: (-line.series, line.name))

    def keys(self, only: SeriesFilter) -> list[str]:
        """Keys of all series that fit a filter, on whatever page."""
        return [one.key for one in self._fitting(only)]

    def totals(self) -> ChoiceTotals:
        """What is wanted now, of rows that are not held."""
        found: ChoiceTotals = self._counted("totals", self._totals)
        return found

    def _totals(self) -> ChoiceTotals:
        wanted = [one for one in self._fitting(SeriesFilter(wanted=True)) if not one.held]
        studies = len({one.study for one in wanted})
        return ChoiceTotals(
            studies, len(wanted), sum(one.images for one in wanted), sum(one.gigabytes for one in wanted)
        )

    def choose(self, keys: Iterable[str], *, wanted: bool, by: str) -> int:
        """Take series, or drop them; how many that changes. The others stay as they are from now on.

        Raises ProjectError where a key is of no series that was found.
        """
        with self._lock:
            known, named = self._now().series, set(keys)
            if unknown := named - known.keys():
                raise ProjectError.at("select", f"{len(unknown)} series are not among those found", "look again")
            changed = {key for key in named if known[key].wanted != wanted}
            # a choice is made of all, as in `pacsflow select`: what appears later is told as new
            said = {key: wanted if key in named else one.wanted for key, one in known.items()}
            fresh = {key: want for key, want in said.items() if known[key].chosen is not want}
            if fresh:
                choices.choose(self._ledger, fresh, by=by)
                self._remember(by, {key: (known[key].chosen, want) for key, want in fresh.items()})
                for key, want in fresh.items():
                    known[key] = replace(known[key], wanted=want, chosen=want)
                self._counted_again(changed)
            return len(changed)

    def undo(self, *, by: str) -> int:
        """Take the last change of a person in this process back; of how many series. 0 where there is none any more.

        What another person changed since stays as that person said.
        """
        with self._lock:
            known = self._now().series
            place = next((n for n in reversed(range(len(self._undo))) if self._undo[n][0] == by), None)
            if place is None:
                return 0
            _, changes = self._undo.pop(place)
            mine = {key for key, (_, after) in changes.items() if key in known and known[key].chosen is after}
            choices.restore(self._ledger, {key: changes[key][0] for key in mine}, by=by)
            self._mark = ()
            return len(mine)

    def _remember(self, by: str, changes: Mapping[str, tuple[bool | None, bool]]) -> None:
        self._undo = [*self._undo[1 - MOST_UNDONE :], (by, changes)]

    def _fitting(self, only: SeriesFilter | None) -> list[SeriesLine]:
        lines = self._now().series.values()
        return (only or SeriesFilter()).of(lines)

    def _now(self) -> _Read:
        """What the ledger says, read again where it changed."""
        with self._lock:
            marked = found.mark(self._ledger)
            if marked != self._mark:
                self._read, self._mark = self._loaded(), marked
            return self._read

    def _counted(self, what: object, count: Callable[[], Any]) -> Any:
        """A count, made once as long as the ledger says the same: each page shows the same groups and totals."""
        with self._lock:
            self._now()
            if self._counts_of is not self._mark or len(self._counts) >= MOST_COUNTS:
                self._counts, self._counts_of = {}, self._mark
            if what not in self._counts:
                self._counts[what] = count()
            return self._counts[what]

    def _counted_again(self, changed: Iterable[str]) -> None:
        """After a change of ours: the numbers of the studies, without reading all again."""
        read, touched = self._read, {self._read.series[key].study for key in changed}
        wanted = dict.fromkeys(touched, 0)
        for one in read.series.values():
            if one.study in touched:
                wanted[one.study] += one.wanted
        studies = {k: replace(s, wanted=wanted[k]) if k in touched else s for k, s in read.studies.items()}
        self._read = replace(read, rows=found.rows_found(self._ledger), studies=studies)
        self._mark = found.mark(self._ledger)

    def _loaded(self) -> _Read:
        rows, answered = found.rows_found(self._ledger), found.studies_found(self._ledger)
        series = list(found.all_series_found(self._ledger))
        if self._sizes is None:
            self._sizes = found.held_sizes(self._ledger)
        known = found.by_modality(self._sizes, {one.key: one.attributes.get("Modality", "") for one in series})
        hit: dict[str, list[tuple[int, str]]] = {}
        for row in rows:
            for study, decision in row.hits.items():
                hit.setdefault(study, []).append((row.number, decision))
        lines: dict[str, dict[str, SeriesLine]] = {key: {} for key in hit}
        for one in series:
            if one.study in hit:
                lines[one.study][one.key] = _line(one, answered.get(one.study, {}), hit[one.study], known)
        studies = {key: _study(key, hit[key], answered.get(key, {}), list(lines[key].values())) for key in hit}
        ordered = {key: line for key in hit if _taken(hit[key]) for key, line in lines[key].items()}
        return _Read(rows, studies, ordered)


def _taken(hits: Sequence[tuple[int, str]]) -> bool:
    return any(decision in ("take", "held") for _, decision in hits)


def _line(
    one: found.ShownSeries, study: Mapping[str, str], hits: Sequence[tuple[int, str]], known: Mapping[str, float]
) -> SeriesLine:
    said = one.attributes.get
    modality = said("Modality", "")
    names = (study.get("StudyDescription", ""), said("SeriesDescription", ""), modality)
    told = (*names, said("SeriesNumber", ""), said("BodyPartExamined", ""), study.get("StudyDate", ""))
    return SeriesLine(
        key=one.key,
        study=one.study,
        rows=tuple(number for number, decision in hits if decision != "drop"),
        study_description=names[0],
        description=names[1],
        modality=modality,
        number=said("SeriesNumber", ""),
        images=one.images or 0,
        gigabytes=(one.images or 0) * megabytes(modality, known) / 1000,
        ruled=one.ruled,
        wanted=one.wanted,
        chosen=one.chosen,
        reason=one.reason,
        held=all(decision != "take" for _, decision in hits),
        text="\n".join((*told, one.key, one.study)).casefold(),
    )


def _study(
    key: str, hits: Sequence[tuple[int, str]], answered: Mapping[str, str], series: Sequence[SeriesLine]
) -> StudyLine:
    return StudyLine(
        key=key,
        rows=tuple(number for number, _ in hits),
        decision=hits[0][1],
        attributes=answered,
        series=len(series),
        wanted=sum(one.wanted for one in series),
        images=sum(one.images for one in series),
        gigabytes=sum(one.gigabytes for one in series),
        text="\n".join((key, *map(str, answered.values()))).casefold(),
    )


def _group(name: tuple[str, ...], series: Sequence[SeriesLine]) -> GroupLine:
    return GroupLine(
        name,
        len({one.study for one in series}),
        len(series),
        sum(one.images for one in series),
        sum(one.gigabytes for one in series),
        sum(one.wanted for one in series),
    )
