"""Where text stands by what is known beforehand: rules of the project, ultrasound regions, devices known to write."""

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pacsflow.deid.burned.boxes import Box, inside, outside
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.encoding.walk import NotStrictError, Walk
from schemas.deid import MaskRule

MANUFACTURER, MODEL, MODALITY, DESCRIPTION = 0x00080070, 0x00081090, 0x00080060, 0x0008103E
ROWS, COLUMNS, IMAGE_TYPE = 0x00280010, 0x00280011, 0x00080008
REGIONS: Final = 0x00186011
"""Sequence of Ultrasound Regions (PS3.3 C.8.5.5)."""
_EDGES: Final = (0x0018601A, 0x00186018, 0x0018601E, 0x0018601C)
"""Region Location Min Y0, Min X0, Max Y1, Max X1."""
_NUMBERS: Final = 4
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True)
class Kind:
    """What images of one kind have in common, and a person decides about at once. It may name a patient."""

    manufacturer: str
    model: str
    modality: str
    rows: int
    columns: int
    image_type: str
    series: str

    @classmethod
    def of(cls, header: Header) -> "Kind":
        """Of a dataset."""
        texts = [header.text(tag) for tag in (MANUFACTURER, MODEL, MODALITY)]
        sizes = [int.from_bytes(header.raw(tag)[:2], "little") for tag in (ROWS, COLUMNS)]
        return cls(texts[0], texts[1], texts[2], sizes[0], sizes[1], header.text(IMAGE_TYPE), header.text(DESCRIPTION))


def ruled(kind: Kind, rules: Iterable[MaskRule]) -> MaskRule | None:
    """The first rule of the project that fits images of this kind."""
    return next((rule for rule in rules if _fits(kind, rule)), None)


def _fits(kind: Kind, rule: MaskRule) -> bool:
    if rule.exactly:
        return _is_of(kind, rule)
    exact = ((rule.rows, kind.rows), (rule.columns, kind.columns))
    texts = ((rule.manufacturer, kind.manufacturer), (rule.model, kind.model), (rule.modality, kind.modality))
    within = ((rule.series, kind.series), (rule.image_type, kind.image_type))
    return (
        all(wanted is None or wanted == found for wanted, found in exact)
        and all(wanted is None or _same(wanted) == _same(found) for wanted, found in texts)
        and all(wanted is None or _same(wanted) in _same(found) for wanted, found in within)
    )


def _is_of(kind: Kind, rule: MaskRule) -> bool:
    """Whether images of a kind are those that a person decided on, and no others."""
    said = (rule.manufacturer, rule.model, rule.modality, rule.image_type)
    found = (kind.manufacturer, kind.model, kind.modality, kind.image_type)
    return (rule.rows or 0, rule.columns or 0) == (kind.rows, kind.columns) and all(
        _same(wanted or "") == _same(there) for wanted, there in zip(said, found, strict=True)
    )


def _same(text: str) -> str:
    return _SPACE.sub(" ", text).strip().casefold()


def boxes_of(rule: MaskRule) -> tuple[Box, ...]:
    """The boxes of a rule."""
    return tuple(Box(*box) for box in rule.boxes)


def beyond_regions(walk: Walk, header: Header, kind: Kind) -> tuple[Box, ...]:
    """All that lies outside of the ultrasound regions; nothing where there are none, or none that can be read."""
    kept = inside(_regions(walk, header), kind.rows, kind.columns)
    return outside(kept, kind.rows, kind.columns) if kept else ()


def _regions(walk: Walk, header: Header) -> Iterator[Box]:
    level = header.level
    if REGIONS not in level.elements:
        return
    try:
        items = walk.items_of(level, REGIONS, 1)
    except NotStrictError:
        return
    for item in items:
        each = Header(item, header.view)
        edges = [struct.unpack("<I", raw)[0] for tag in _EDGES if len(raw := each.raw(tag)) == _NUMBERS]
        if len(edges) == _NUMBERS:
            top, left, bottom, right = edges
            yield Box(top, left, bottom + 1, right + 1)


def device_boxes(coordinates: Sequence[str]) -> tuple[Box, ...]:
    """Boxes as deid writes them: columns before rows, two corners; after `ctp`, a corner and a size."""
    found = list[Box]()
    for text in coordinates:
        verb, _, numbers = text.partition(" ")
        values = [int(each) for each in re.findall(r"\d+", numbers)]
        if len(values) == _NUMBERS and verb in ("coordinates", "ctpcoordinates"):
            left, top, right, bottom = values
            right, bottom = (left + right, top + bottom) if verb == "ctpcoordinates" else (right, bottom)
            found.append(Box(top, left, bottom, right))
    return tuple(found)
