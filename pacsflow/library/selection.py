"""What is to be fetched: answers, or UIDs alone, in any mixture -> which instances of which series of which studies."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pacsflow.errors import ArgumentError
from pacsflow.library.answers import InstanceAnswer, SeriesAnswer, StudyAnswer

UidReference = tuple[str, ...]
"""(study), (study, series) or (study, series, instance), by their UIDs."""
Selectable = StudyAnswer | SeriesAnswer | InstanceAnswer | str | UidReference
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
_LONGEST_UID = 64
_DEEPEST = 3


@dataclass
class SelectedStudy:
    """What is wanted of a study: all of it where `whole`, else some `series`, of each all (None) or some instances.

    `answer`: the study as it was found; None where only its UID is known. `series_answers`: likewise, by UID.
    """

    uid: str
    answer: StudyAnswer | None = None
    whole: bool = False
    series: dict[str, set[str] | None] = field(default_factory=dict)
    series_answers: dict[str, SeriesAnswer] = field(default_factory=dict)

    def add(self, series: str, instance: str = "") -> None:
        """Want a series, or an instance of it."""
        known = self.series.setdefault(series, set() if instance else None)
        if not instance:
            self.series[series] = None
        elif known is not None:
            known.add(instance)


def selected(what: Selectable | Iterable[Selectable]) -> list[SelectedStudy]:
    """The studies of which something is wanted, each once, in the order in which they are named.

    Raises ArgumentError for anything that is neither an answer nor UIDs.
    """
    studies: dict[str, SelectedStudy] = {}
    for one in _each(what):
        if isinstance(one, StudyAnswer):
            study = studies.setdefault(one.uid, SelectedStudy(one.uid))
            study.answer, study.whole = one, True
        elif isinstance(one, SeriesAnswer):
            _of(studies, one).add(one.uid)
        elif isinstance(one, InstanceAnswer):
            _of(studies, one.series).add(one.series.uid, one.uid)
        else:
            uid, *below = one
            study = studies.setdefault(uid, SelectedStudy(uid))
            study.whole = study.whole or not below
            if below:
                study.add(*below)
    return list(studies.values())


def _of(studies: dict[str, SelectedStudy], series: SeriesAnswer) -> SelectedStudy:
    study = studies.setdefault(series.study.uid, SelectedStudy(series.study.uid))
    study.answer = study.answer or series.study
    study.series_answers[series.uid] = series
    return study


def _each(what: object) -> Iterator[StudyAnswer | SeriesAnswer | InstanceAnswer | UidReference]:
    if isinstance(what, StudyAnswer | SeriesAnswer | InstanceAnswer):
        yield what
    elif isinstance(what, str):
        yield _checked((what,))
    elif isinstance(what, tuple) and what and all(isinstance(uid, str) for uid in what):
        yield _checked(what)
    elif isinstance(what, Iterable) and not isinstance(what, bytes | dict):
        for one in what:
            yield from _each(one)
    else:
        raise ArgumentError(f"a {type(what).__name__} is neither an answer nor a UID", fix=_FIX)


def _checked(uids: tuple[str, ...]) -> UidReference:
    plain = tuple(str(uid).strip() for uid in uids)
    if len(plain) > _DEEPEST:
        raise ArgumentError("a tuple of UIDs has more than three", fix=_FIX)
    if not all(_UID.fullmatch(uid) and len(uid) <= _LONGEST_UID for uid in plain):
        raise ArgumentError("a text is not a UID: digits and dots, 64 characters at most", fix=_FIX)
    return plain


_FIX = (
    "give a study, a series or an instance that was found, or a list of them; or UIDs: 'study', ('study', 'series') "
    "or ('study', 'series', 'instance'), or a list of these"
)
