"""The pixel data of an instance that is cleaned: what stands in the place of its element, at the top and in items."""

from bisect import bisect_left
from collections.abc import Callable, Collection
from typing import Final

from pacsflow.deid.contract import Source
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.encoding.walk import UNDEFINED, Level
from pacsflow.deid.envelope.codecs import NATIVE as UNCOMPRESSED
from pacsflow.deid.envelope.frame import short
from pacsflow.deid.envelope.passage import Passage
from pacsflow.deid.envelope.picture import Picture, overlay_bits
from pacsflow.deid.rules.actions import Keep
from pacsflow.deid.rules.guards import PIXELS
from pacsflow.deid.rules.table import BEHIND, Rules

OFFSETS: Final[tuple[int, ...]] = (0x7FE00001, 0x7FE00002, 0x7FE00003)
"""Extended Offset Table, its lengths, and the length of all fragments: true of the pixel data that came, and optional
(PS3.3 C.7.6.3.1.8)."""
NATIVE: Final = "1.2.840.10008.1.2.1"
_PIXEL_DATA: Final = 0x7FE00010
_OVERLAYS: Final = 0x60000000
_SHORT_HEAD: Final = 8
Search = Callable[[bytes], None]


def pixels_of(level: Level) -> int | None:
    """The tag of the pixel data; None where there is none. Raises RefusalError where there are two."""
    found = [tag for tag in PIXELS if tag in level.elements]
    if len(found) > 1:
        raise short("two elements of pixel data")
    return found[0] if found else None


def plain(header: Header, source: Source) -> bool:
    """Whether it is native pixel data, just as long as promised, without an overlay: the usual case.

    Nothing else of its group stands there; padding may stand behind it.
    """
    tags = header.level.tags()
    if source.apart or _PIXEL_DATA not in header.level.elements:
        return False
    place = bisect_left(tags, _OVERLAYS)
    if tags[place] != _PIXEL_DATA or (place + 1 < len(tags) and tags[place + 1] < BEHIND):
        return False
    _, start, value, stop = header.level.elements[_PIXEL_DATA]
    if source.transfer_syntax_uid not in UNCOMPRESSED:
        return False
    reserved = value - start == _SHORT_HEAD or not (header.view[start + 6] or header.view[start + 7])
    return reserved and stop - value == Picture.of(header).whole


def passage(header: Header, source: Source, rules: Rules, said: Search) -> Passage:
    """How the pixel data of a cleaned instance goes out. Raises RefusalError `malformed: …` for a header without size.

    An overlay in its cells is cleared where the rules take its group away.
    """
    bits = frozenset(bit for tag, bit in overlay_bits(header) if not _stays(tag, rules))
    return Passage(Picture.of(header), source.transfer_syntax_uid, rewrite=True, overlays=bits, said=said)


def _stays(tag: int, rules: Rules) -> bool:
    return isinstance(rules.actions.get(tag) or rules.unlisted(tag), Keep)


def judged(header: Header, source: Source) -> None:
    """Raise RefusalError where the pixel data of an instance that passes as it is holds less than promised."""
    if (tag := pixels_of(header.level)) and not source.apart:
        through = Passage(Picture.of(header), source.transfer_syntax_uid, rewrite=False)
        through.judge(header.view, header.level.elements[tag][1:])


def around(header: Header, source: Source) -> tuple[bytes, bytes]:
    """What is not a picture in the pixel data of any instance: bytes that would stay, and bytes that would not.

    Raises RefusalError where that cannot be told.
    """
    said, gone = list[bytes](), list[bytes]()
    if (tag := pixels_of(header.level)) is not None:
        picture = Picture.of(header)
        bits = frozenset(bit for _, bit in overlay_bits(header))
        through = Passage(
            picture, source.transfer_syntax_uid, rewrite=True, overlays=bits, said=said.append, gone=gone.append
        )
        through.judge(header.view, header.level.elements[tag][1:])
    return b"\n".join(said), b"\n".join(gone)


def changes(header: Header, through: Passage | None, rules: Rules, *, apart: bool) -> dict[int, bytes]:
    """Tag -> element in its place, or nothing where it goes; `header` is that of the dataset as it is put together.

    `apart`: the value is not here, and `through` is used while it passes by. A rule of the profile for the pixel data
    itself comes first.
    """
    tag = pixels_of(header.level)
    if tag is None or through is None:
        return {}
    elements = header.level.elements
    made = {other: b"" for other in OFFSETS if other in elements and rules.actions.get(other) is None}
    if not apart and rules.actions.get(tag) is None:
        new = through.element(header.view, elements[tag][1:])
        made |= {} if new is None else {tag: new}
    return made


def nested(level: Level, view: memoryview, syntax: str, gone: Collection[int]) -> dict[int, bytes]:
    """What `changes` gives, of an item with pixel data of its own, as icons have; native or as the instance's own."""
    tag = pixels_of(level)
    if tag is None or tag in gone:
        return {}
    span = level.elements[tag][1:]
    open_ended = bytes(view[span[1] - 4 : span[1]]) == UNDEFINED.to_bytes(4, "little")
    through = Passage(Picture.of(Header(level, view)), syntax if open_ended else NATIVE, rewrite=True)
    new = through.element(view, span)
    made = {other: b"" for other in OFFSETS if other in level.elements and other not in gone}
    return made if new is None else made | {tag: new}
