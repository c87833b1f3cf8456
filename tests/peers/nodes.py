"""Nodes that point at the peers, and a sink that keeps what comes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pydicom
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from pacsflow.dicom.contract import Lane, Received
from pacsflow.dicom.lanes import open_lane
from schemas.pacs import Fetch, MoveTo, PacsNode, Timeouts


def node_of(peer, *, method: str = "auto", **fields) -> PacsNode:
    """The node of a peer; C-MOVE goes to the port the peer knows as ours."""
    move_to = MoveTo(aet="PACSFLOW", port=peer.move_port, host="127.0.0.1") if method == "c-move" else None
    defaults = {
        "name": "peer",
        "host": peer.host,
        "port": peer.port,
        "called_aet": peer.aet,
        "fetch": Fetch(method=method, move_to=move_to),
        "timeouts": Timeouts(connect=20, response=30, idle=60),
    }
    return PacsNode(**{**defaults, **fields})


@contextmanager
def lane_to(peer, *, method: str = "auto", **fields) -> Iterator[Lane]:
    lane = open_lane(node_of(peer, method=method, **fields))
    try:
        yield lane
    finally:
        lane.close()


class Basket:
    """A sink that keeps copies, whole; `status` is what it answers."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.received: list[Received] = []

    def __call__(self, received: Received) -> int:
        dataset = bytes(received.dataset) + b"".join(map(bytes, received.rest or ()))
        self.received.append(replace(received, dataset=dataset, rest=None))
        return self.status

    def __getitem__(self, uid: str) -> Received:
        return next(one for one in self.received if one.sop_instance_uid == uid)

    @property
    def uids(self) -> list[str]:
        return sorted(one.sop_instance_uid for one in self.received)


def dataset_of(received: Received) -> pydicom.Dataset:
    """A received instance, decoded."""
    syntax = UID(received.transfer_syntax_uid)
    assert syntax != DeflatedExplicitVRLittleEndian, "inflate it first"
    return read_dataset(DicomBytesIO(bytes(received.dataset)), syntax.is_implicit_VR, syntax.is_little_endian)
