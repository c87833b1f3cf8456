"""What became of the instance before: in a series most values are the same, and so is what becomes of them.

What an action answers hangs on the element (tag, VR, bytes), on the rules, and on the case: patient, study, words that
are scrubbed, character sets. Where all of these are as before, the action is not asked again. Only datasets of one
shape are compared (shapes.py), whose Level is one object: same tags, VRs, lengths and places.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import compress
from operator import itemgetter, ne
from typing import Final, NamedTuple

from pacsflow.deid.encoding.days import day_of
from pacsflow.deid.encoding.walk import Level
from pacsflow.deid.rules import structured_content
from pacsflow.deid.rules.actions import Action, Case
from pacsflow.deid.rules.table import BEHIND, PIXELS, RulePlan

Changes = dict[int, bytes | int]
"""Tag -> the whole element in its place (empty: it goes); or the last tag of a run of neighbours that all go."""
LARGEST: Final = 1 << 16
"""Bytes before the pixel data that are remembered of one instance."""
REMEMBERED: Final = 256
"""Instances that are remembered, of different lengths."""
_FEWEST: Final = 2
"""Pieces below which itemgetter gives no tuple."""


class Asked(NamedTuple):
    """The top level of one instance, and what its actions answered."""

    level: Level
    plan: RulePlan
    owner: tuple[object, ...]
    """Everything but the bytes that the answers hang on (`owner_of`)."""
    asked: Sequence[tuple[int, Action]]
    values: Callable[[bytes], tuple[bytes, ...]]
    said: tuple[bytes, ...]
    always: Sequence[tuple[int, Action]]
    """Tags whose answers hang on more than their own bytes: they are asked each time, as private ones are."""
    changes: Mapping[int, bytes | int]

    def to_ask(self, head: bytes) -> list[tuple[int, Action]]:
        """Tags whose values are others than before, and those that are asked each time, with their actions."""
        return [*compress(self.asked, map(ne, self.values(head), self.said)), *self.always]


class Cuts(NamedTuple):
    """What of a dataset stays, before its pixel data: slices between the tags that change."""

    level: Level
    kinds: list[object]
    """The tags that change, and the type of what stands in their place (`kinds_of`)."""
    tags: list[int]
    within: list[int]
    """The tags that change in the pixel data's group, and, `behind`, those that follow it."""
    behind: list[int]
    slices: Callable[[bytes], tuple[bytes, ...]]

    def joined(self, head: bytes, changes: Mapping[int, bytes | int]) -> bytes:
        """The finished bytes before the pixel data; `head` are the original ones."""
        parts = [b""] * (2 * len(self.tags) + 1)
        parts[::2] = self.slices(head)
        parts[1::2] = [new if isinstance(new := changes[tag], bytes) else b"" for tag in self.tags]
        return b"".join(parts)


@dataclass(slots=True, eq=False)
class SeriesMemory:
    """The instances that one cleaner met last, by their length. Threads may share it."""

    asked: dict[int, Asked] = field(default_factory=dict)
    cuts: dict[int, Cuts] = field(default_factory=dict)


def kinds_of(changes: Mapping[int, bytes | int]) -> list[object]:
    """What the places of slices hang on, besides the dataset's shape."""
    return [*changes, *map(type, changes.values()), *[new for new in changes.values() if type(new) is int]]


def owner_of(case: Case, syntax: str) -> tuple[object, ...]:
    """What answers hang on besides bytes and rules; today, where ages do as the exam has no day (BirthDate)."""
    today = None if _dated(case.exam) else date.today()  # noqa: DTZ011 - ages have no zone
    return (
        case.scrubber,
        case.person,
        case.identity,
        case.study_uid,
        case.birth,
        case.exam,
        case.charsets,
        syntax,
        today,
    )


@lru_cache(1024)
def _dated(exam: bytes) -> bool:
    return day_of(exam.decode("latin-1")) is not None


def asked_of(
    level: Level, plan: RulePlan, owner: tuple[object, ...], *, head: bytes, changes: Mapping[int, bytes | int]
) -> Asked:
    """What the actions of `plan` answered (`changes`) for an instance whose bytes before the pixel data are `head`."""
    every = (*plan.work, *plan.terms, *plan.texts, *plan.numbers, *plan.binary)
    asked = [(tag, action) for tag, action in every if _alone(tag)]
    always = [(tag, action) for tag, action in every if not _alone(tag)]
    values = _getter([slice(*level.elements[tag][2:]) for tag, _ in asked])
    volatile = {*plan.private, *(tag for tag, _ in always)}
    kept = {tag: new for tag, new in changes.items() if tag not in volatile}
    return Asked(level, plan, owner, asked, values, values(head), always, kept)


def _alone(tag: int) -> bool:
    """Whether the answer hangs on the element's own bytes, which stand before the pixel data."""
    return tag < PIXELS and tag != structured_content.MEASURED


def cuts_of(level: Level, changes: Mapping[int, bytes | int], kinds: list[object]) -> Cuts:
    """Where the slices stand that stay before the pixel data, one more than tags that change."""
    every = sorted(changes)
    middle, end = bisect_left(every, PIXELS), bisect_left(every, BEHIND)
    tags = every[:middle]
    starts, stops = [level.start], list[int]()
    for tag in tags:
        new, place = changes[tag], level.place(tag)
        last = new if isinstance(new, int) else tag
        stops.append(place)
        starts.append(level.elements[last][3] if last in level.elements else place)
    stops.append(level.place(PIXELS))
    slices = _getter([slice(*span) for span in zip(starts, stops, strict=True)])
    return Cuts(level, kinds, tags, every[middle:end], every[end:], slices)


def remember(known: dict[int, Asked] | dict[int, Cuts], size: int, what: Asked | Cuts) -> None:
    """Keep it for the next instance of this length."""
    if len(known) >= REMEMBERED:
        known.clear()
    known[size] = what  # type: ignore[assignment]


def _getter(pieces: Sequence[slice]) -> Callable[[bytes], tuple[bytes, ...]]:
    if len(pieces) < _FEWEST:
        return lambda data: tuple([data[piece] for piece in pieces])
    return itemgetter(*pieces)
