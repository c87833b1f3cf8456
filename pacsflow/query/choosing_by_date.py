"""Which of a row's studies are taken, by their dates: the nearest to an index date, priors, the first or last ones.

Nothing is guessed: a study without a date, and studies of one date of which some would be taken and some not, hold the
row for a person. No text here holds a date.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pacsflow.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydicom import Dataset

    from schemas.query import StudyChoice

NO_DATE = "a study has no date, and studies are chosen by it"


@dataclass(frozen=True)
class ChosenStudies:
    """The studies taken; of a row that is held, all that a person may choose from. `why_none`: where none is left."""

    studies: tuple[Dataset, ...] = field(repr=False)
    holds: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    why_none: str = ""


@dataclass(frozen=True)
class _Dated:
    day: dt.date
    study: Dataset = field(repr=False)


def choose_by_date(found: Sequence[Dataset], rules: StudyChoice, index_date: str) -> ChosenStudies:
    """Those of the studies found that the rules take. `index_date`: YYYYMMDD, '' where no rule needs it."""
    dated = [_Dated(day, study) for study in found if (day := _day(str(study.get("StudyDate") or "")))]
    if len(dated) < len(found):
        return ChosenStudies(tuple(found), (NO_DATE,))
    taken, holds, notes = _taken(dated, rules, _day(index_date))
    if holds:
        return ChosenStudies(tuple(found), holds)
    if not taken:
        return ChosenStudies((), why_none=_why_none(rules))
    left = len(found) - len(taken)
    told = [f"{left} other {'study' if left == 1 else 'studies'} left out by the dates"] if left else []
    return ChosenStudies(tuple(each.study for each in sorted(taken, key=lambda one: one.day)), (), (*told, *notes))


def _taken(
    dated: list[_Dated], rules: StudyChoice, index: dt.date | None
) -> tuple[list[_Dated], tuple[str, ...], list[str]]:
    """The studies taken, why the row is held, and remarks."""
    if index is None:
        parts = [_best(dated, rules.first, lambda one: one.day.toordinal())]
        parts += [_best(dated, rules.last, lambda one: -one.day.toordinal())]
        return _joined(parts, [])
    nearest: tuple[list[_Dated], tuple[str, ...]] = ([], ())
    reference = index
    if rules.nearest:
        window = range(rules.nearest.StudyDate[0], rules.nearest.StudyDate[1] + 1)
        near = [one for one in dated if (one.day - index).days in window]
        nearest = _best(near, 1, lambda one: abs((one.day - index).days))
        if not nearest[0] or nearest[1]:
            return [], nearest[1], []
        reference = nearest[0][0].day
    earlier = [one for one in dated if one.day < reference]
    priors = _best(earlier, rules.priors, lambda one: -one.day.toordinal())
    wanted = rules.priors or 0
    notes = [f"{len(priors[0])} of {counted(wanted, 'prior')} found"] if len(priors[0]) < wanted else []
    return _joined([nearest, priors], notes)


def _joined(
    parts: Sequence[tuple[list[_Dated], tuple[str, ...]]], notes: list[str]
) -> tuple[list[_Dated], tuple[str, ...], list[str]]:
    taken = {id(one): one for chosen, _ in parts for one in chosen}
    holds = dict.fromkeys(why for _, told in parts for why in told)
    return list(taken.values()), tuple(holds), notes


def _best(
    dated: list[_Dated], number: int | None, order: Callable[[_Dated], int]
) -> tuple[list[_Dated], tuple[str, ...]]:
    """The first `number` in an order; held where the next one stands as near as the last taken."""
    if not number:
        return [], ()
    ordered = sorted(dated, key=order)
    taken, left = ordered[:number], ordered[number:]
    if left and order(taken[-1]) == order(left[0]):
        same = sum(order(one) == order(left[0]) for one in ordered)
        return [], (f"{counted(same, 'study is', 'studies are')} equally near, of which not all are wanted",)
    return taken, ()


def _why_none(rules: StudyChoice) -> str:
    if rules.nearest:
        before, after = rules.nearest.StudyDate
        return f"no study from {before:+d} to {after:+d} days around IndexDate"
    return "no study before IndexDate"


def _day(text: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text.strip(), "%Y%m%d").date()  # noqa: DTZ007 a date has no zone
    except ValueError:
        return None
