"""Connections that are cut or fall silent at any place: an error that may pass, and the lane goes on."""

import socket
import threading
import time

import pytest
from pydicom.uid import CTImageStorage
from pynetdicom import AE, evt

from factory import make_study, write_files
from pacsflow.dicom.contract import Request
from pacsflow.dicom.dimse.contexts import STUDY_ROOT
from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import PacsPermanentError, PacsTransientError
from peers.nodes import Basket, lane_to, node_of
from peers.ports import free_port, wait_until
from peers.proxy import Proxy
from schemas.pacs import Fetch, MoveTo, Timeouts

IMPATIENT = Timeouts(connect=20, response=3, idle=60)
PATIENCE = {"cut": Timeouts(connect=20, response=60, idle=60), "stall": IMPATIENT}
"""Time-outs by fault: long where the test does not wait for them to expire, as a busy machine is slow."""


@pytest.fixture(scope="module")
def study(tmp_path_factory, orthanc):
    instances = make_study(series=1, images=10, PatientID="FAULT-1", AccessionNumber="FAULT-1", Rows=128, Columns=128)
    orthanc.load(write_files(instances, tmp_path_factory.mktemp("fault")))
    return instances


@pytest.fixture
def request_(study):
    return Request(study[0].StudyInstanceUID, sop_classes=frozenset({str(study[0].SOPClassUID)}))


def fetch_and_find(lane, request_, basket):
    lane.fetch(request_, basket)
    lane.find("STUDY", {"PatientID": "FAULT-1"})


def again_and_again(ask):
    for _ in range(5):
        ask()


@pytest.mark.parametrize("fault", ["cut", "stall"])
@pytest.mark.parametrize("after", [0, 300, 5000, 60_000, 150_000])
def test_a_fetch_that_breaks_off_anywhere_can_be_done_again(orthanc, study, request_, fault, after):
    with Proxy(orthanc, fault=fault, after=after) as proxy, lane_to(proxy, timeouts=PATIENCE[fault]) as lane:
        basket = Basket()
        with pytest.raises(PacsTransientError):
            fetch_and_find(lane, request_, basket)
        whole = {str(instance.SOPInstanceUID): len(instance.PixelData) for instance in study}
        assert all(len(one.dataset) > whole[one.sop_instance_uid] for one in basket.received)
        again = Basket()
        lane.fetch(request_, again)
        assert again.uids == sorted(whole)


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_a_query_that_breaks_off_gives_no_part_of_the_answers(orthanc, study, fault):
    keys = {"StudyInstanceUID": study[0].StudyInstanceUID, "SeriesInstanceUID": study[0].SeriesInstanceUID}
    with Proxy(orthanc) as proxy, lane_to(proxy, timeouts=PATIENCE[fault]) as lane:
        whole = lane.find("IMAGE", {**keys, "SOPInstanceUID": ""})
        assert len(whole) == 10
        proxy.after, proxy.fault = 2500, fault
        with pytest.raises(PacsTransientError):
            again_and_again(lambda: lane.find("IMAGE", {**keys, "SOPInstanceUID": ""}))
        assert len(lane.find("IMAGE", {**keys, "SOPInstanceUID": ""})) == 10
        assert proxy.connections == 2


def test_a_move_whose_responses_never_come_ends_with_the_silence(orthanc, study, request_):
    with (
        Proxy(orthanc, fault="stall", after=500) as proxy,
        lane_to(proxy, method="c-move", timeouts=IMPATIENT) as lane,
        pytest.raises(PacsTransientError),
    ):
        again_and_again(lambda: lane.fetch(request_, Basket()))


def test_a_slow_sink_is_not_silence_of_the_node(orthanc, study, request_):
    basket = Basket()

    def slow(received):
        time.sleep(0.2)
        return basket(received)

    with lane_to(orthanc, method="c-move", timeouts=IMPATIENT) as lane:
        lane.fetch(request_, slow)
    assert len(basket.received) == 10


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_closing_from_another_thread_ends_the_request_under_way(orthanc, study, request_, method):
    lane = open_lane(node_of(orthanc, method=method))
    begun, closed = threading.Event(), threading.Event()

    def sink(_received):
        begun.set()
        closed.wait(60)
        return 0

    def close():
        begun.wait(60)
        lane.close()
        closed.set()

    closer = threading.Thread(target=close)
    closer.start()
    with pytest.raises(PacsTransientError):
        lane.fetch(request_, sink)
    closer.join()
    lane.close()


def test_garbage_at_our_storage_scp_harms_no_move(orthanc, study, request_):
    basket = Basket()
    sent = []

    def sink(received):
        if not sent:
            for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\x00\x00\x00\x10" + bytes(16), b"\xff" * 5000, b""):
                with socket.create_connection(("127.0.0.1", orthanc.move_port)) as stranger:
                    stranger.sendall(garbage)
                sent.append(garbage)
        return basket(received)

    with lane_to(orthanc, method="c-move") as lane:
        lane.fetch(request_, sink)
        assert len(basket.received) == 10
        assert len(sent) == 4
        lane.fetch(request_, basket)
        assert len(basket.received) == 20


def test_an_association_that_rested_too_long_is_opened_again(orthanc, study):
    with Proxy(orthanc) as proxy, lane_to(proxy, timeouts=Timeouts(connect=20, response=30, idle=0.2)) as lane:
        lane.find("STUDY", {"PatientID": "FAULT-1"})
        lane.find("STUDY", {"PatientID": "FAULT-1"})
        assert proxy.connections == 1
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 0.3)
        lane.find("STUDY", {"PatientID": "FAULT-1"})
        assert proxy.connections == 2


class Giver:
    """An SCP of pynetdicom that accepts C-GET but no class to send by it; its C-MOVE knows nobody."""

    host, aet = "127.0.0.1", "GIVER"

    def __init__(self):
        self.port, self.move_port = free_port(), free_port()
        entity = AE(self.aet)
        for uid in (STUDY_ROOT.find, STUDY_ROOT.get, STUDY_ROOT.move):
            entity.add_supported_context(uid)
        handlers = [(evt.EVT_C_MOVE, lambda _event: iter([(None, None)]))]
        self.server = entity.start_server((self.host, self.port), block=False, evt_handlers=handlers)


@pytest.fixture
def giver():
    peer = Giver()
    yield peer
    peer.server.shutdown()


def test_c_get_that_sends_nothing_is_distinguished_and_c_move_is_taken_where_there_is_one(giver):
    request = Request("1.2.3", sop_classes=frozenset({str(CTImageStorage)}))
    with lane_to(giver) as lane, pytest.raises(PacsPermanentError) as raised:
        lane.fetch(request, Basket())
    assert "move_to" in raised.value.fix
    move_to = MoveTo(aet="PACSFLOW", port=giver.move_port, host="127.0.0.1")
    with lane_to(giver, fetch=Fetch(move_to=move_to)) as lane, pytest.raises(PacsPermanentError) as raised:
        lane.fetch(request, Basket())
    assert raised.value.status == 0xA801
