"""Which boxes of an instance are to be painted: what is known, what stands still, what is read, in this order."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pacsflow.deid.burned.boxes import Box, inside, regions
from pacsflow.deid.burned.geometry import Kind, beyond_regions, boxes_of, device_boxes, ruled
from pacsflow.deid.burned.grey import Frames, chosen, readable, shown
from pacsflow.deid.burned.painted import paintable
from pacsflow.deid.burned.personal import harmless, looks_personal, own, search_words, text_like, unknown_letters
from pacsflow.deid.burned.reading import TextReader, Word, lacking, text_reader
from pacsflow.deid.burned.still import FEWEST, still_boxes
from pacsflow.deid.contract import Source
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.encoding.walk import Walk
from pacsflow.deid.envelope.frame import UnclearError
from pacsflow.deid.rules import known_devices
from pacsflow.deid.rules.guards import PIXELS, header_risk
from pacsflow.errors import RefusalError
from schemas.deid import MaskRule

WAITS: Final = "pixels: waits for a look"
"""Beginning of the refusal of what a person decides about: `pacsflow review`."""
_READ_SOME: Final = frozenset({"CT", "MR", "PT", "NM"})
_NUMBER: Final = 0x00200013
_EVERY: Final = 16
"""Of derived series of these, the 1st, 2nd, 4th, 8th and then every 16th image is read."""
_REACH: Final = 0.75
"""How far a line of text reaches to the next one of its block, in its own heights."""
_UNREAD: Final = 0.5
"""Below this a word counts as one that could not be read."""


class Seen(NamedTuple):
    """An instance that is looked at."""

    source: Source
    walk: Walk
    header: Header


class Held(Protocol):
    """Keeps what waits for a look, so that nobody else can see it."""

    def keep(self, kind: Kind, why: str, picture: NDArray[np.uint8], boxes: Sequence[Box], *, study: str = "") -> None:
        """One more image of this kind waits."""


@dataclass(frozen=True)
class TextFinder:
    """Finds the boxes of instances by the rules of a project. `own`: values of a header that name its patient."""

    rules: tuple[MaskRule, ...] = ()
    held: Held | None = None
    reader: Callable[[], TextReader | None] = text_reader

    def boxes(self, seen: Seen, values: Callable[[], Iterable[str]]) -> tuple[Box, ...] | None:
        """What is to be painted into every frame; None where the pixel data is needed to say so, and is apart.

        Raises RefusalError `pixels: …`, or UnclearError, where text may be there and can be neither found nor painted.
        """
        header = seen.header
        tag = next((tag for tag in PIXELS if tag in header.level.elements), None)
        if tag is None:
            return ()
        kind = Kind.of(header)
        rule = ruled(kind, self.rules)
        if rule is not None:
            return self._by_rule(rule, kind)
        risk = header_risk(header)
        if not risk and not _to_be_read(kind, header):
            return ()
        if risk and (why := paintable(seen.source.transfer_syntax_uid)):
            raise UnclearError(f"{why} ({risk})")
        reader = self.reader()
        if reader is None:
            return self._unread(risk)
        if seen.source.apart:
            return None
        look = _Look(seen, tag, kind, reader)
        return self._found(look, risk, search_words(values()))

    def _by_rule(self, rule: MaskRule, kind: Kind) -> tuple[Box, ...]:
        if rule.decision == "refuse":
            raise RefusalError(
                "pixels: refused by a rule of the project",
                fix="take the rule out of `pixels.masks` to keep such images",
            )
        boxes = boxes_of(rule)
        if any(not box.within(kind.rows, kind.columns).area for box in boxes):
            raise RefusalError(
                "pixels: a box of a rule of the project lies outside of the picture",
                fix="say `rows` and `columns` in the rule; for pictures of this size write one of their own",
            )
        return inside(boxes, kind.rows, kind.columns)

    def _unread(self, risk: str) -> tuple[Box, ...]:
        if not risk:
            return ()
        raise RefusalError(
            f"pixels: may show text ({risk})",
            fix=f"{lacking()} has images read and masked; or a rule under `pixels.masks` says where text stands",
        )

    def _found(self, look: "_Look", risk: str, words: frozenset[str]) -> tuple[Box, ...]:
        known = look.known()
        personal, unsure = look.read(words, known)
        boxes = inside((*known, *personal), look.kind.rows, look.kind.columns)
        why = _doubt(risk, boxes, unsure)
        if why:
            if self.held:
                self.held.keep(look.kind, why, look.shown(), [*boxes, *unsure], study=look.study)
            raise RefusalError(
                f"{WAITS} ({why})", fix="pacsflow review PROJECT shows such images, and takes a decision"
            )
        return boxes


def _to_be_read(kind: Kind, header: Header) -> bool:
    """Whether an image that says nothing of text is read all the same: it is not a plain slice of a scanner."""
    values = kind.image_type.upper().replace("_", " ").split("\\")
    if kind.modality not in _READ_SOME or not any(values):
        return False
    if "LOCALIZER" in values or any("SCREEN" in value for value in values):
        return True
    if values[0] != "DERIVED" or values[1:2] != ["SECONDARY"]:
        return False
    number = header.text(_NUMBER)
    return not number.isdecimal() or _in_sample(int(number))


def _in_sample(number: int) -> bool:
    return number % _EVERY == 0 or (number < _EVERY and number & number - 1 == 0)


def _doubt(risk: str, boxes: Sequence[Box], unsure: Sequence[Box]) -> str:
    if unsure and risk:
        return f"places that look like text and could not be read: {len(unsure)}"
    if "BurnedInAnnotation YES" in risk and not boxes:
        return "it says that it shows text, and none was found that is personal"
    return ""


class _Look:
    """One instance while its pixels are looked at."""

    def __init__(self, seen: Seen, tag: int, kind: Kind, reader: TextReader) -> None:
        self._seen, self.kind, self._reader = seen, kind, reader
        self.study = seen.source.study_uid
        self._frames = Frames(seen.header, tag, seen.source.transfer_syntax_uid)
        self._pictures: list[NDArray[np.generic]] = []

    def known(self) -> list[Box]:
        """Boxes by geometry, and of a cine by what stands still."""
        header = self._seen.header
        found = [*beyond_regions(self._seen.walk, header, self.kind), *device_boxes(known_devices.coordinates(header))]
        if len(self._frames) >= FEWEST:
            lowest, highest = self._frames.extremes()
            found += still_boxes(lowest, highest)
            self._pictures = [lowest]
        return found

    def read(self, words: frozenset[str], known: Sequence[Box]) -> tuple[list[Box], list[Box]]:
        """Boxes of regions in which something personal was read, and boxes that could not be read."""
        pictures = self._pictures or [self._frames.grey(number) for number in chosen(len(self._frames))]
        self._pictures = pictures
        views = [view for grey in pictures for view in readable(grey)]
        found = [word for view in views for word in self._reader.read(view.picture, enlarged=view.enlarged)]
        return sorted_out(found, words, known)

    def shown(self) -> NDArray[np.uint8]:
        """The picture as a person sees it."""
        picture = shown(self._pictures[0])
        return np.zeros((1, 1), np.uint8) if picture is None else picture


def sorted_out(found: Sequence[Word], words: frozenset[str], known: Sequence[Box]) -> tuple[list[Box], list[Box]]:
    """What is painted, with a margin, and boxes of what looks like text and could not be read.

    Once something personal was read in a picture, all that is text goes, but what was read well and is harmless; and
    that too where it is of one block with something personal.
    """
    fresh = [word for word in found if not any(_holds(box, word.box) for box in known)]
    personal = {word.box for word in fresh if _personal(word, words)}
    if not personal:
        return [], sorted({word.box for word in fresh if word.score < _UNREAD and text_like(word.text)})
    groups = regions(list({word.box for word in fresh}), _REACH)
    hidden = {box for group in groups if not personal.isdisjoint(group) for box in group}
    hidden |= {word.box for word in fresh if not harmless(word.text, word.score)}
    return [_with_margin(box) for box in sorted(hidden)], []


def _personal(word: Word, words: frozenset[str]) -> bool:
    """Whether a word is the patient's own, or looks like a person's, or is of letters that cannot be read."""
    box, text, score = word
    if own(text, words):
        return True
    if unknown_letters(text):
        return 2 * (box.right - box.left) > 3 * (box.bottom - box.top)
    return text_like(text) and looks_personal(text, score)


def _thin(box: Box) -> int:
    return min(box.bottom - box.top, box.right - box.left)


def _with_margin(box: Box) -> Box:
    """Wider by half its height at both ends, as the first and the last letter are what a detector loses."""
    height = _thin(box)
    return box.wider(max(2, height // 5), max(4, height * 3 // 5))


def _holds(box: Box, other: Box) -> bool:
    return box.top <= other.top and box.left <= other.left and box.bottom >= other.bottom and box.right >= other.right
