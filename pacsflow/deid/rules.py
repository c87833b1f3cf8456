"""The compiled profile: for every tag, what is done with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

from pacsflow.deid.actions import Action, Remove
from pacsflow.deid.dictionary import PRIVATE, PrivateTag

REMOVE = Remove()


@dataclass(frozen=True)
class Pattern:
    """A rule for a repeating group (PS3.5 7.6): fits where `tag & mask == value`."""

    value: int
    mask: int
    action: Action


class Plan(NamedTuple):
    """Tags that go, tags whose action needs the value, private tags that depend on their creators."""

    gone: tuple[int, ...]
    work: tuple[tuple[int, Action], ...]
    private: tuple[int, ...]


@dataclass(frozen=True)
class Rules:
    """Tag -> action. A tag of `known` without an action is kept; a tag that is not known follows a pattern or goes.

    `actions` holds every sequence of PS3.6, as its items need a look even where it is kept. `ruled` are tags with a
    rule of the user's own. `content` has a letter per concept of SR content items.
    """

    known: frozenset[int]
    actions: Mapping[int, Action]
    patterns: tuple[Pattern, ...]
    private: Mapping[PrivateTag, Action]
    ruled: frozenset[int] = frozenset()
    content: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def plan(self) -> Callable[[tuple[int, ...]], Plan]:
        """What to do with a dataset or item of these tags; instances of a series have the same, so it is remembered."""
        return lru_cache(4096)(self._plan)

    def _plan(self, tags: tuple[int, ...]) -> Plan:
        private = tuple(sorted(tag for tag in tags if tag & PRIVATE))
        plain = [(tag, self._action(tag)) for tag in tags if not tag & PRIVATE]
        gone = [tag for tag, action in plain if isinstance(action, Remove)]
        work = tuple((tag, action) for tag, action in plain if action and not isinstance(action, Remove))
        return Plan(tuple(gone) if self.private else (*gone, *private), work, private if self.private else ())

    def _action(self, tag: int) -> Action | None:
        return self.actions.get(tag) if tag in self.known else self.unlisted(tag)

    @cached_property
    def creators(self) -> frozenset[str]:
        """Private creators that something is kept of."""
        return frozenset(creator for _, creator, _ in self.private)

    def unlisted(self, tag: int) -> Action:
        """The action for a tag that PS3.6 does not know."""
        return next((rule.action for rule in self.patterns if tag & rule.mask == rule.value), REMOVE)
