"""Our storage SCP while a C-MOVE waits: who may send, what is handed on, and who drips into it."""

import socket
import struct
import threading
from contextlib import contextmanager

import pytest
from pydicom.uid import CTImageStorage
from pynetdicom import AE

from factory import make_instance
from pacsflow.dicom.contract import Request
from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import PacsError, PacsPermanentError
from pacsflow.simpacs import Faults, SimPacs, phantom_archive
from peers.nodes import Basket
from peers.ports import free_port
from schemas.pacs import PacsNode

NOT_AUTHORIZED = 0x0124


@contextmanager
def moving(tmp_path=None, *, senders=None, faults=(), **timeouts):
    """A PACS, the node of it, and the UID of its first study."""
    port = free_port()
    told = Faults.model_validate({"faults": list(faults)})
    archive = phantom_archive(2, matrix=16, images=4)
    with SimPacs(archive, told, destinations={"PACSFLOW": ("127.0.0.1", port)}) as pacs:
        move_to = {"aet": "PACSFLOW", "port": port, "host": "127.0.0.1"} | ({"from": senders} if senders else {})
        fields = {"name": "sim", "host": "127.0.0.1", "port": pacs.port, "called_aet": pacs.aet}
        times = {"connect": 20, "response": 30, "idle": 60} | timeouts
        node = PacsNode.model_validate(fields | {"fetch": {"method": "c-move", "move_to": move_to}, "timeouts": times})
        yield pacs, node, next(iter(archive.studies))


def fetch(node, uid, sink):
    lane = open_lane(node)
    try:
        return lane.fetch(Request(uid), sink)
    finally:
        lane.close()


def knock(node, *, calling, called="PACSFLOW"):
    """Whether an association is accepted, and the diagnostic of its rejection."""
    ae = AE(calling)
    ae.add_requested_context(CTImageStorage)
    association = ae.associate("127.0.0.1", node.fetch.move_to.port, ae_title=called)
    accepted = association.is_established
    answer = association.acceptor.primitive
    if accepted:
        association.release()
    return accepted, None if accepted or answer is None else answer.diagnostic


@pytest.mark.parametrize(
    ("calling", "called", "expected"),
    [("SIMPACS", "PACSFLOW", (True, None)), ("SIMPACS", "OTHER", (False, 7)), ("STRANGER", "PACSFLOW", (False, 3))],
)
def test_only_the_node_is_let_in_and_only_to_our_title(calling, called, expected):
    with moving() as (_, node, uid):
        told = []
        fetch(node, uid, lambda _: told.append(knock(node, calling=calling, called=called)) or 0)
    assert told[0] == expected


@pytest.mark.parametrize(
    ("senders", "said"),
    [
        ([{"aet": "ELSEWHERE"}], 'from: [{aet: "SIMPACS", host: "127.0.0.1"}]'),
        ([{"host": "192.0.2.7"}], 'from: [{host: "127.0.0.1"}]'),
    ],
)
def test_a_node_that_sends_under_another_name_is_named_with_what_to_write(senders, said):
    with moving(senders=senders) as (_, node, uid), pytest.raises(PacsError) as told:
        fetch(node, uid, Basket())
    assert "turned away" in str(told.value)
    assert said in str(told.value)
    assert "fetch.move_to.from" in told.value.fix


def test_a_node_that_is_named_as_sender_sends():
    with moving(senders=[{"aet": "SIMPACS", "host": "127.0.0.0/8"}]) as (_, node, uid):
        basket = Basket()
        outcome = fetch(node, uid, basket)
    assert outcome.status == 0
    assert basket.received


def test_two_nodes_with_other_titles_of_ours_do_not_share_a_port():
    with moving() as (_, node, uid):
        move_to = node.fetch.move_to.model_copy(update={"aet": "OTHER"})
        second = node.model_copy(update={"fetch": node.fetch.model_copy(update={"move_to": move_to})})
        told = []

        def sink(_):
            if not told:
                with pytest.raises(PacsPermanentError, match=r"another `fetch.move_to.aet`"):
                    fetch(second, uid, Basket())
                told.append(True)
            return 0

        fetch(node, uid, sink)
    assert told


@pytest.mark.parametrize("named", [True, False])
def test_what_does_not_name_its_study_goes_to_nobody(named):
    with moving() as (_, node, uid):
        stranger, statuses, basket = make_instance(), [], Basket()
        stranger.StudyInstanceUID = uid
        if not named:
            del stranger.StudyInstanceUID

        def sink(received):
            if not statuses:
                ae = AE("SIMPACS")
                ae.add_requested_context(stranger.SOPClassUID)
                association = ae.associate("127.0.0.1", node.fetch.move_to.port, ae_title="PACSFLOW")
                thread = threading.Thread(target=lambda: statuses.append(association.send_c_store(stranger).Status))
                statuses.append(thread)
                thread.start()
            return basket(received)

        fetch(node, uid, sink)
        statuses[0].join()
    assert (stranger.SOPInstanceUID in basket.uids) is (named and statuses[1] == 0)
    assert named or statuses[1] == NOT_AUTHORIZED


@pytest.mark.parametrize("length", [0xFFFFFFFF, 1 << 24, 500])
def test_a_peer_that_asks_for_an_association_without_end_does_not_hold_the_others_up(length):
    with moving(response=2) as (_, node, uid):
        basket, held = Basket(), []

        def sink(received):
            if not held:
                held.append(socket.create_connection(("127.0.0.1", node.fetch.move_to.port)))
                held[0].sendall(struct.pack(">BBI", 1, 0, length) + bytes(100))
            return basket(received)

        outcome = fetch(node, uid, sink)
        held[0].close()
    assert outcome.status == 0
    assert len(basket.received) == outcome.completed
