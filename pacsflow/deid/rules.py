"""The compiled profile: for every tag, what is done with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pacsflow.deid.actions import Action, Remove
from pacsflow.deid.dictionary import PrivateTag

REMOVE = Remove()


@dataclass(frozen=True)
class Pattern:
    """A rule for a repeating group (PS3.5 7.6): fits where `tag & mask == value`."""

    value: int
    mask: int
    action: Action


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
    def removed(self) -> frozenset[int]:
        """Tags that always go."""
        return frozenset(tag for tag, action in self.actions.items() if isinstance(action, Remove))

    @cached_property
    def worked(self) -> frozenset[int]:
        """Tags whose action needs to see the value."""
        return frozenset(self.actions) - self.removed

    @cached_property
    def creators(self) -> frozenset[str]:
        """Private creators that something is kept of."""
        return frozenset(creator for _, creator, _ in self.private)

    def unlisted(self, tag: int) -> Action:
        """The action for a tag that PS3.6 does not know."""
        return next((rule.action for rule in self.patterns if tag & rule.mask == rule.value), REMOVE)
