"""The sink of a probe: counts what it fetches and keeps nothing."""

from collections import Counter
from dataclasses import dataclass, field

from pacsflow.dicom.contract import Received
from pacsflow.dicom.probe.results import Fact, Sample

WHOLE = 50
"""Images up to which a series is asked for whole; of a larger one a single image is."""


@dataclass
class Basket:
    """A sink that remembers which of the wanted instances came whole, in which transfer syntaxes, and no more of them.

    `requests`: counts images and bytes.
    """

    wanted: frozenset[str]
    requests: Counter[str]
    came: set[str] = field(default_factory=set)
    strangers: int = 0
    classes: set[str] = field(default_factory=set)
    syntaxes: set[str] = field(default_factory=set)

    def __call__(self, received: Received) -> int:
        """Take an instance: DIMSE status 0000."""
        self.requests["bytes"] += len(received.dataset) + sum(map(len, received.rest or ()))
        self.requests["images"] += 1
        if received.sop_instance_uid in self.wanted:
            self.came.add(received.sop_instance_uid)
            self.classes.add(received.sop_class_uid)
            self.syntaxes.add(received.transfer_syntax_uid)
        else:
            self.strangers += 1
        return 0

    def facts(self) -> dict[str, Fact]:
        """Numbers of what came."""
        return {"expected": len(self.wanted), "arrived": len(self.came), "strangers": self.strangers}


def untried(sample: Sample | None) -> str:
    """Why no retrieval can be tried; '' where it can."""
    if sample is None:
        return "no series is known to try it with"
    if not sample.sop_uids:
        return "the node lists no images of the series to try it with"
    return "" if sample.at_hand else "the images to try it with are not online"


def basket_for(sample: Sample, requests: Counter[str], *, most: int = WHOLE) -> Basket:
    """A basket that wants the whole sample where it has at most so many images, else one of them."""
    few = sample.sop_uids if len(sample.sop_uids) <= most else sample.sop_uids[:1]
    return Basket(frozenset(few), requests)
