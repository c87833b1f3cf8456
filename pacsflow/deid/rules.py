"""The compiled profile: for every tag, what is done with it."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, NamedTuple, Protocol

from pacsflow.deid.actions import Action, Remove
from pacsflow.deid.dictionary import PRIVATE, PrivateTag

REMOVE = Remove()
PIXELS: Final = 0x7FE00000
BEHIND: Final = 0x7FE10000
"""First tags of the pixel data's group and of what follows it."""
OVERRIDDEN: Final = frozenset({0x00100010, 0x00100020, 0x00120062, 0x00120063, 0x00120064, 0x00280303})
"""Tags that pseudonym and marking put something in the place of, whatever the rules say."""


@dataclass(frozen=True)
class Pattern:
    """A rule for a repeating group (PS3.5 7.6): fits where `tag & mask == value`."""

    value: int
    mask: int
    action: Action

    def action_for(self, tag: int) -> Action | None:
        """The action, where the rule fits."""
        return self.action if tag & self.mask == self.value else None


class Rest(Protocol):
    """Rules for tags that are not in PS3.6's list one by one."""

    def action_for(self, tag: int) -> Action | None:
        """The action for a tag; None where no rule fits."""


class Plan(NamedTuple):
    """What to do with elements of certain tags.

    `runs` are first and last tag of neighbours that all go, `gone` those tags one by one, `work` tags whose action
    needs the value, `private` tags that depend on their creators.
    """

    runs: dict[int, int]
    gone: frozenset[int]
    work: tuple[tuple[int, Action], ...]
    private: tuple[int, ...]


def _runs(tags: tuple[int, ...], gone: set[int], breaks: Sequence[int]) -> dict[int, int]:
    """First -> last tag of each stretch of `gone` tags; a stretch does not reach over what is put in."""
    runs: dict[int, int] = {}
    first = None
    for tag in tags:
        if tag not in gone or (first is not None and bisect_right(breaks, first) != bisect_right(breaks, tag)):
            first = None
        if tag in gone:
            first = tag if first is None else first
            runs[first] = tag
    return runs


@dataclass(frozen=True)
class Rules:
    """Tag -> action. A tag of `known` without an action is kept; a tag that is not known follows a pattern or goes.

    `actions` holds every sequence of PS3.6, as its items need a look even where it is kept. `ruled` are tags with a
    rule of the user's own. `content` has a letter per concept of SR content items. `placed` are tags that
    something is put in the place of, whatever their action.
    """

    known: frozenset[int]
    actions: Mapping[int, Action]
    patterns: tuple[Rest, ...]
    private: Mapping[PrivateTag, Action]
    ruled: frozenset[int] = frozenset()
    content: Mapping[str, str] = field(default_factory=dict)
    placed: frozenset[int] = OVERRIDDEN

    @cached_property
    def plan(self) -> Callable[[tuple[int, ...]], Plan]:
        """What to do with a dataset or item of these tags; instances of a series have the same, so it is remembered."""
        return lru_cache(4096)(self._plan)

    def _plan(self, tags: tuple[int, ...]) -> Plan:
        actions = {tag: self._action(tag) for tag in tags if not tag & PRIVATE}
        gone = {tag for tag, action in actions.items() if isinstance(action, Remove) and tag not in self.placed}
        work = tuple((tag, action) for tag, action in actions.items() if action and tag not in gone)
        private = tuple(sorted(tag for tag in tags if tag & PRIVATE))
        if not self.private:
            gone.update(private)
        breaks = sorted({*self.placed, PIXELS, BEHIND})
        return Plan(_runs(tags, gone, breaks), frozenset(gone), work, private if self.private else ())

    def _action(self, tag: int) -> Action | None:
        return self.actions.get(tag) if tag in self.known else self.unlisted(tag)

    @cached_property
    def creators(self) -> frozenset[str]:
        """Private creators that something is kept of."""
        return frozenset(creator for _, creator, _ in self.private)

    def unlisted(self, tag: int) -> Action:
        """The action for a tag that PS3.6 does not know."""
        return next((action for rule in self.patterns if (action := rule.action_for(tag))), REMOVE)
