"""C-GET and C-MOVE of real data from two makes of PACS: what is held agrees with what is there, by UID and pixels."""

import threading

import pydicom
import pytest

from factory import make_study, write_files
from pacsflow.dicom.contract import Request
from pacsflow.dicom.dimse.contexts import storage_classes
from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from peers.nodes import Basket, dataset_of, lane_to, node_of
from peers.orthanc import Orthanc
from peers.ports import wait_until
from schemas.pacs import Fetch, MoveTo, Timeouts

SEVERAL_SYNTAXES = ["dcm_qa_ts/In/*.dcm"]
ENHANCED = ["dcm_qa_enh/In/Siemens/XA10/*.dcm", "dcm_qa_enh/In/Philips/*.dcm"]
DERIVED = [
    "dcmqi/segmentations/ct-3slice/*.dcm",
    "dcmqi/segmentations/liver.dcm",
    "dcmqi/segmentations/partial_overlaps.dcm",
    "dcmqi/sr-example/*.dcm",
    "dcmqi/segmentations/sparse-labelmap-ppv5.dcm",
    "highdicom/*.dcm",
]
UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")


class Source:
    """Files by the UID of their study, one file per SOP Instance UID."""

    def __init__(self, root, patterns, *, uncompressed_only=False):
        self.instances = {}
        self.paths = {}
        for path in sorted(path for pattern in patterns for path in root.glob(pattern)):
            instance = pydicom.dcmread(path)
            syntax = instance.file_meta.TransferSyntaxUID
            if instance.SOPInstanceUID in self.instances or (uncompressed_only and syntax not in UNCOMPRESSED):
                continue
            self.instances[instance.SOPInstanceUID] = instance
            self.paths[instance.SOPInstanceUID] = path

    def studies(self):
        return sorted({instance.StudyInstanceUID for instance in self.instances.values()})

    def of(self, study):
        return {uid: one for uid, one in self.instances.items() if one.StudyInstanceUID == study}


def same(received, instance):
    """Pixels and, where the peer had no reason to change it, the transfer syntax are those of the source."""
    held = dataset_of(received)
    assert held.SOPClassUID == received.sop_class_uid == instance.SOPClassUID
    assert held.StudyInstanceUID == instance.StudyInstanceUID
    pixels = instance.get("PixelData", b"")
    assert held.get("PixelData", b"") == pixels + b"\0" * (len(pixels) % 2)


@pytest.mark.parametrize("method", ["c-get", "c-move"])
@pytest.mark.parametrize("patterns", [SEVERAL_SYNTAXES, ENHANCED, DERIVED], ids=["syntaxes", "enhanced", "derived"])
@pytest.mark.parametrize("classes_known", [True, False], ids=["known", "unknown"])
def test_orthanc_gives_every_instance_as_it_holds_it(orthanc, shared_data, method, patterns, classes_known):
    source = Source(shared_data, patterns)
    orthanc.load(source.paths.values())
    with lane_to(orthanc, method=method) as lane:
        for study in source.studies():
            expected = source.of(study)
            classes = frozenset(str(one.SOPClassUID) for one in expected.values()) if classes_known else frozenset()
            basket = Basket()
            outcome = lane.fetch(Request(study, sop_classes=classes), basket)
            assert basket.uids == sorted(expected)
            assert (outcome.status, outcome.completed, outcome.failed) == (0, len(expected), 0)
            for uid, instance in expected.items():
                same(basket[uid], instance)
                assert basket[uid].transfer_syntax_uid == instance.file_meta.TransferSyntaxUID


@pytest.mark.parametrize("method", ["c-get", "c-move"])
@pytest.mark.parametrize("patterns", [SEVERAL_SYNTAXES, ENHANCED, DERIVED[:4]], ids=["syntaxes", "enhanced", "derived"])
@pytest.mark.parametrize("classes_known", [True, False], ids=["known", "unknown"])
def test_dcmqrscp_gives_every_instance(dcmqrscp, shared_data, method, patterns, classes_known):
    source = Source(shared_data, patterns, uncompressed_only=True)
    dcmqrscp.load(source.paths.values())
    with lane_to(dcmqrscp, method=method) as lane:
        for study in source.studies():
            expected = source.of(study)
            classes = frozenset(str(one.SOPClassUID) for one in expected.values()) if classes_known else frozenset()
            basket = Basket()
            outcome = lane.fetch(Request(study, sop_classes=classes), basket)
            assert basket.uids == sorted(expected)
            assert (outcome.completed, outcome.failed) == (len(expected), 0)


@pytest.fixture(scope="module")
def study(tmp_path_factory, orthanc, dcmqrscp):
    instances = make_study(series=3, images=8, PatientID="FETCH-1", AccessionNumber="FETCH-1")
    files = write_files(instances, tmp_path_factory.mktemp("fetch"))
    orthanc.load(files)
    dcmqrscp.load(files)
    return instances


@pytest.fixture(params=["orthanc", "dcmqrscp"])
def peer(request, study):
    return request.getfixturevalue(request.param)


def series_of(study):
    return sorted({str(instance.SeriesInstanceUID) for instance in study})


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_some_series_of_a_study(peer, study, method):
    wanted = series_of(study)[:2]
    basket = Basket()
    with lane_to(peer, method=method) as lane:
        outcome = lane.fetch(Request(study[0].StudyInstanceUID, series_uids=tuple(wanted)), basket)
    assert basket.uids == sorted(i.SOPInstanceUID for i in study if i.SeriesInstanceUID in wanted)
    assert outcome.completed == 16


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_some_instances_of_a_series(peer, study, method):
    series = series_of(study)[0]
    wanted = [i.SOPInstanceUID for i in study if i.SeriesInstanceUID == series][1:6]
    basket = Basket()
    with lane_to(peer, method=method) as lane:
        request = Request(study[0].StudyInstanceUID, (series,), tuple(wanted), frozenset({study[0].SOPClassUID}))
        outcome = lane.fetch(request, basket)
    assert basket.uids == sorted(wanted)
    assert outcome.completed == 5


@pytest.mark.parametrize(("maker", "method"), [("orthanc", "c-get"), ("dcmqrscp", "c-get"), ("dcmqrscp", "c-move")])
def test_a_sink_that_refuses_gets_all_the_others_too(request, study, maker, method):
    basket = Basket(status=0xA900)
    with lane_to(request.getfixturevalue(maker), method=method) as lane:
        outcome = lane.fetch(Request(study[0].StudyInstanceUID), basket)
        assert len(basket.received) == len(study)
        assert outcome.completed == 0
        assert lane.find("STUDY", {"StudyInstanceUID": study[0].StudyInstanceUID})


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_an_error_in_the_sink_ends_the_retrieval_and_the_lane_goes_on(peer, study, method):
    class DiskFullError(Exception):
        pass

    def broken(_received):
        raise DiskFullError

    basket = Basket()
    with lane_to(peer, method=method) as lane:
        with pytest.raises(DiskFullError):
            lane.fetch(Request(study[0].StudyInstanceUID), broken)
        lane.fetch(Request(study[0].StudyInstanceUID), basket)
    assert basket.uids == sorted(i.SOPInstanceUID for i in study)


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_a_study_that_is_not_there_gives_nothing(peer, method):
    basket = Basket()
    with lane_to(peer, method=method) as lane:
        try:
            outcome = lane.fetch(Request("1.2.3.4"), basket)
        except PacsError:
            outcome = None
    assert basket.received == []
    assert outcome is None or outcome.completed == 0


def test_one_association_carries_many_requests(dcmqrscp, study):
    classes = frozenset({str(study[0].SOPClassUID)})
    before = dcmqrscp.log.count("Association Received")
    with lane_to(dcmqrscp) as lane:
        for _ in range(5):
            lane.find("STUDY", {"PatientID": "FETCH-1", "StudyInstanceUID": ""})
        for _ in range(5):
            lane.fetch(Request(study[0].StudyInstanceUID, sop_classes=classes), Basket())
            lane.find("STUDY", {"PatientID": "FETCH-1", "StudyInstanceUID": ""})
    # one that queries, one that can also take CT images
    assert dcmqrscp.log.count("Association Received") - before == 2


def test_two_lanes_move_at_once_over_one_storage_scp(orthanc, study):
    series = series_of(study)
    baskets = [Basket() for _ in series]

    def fetch(uid, basket):
        with lane_to(orthanc, method="c-move") as lane:
            for _ in range(3):
                lane.fetch(Request(study[0].StudyInstanceUID, series_uids=(uid,)), basket)

    threads = [threading.Thread(target=fetch, args=pair) for pair in zip(series, baskets, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for uid, basket in zip(series, baskets, strict=True):
        assert basket.uids == sorted(3 * [i.SOPInstanceUID for i in study if i.SeriesInstanceUID == uid])


def test_an_association_the_peer_has_dropped_is_opened_again(tmp_path, study):
    with Orthanc(tmp_path) as peer:
        peer.load(write_files(study[:3], tmp_path / "in"))
        with lane_to(peer) as lane:
            assert lane.find("STUDY", {"PatientID": "FETCH-1"})
            peer.kill()
            peer.start()
            assert lane.find("STUDY", {"PatientID": "FETCH-1"})
            basket = Basket()
            lane.fetch(Request(study[0].StudyInstanceUID), basket)
            assert len(basket.received) == 3


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_a_pacs_killed_in_the_middle_is_a_passing_fault(tmp_path, study, method):
    with Orthanc(tmp_path) as peer:
        peer.load(write_files(study, tmp_path / "in"))
        received = []
        killed = threading.Event()

        def kill(one):
            received.append(one.sop_instance_uid)
            if len(received) == 5:
                peer.kill()
                killed.set()
            return 0

        with lane_to(peer, method=method) as lane:
            with pytest.raises(PacsTransientError):
                lane.fetch(Request(study[0].StudyInstanceUID), kill)
            assert 5 <= len(received) < len(study)
            assert killed.wait(60)
            peer.start()
            basket = Basket()
            lane.fetch(Request(study[0].StudyInstanceUID), basket)
            assert basket.uids == sorted(i.SOPInstanceUID for i in study)


def test_auto_takes_c_move_where_c_get_is_refused(tmp_path, study):
    from peers.dcmqrscp import Dcmqrscp

    with Dcmqrscp(tmp_path, "--disable-get") as peer:
        peer.load(write_files(study[:4], tmp_path / "in"))
        request = Request(study[0].StudyInstanceUID)
        with lane_to(peer) as lane, pytest.raises(PacsPermanentError) as raised:
            lane.fetch(request, Basket())
        assert "move_to" in raised.value.fix
        move_to = MoveTo(aet="PACSFLOW", port=peer.move_port, host="127.0.0.1")
        basket = Basket()
        with lane_to(peer, fetch=Fetch(move_to=move_to)) as lane:
            lane.fetch(request, basket)
        assert len(basket.received) == 4


def test_a_destination_the_pacs_does_not_know_is_a_lasting_fault(dcmqrscp, study):
    move_to = MoveTo(aet="STRANGER", port=dcmqrscp.move_port, host="127.0.0.1")
    with lane_to(dcmqrscp, fetch=Fetch(method="c-move", move_to=move_to)) as lane, pytest.raises(PacsPermanentError):
        lane.fetch(Request(study[0].StudyInstanceUID), Basket())


def test_an_instance_that_no_retrieval_waits_for_is_refused(orthanc, study, tmp_path):
    from pynetdicom import AE

    other = make_study(series=1, images=1, PatientID="FETCH-2", AccessionNumber="FETCH-2")[0]
    statuses = []

    def store(_received):
        if not statuses:
            ae = AE(orthanc.aet)
            ae.add_requested_context(other.SOPClassUID)
            association = ae.associate("127.0.0.1", orthanc.move_port, ae_title="PACSFLOW")
            statuses.append(association.send_c_store(other).Status)
            association.release()
        return 0

    with lane_to(orthanc, method="c-move") as lane:
        lane.fetch(Request(study[0].StudyInstanceUID), store)
    assert statuses == [0x0124]


def test_a_silent_pacs_is_a_passing_fault(orthanc):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        node = node_of(orthanc, port=silent.getsockname()[1], timeouts=Timeouts(connect=20, response=1, idle=10))
        with pytest.raises(PacsTransientError):
            open_lane(node).find("STUDY", {"StudyInstanceUID": ""})


def test_our_port_is_free_again_when_the_last_lane_closes(orthanc, study):
    from peers.ports import answers

    with lane_to(orthanc, method="c-move") as lane:
        lane.fetch(Request(study[0].StudyInstanceUID), Basket())
        assert answers(orthanc.move_port)
    wait_until(lambda: not answers(orthanc.move_port))


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_a_private_storage_class_named_in_the_node_is_taken(orthanc, tmp_path, method):
    private = "1.3.12.2.1107.5.9.1"
    (instance,) = make_study(series=1, images=1, SOPClassUID=private, PatientID="FETCH-3", AccessionNumber="FETCH-3")
    orthanc.load(write_files([instance], tmp_path))
    basket = Basket()
    with lane_to(orthanc, method=method, sop_classes=[private]) as lane:
        lane.fetch(Request(instance.StudyInstanceUID), basket)
    assert [one.sop_class_uid for one in basket.received] == [private]


def test_a_study_of_very_many_classes_comes_over_one_association(orthanc, tmp_path):
    classes = storage_classes()[:40]
    instances = [
        make_study(
            series=1, images=1, SeriesNumber=number, SOPClassUID=uid, PatientID="FETCH-4", AccessionNumber="FETCH-4"
        )[0]
        for number, uid in enumerate(classes)
    ]
    orthanc.load(write_files(instances, tmp_path))
    basket = Basket()
    with lane_to(orthanc) as lane:
        outcome = lane.fetch(Request(instances[0].StudyInstanceUID, sop_classes=frozenset(classes)), basket)
    assert basket.uids == sorted(instance.SOPInstanceUID for instance in instances)
    assert (outcome.status, outcome.completed, outcome.failed) == (0, len(instances), 0)
