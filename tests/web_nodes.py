"""Nodes of web services, what a fetch from them gives, and what it should give."""

import hashlib
from dataclasses import dataclass, field

from pacsflow.simpacs import phantom_archive
from schemas import PacsNode

IMAGES = 12
ARCHIVE = phantom_archive(3, seed=77, matrix=64, images=IMAGES)
STUDY = next(iter(ARCHIVE.studies.values()))
SERIES = STUDY.make_series()[0]


@dataclass
class Kept:
    """A sink: UID -> transfer syntax and digest of the encoded dataset. `streamed`: pieces that came afterwards."""

    held: dict = field(default_factory=dict)
    streamed: int = 0

    def __call__(self, received):
        digest = hashlib.sha256(received.dataset)
        for piece in received.rest or ():
            self.streamed += 1
            digest.update(piece)
        self.held[received.sop_instance_uid] = (received.transfer_syntax_uid, digest.hexdigest())
        return 0


def web_node(url, **fields):
    """A node at `url`, or at the `urls` of its protocols."""
    known = {"name": "web", "protocol": "dicomweb", "url": url, "timeouts": {"connect": 20, "response": 30, "idle": 60}}
    return PacsNode.model_validate(known | fields)


def expected(study=STUDY):
    """UID -> transfer syntax and digest of each instance of a study."""
    return {
        instance.uid: (instance.transfer_syntax, hashlib.sha256(instance.encoded()).hexdigest())
        for series in study.make_series()
        for instance in series.instances
    }
