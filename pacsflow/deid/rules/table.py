"""The compiled profile: for every tag, what is done with it."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, NamedTuple, Protocol, TypeVar

from pacsflow.deid.encoding.dictionary import PRIVATE, VR_OF, PrivateTag
from pacsflow.deid.encoding.walk import CODE_OF, NAME, unsigned
from pacsflow.deid.rules.actions import Action, Remove
from pacsflow.deid.rules.binary import Binary
from pacsflow.deid.rules.uids import LegalUid
from pacsflow.deid.rules.unlisted import Label, Meaning, Number, Terms, Text, Texts, odd

REMOVE = Remove()
_LEFT: Final[dict[str, Action]] = {"UI": LegalUid()}
"""What is done with values that no rule touches."""
Kind = TypeVar("Kind")
PIXELS: Final = 0x7FE00000
BEHIND: Final = 0x7FE10000
"""First tags of the pixel data's group and of what follows it."""
OVERRIDDEN: Final = frozenset({0x00100010, 0x00100020, 0x00120062, 0x00120063, 0x00120064, 0x00280303})
"""Patient's name and id, Patient Identity Removed, De-identification Method and its codes, and Longitudinal Temporal
Information Modified: tags that pseudonym and marking put something in the place of, whatever the rules say."""


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


class RulePlan(NamedTuple):
    """What to do with elements of certain tags.

    `runs` are first and last tag of neighbours that all go, `gone` those tags one by one, `work` tags whose action
    needs the value, `private` tags that depend on their creators. Of coded strings (`terms`), numbers written as
    text (`numbers`) or not (`binary`) and reviewed texts most are as they should be: that is seen without their action.
    """

    runs: dict[int, int]
    gone: frozenset[int]
    work: tuple[tuple[int, Action], ...]
    private: tuple[int, ...]
    terms: tuple[tuple[int, Terms], ...]
    numbers: tuple[tuple[int, Number], ...]
    texts: tuple[tuple[int, Texts], ...]
    binary: tuple[tuple[int, Binary], ...]


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


def _of_kind(actions: Mapping[int, Action], kind: type[Kind]) -> tuple[tuple[int, Kind], ...]:
    """Tags and actions of one kind."""
    return tuple((tag, action) for tag, action in actions.items() if isinstance(action, kind))


def _texts(actions: Mapping[int, Action]) -> tuple[tuple[int, Texts], ...]:
    return tuple((tag, action) for tag, action in actions.items() if isinstance(action, Text | Label | Meaning))


@dataclass(frozen=True)
class Rules:
    """Tag -> action. A tag of `known` without an action is kept; a tag that is not known follows a pattern or goes.

    `actions` holds every sequence of PS3.6, as its items need a look even where it is kept. `ruled` are tags with a
    rule of the user's own. `content` has a letter per concept of SR content items. `placed` are tags that
    something is put in the place of, whatever their action. `kept_as_is`: what Table E.1-1 does not
    list is not looked at.
    """

    known: frozenset[int]
    actions: Mapping[int, Action]
    patterns: tuple[Rest, ...]
    private: Mapping[PrivateTag, Action]
    ruled: frozenset[int] = frozenset()
    content: Mapping[str, str] = field(default_factory=dict)
    placed: frozenset[int] = OVERRIDDEN
    kept_as_is: bool = False
    mark: object = field(default_factory=object, compare=False)
    """Stands for these rules where results are remembered."""
    coded: dict[tuple[bytes, bool], bytes] = field(default_factory=dict, compare=False, repr=False)
    """Items of codes, and what they became: the same everywhere under these rules."""

    @cached_property
    def plan(self) -> Callable[[bytes], RulePlan]:
        """What to do with a dataset or item of these tags and VRs (`Level.signature`).

        Instances of a series have the same, so it is remembered.
        """
        return lru_cache(4096)(self._plan)

    def _plan(self, signature: bytes) -> RulePlan:
        vrs = unsigned(signature)
        tags = tuple(vrs)
        actions = {
            tag: self._action(tag, vr) or _LEFT.get(VR_OF.get(tag, "")) for tag, vr in vrs.items() if not tag & PRIVATE
        }
        gone = {tag for tag, action in actions.items() if isinstance(action, Remove) and tag not in self.placed}
        private = tuple(sorted(tag for tag in tags if tag & PRIVATE))
        if not self.private:
            gone.update(private)
        breaks = sorted({*self.placed, PIXELS, BEHIND})
        left = {tag: action for tag, action in actions.items() if action and tag not in gone}
        terms, numbers, texts = _of_kind(left, Terms), _of_kind(left, Number), _texts(left)
        binary = _of_kind(left, Binary)
        aside = {tag for tag, _ in (*terms, *numbers, *texts, *binary)}
        work = tuple((tag, action) for tag, action in left.items() if tag not in aside)
        kept = private if self.private else ()
        return RulePlan(_runs(tags, gone, breaks), frozenset(gone), work, kept, terms, numbers, texts, binary)

    def _action(self, tag: int, vr: int) -> Action | None:
        """The action for an element that is encoded with this VR."""
        if tag not in self.known:
            return self.unlisted(tag)
        action = self.actions.get(tag)
        if vr == CODE_OF[tag] or tag in self.ruled or self.kept_as_is or not isinstance(action, Number | Binary | None):
            return action
        return odd(tag, NAME[vr]) or (action if isinstance(action, Binary) else None)

    @cached_property
    def creators(self) -> frozenset[str]:
        """Private creators that something is kept of."""
        return frozenset(creator for _, creator, _ in self.private)

    def unlisted(self, tag: int) -> Action:
        """The action for a tag that PS3.6 does not know."""
        return next((action for rule in self.patterns if (action := rule.action_for(tag))), REMOVE)
