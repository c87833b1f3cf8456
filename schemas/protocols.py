"""The protocols that a node is spoken to by: all that is known of one stands in its line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ProtocolSpec:
    """`module` opens lanes, see `pacsflow.dicom.lanes.ProtocolModule`. `finds`: it can query.

    `methods`: values of `fetch.method` by which images come; none where it cannot retrieve.
    `listed`: it retrieves the images that it is told only, so that none comes but those we list first; `single`: by
    a request for each.
    """

    module: str
    finds: bool = False
    methods: tuple[str, ...] = ()
    listed: bool = False
    single: bool = False


PROTOCOLS: Final[Mapping[str, ProtocolSpec]] = {
    "dimse": ProtocolSpec("pacsflow.dicom.dimse.lane", finds=True, methods=("c-get", "c-move")),
    "dicomweb": ProtocolSpec("pacsflow.dicom.web.dicomweb", finds=True, methods=("wado-rs",)),
    "wado-uri": ProtocolSpec("pacsflow.dicom.web.wado_uri", methods=("wado-uri",), listed=True, single=True),
    "mint": ProtocolSpec("pacsflow.dicom.web.mint", finds=True),
    "rad69": ProtocolSpec("pacsflow.dicom.web.rad69", methods=("rad69",), listed=True),
}
FINDING: Final = tuple(name for name, spec in PROTOCOLS.items() if spec.finds)
"""Protocols that can query."""
FETCHING: Final = tuple(name for name, spec in PROTOCOLS.items() if spec.methods)
"""Protocols that can retrieve."""
METHODS: Final = {method: name for name, spec in PROTOCOLS.items() for method in spec.methods}
"""Value of `fetch.method` -> its protocol."""
