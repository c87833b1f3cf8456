"""`method: auto` where C-GET is accepted and brings nothing: C-MOVE takes over, is remembered, and is reported once."""

import pytest

from factory import make_study, write_files
from pacsflow.dicom import retrieve_methods
from pacsflow.dicom.contract import Request
from pacsflow.dicom.lanes import open_lane
from pacsflow.dicom.retrieve_methods import RetrieveMethod
from pacsflow.errors import PacsTransientError
from peers.nodes import Basket, node_of
from peers.orthanc import Orthanc
from schemas.pacs import Fetch, MoveTo


@pytest.fixture(scope="module")
def study():
    return make_study(series=1, images=3, PatientID="WAY-1")


@pytest.fixture(scope="module")
def refusing(tmp_path_factory, study):
    """An Orthanc that accepts C-GET and then aborts."""
    peer = Orthanc(tmp_path_factory.mktemp("refusing"))
    modality = {"AET": "PACSFLOW", "Host": "127.0.0.1", "Port": peer.move_port, "AllowGet": False}
    peer.configure(DicomAlwaysAllowGet=False, DicomModalities={"us": modality})
    with peer:
        peer.load(write_files(study, tmp_path_factory.mktemp("in")))
        yield peer


def node_to(peer, *, method="auto", port=None):
    move_to = MoveTo(aet="PACSFLOW", port=port or peer.move_port, host="127.0.0.1")
    return node_of(peer, fetch=Fetch(method=method, move_to=move_to))


def fetched(node, study):
    basket = Basket()
    lane = open_lane(node)
    try:
        lane.fetch(Request(study[0].StudyInstanceUID, sop_classes=frozenset({str(study[0].SOPClassUID)})), basket)
    finally:
        lane.close()
    return basket.uids


@pytest.fixture
def whole(study):
    return sorted(instance.SOPInstanceUID for instance in study)


def test_c_move_takes_over_for_good_and_is_reported_once(refusing, study, whole, caplog):
    node = node_to(refusing)
    retrieve_methods.forget(node)
    before = refusing.log.count("C-GET")
    assert fetched(node, study) == whole
    asked = refusing.log.count("C-GET")
    assert retrieve_methods.remembered(node).method == "c-move"
    assert fetched(node, study) == whole
    assert refusing.log.count("C-GET") == asked >= before, "C-GET is not tried again"
    assert [one.getMessage() for one in caplog.records if "C-MOVE is used from now on" in one.getMessage()] == [
        retrieve_methods.remembered(node).remark
    ]


def test_where_neither_brings_an_image_the_error_of_c_get_stands(refusing, study):
    node = node_to(refusing, port=refusing.http_port)
    retrieve_methods.forget(node)
    with pytest.raises(PacsTransientError, match=r"(ended|aborted) the association"):
        fetched(node, study)
    assert retrieve_methods.remembered(node) is None


def test_what_pacs_yaml_says_is_done(refusing, study):
    node = node_to(refusing, method="c-get")
    retrieve_methods.remember(node, RetrieveMethod("c-move"))
    with pytest.raises(PacsTransientError):
        fetched(node, study)
    retrieve_methods.forget(node)


def test_c_get_that_brings_images_is_learnt(orthanc, tmp_path, study, whole):
    orthanc.load(write_files(study, tmp_path))
    node = node_to(orthanc)
    retrieve_methods.forget(node)
    assert fetched(node, study) == whole
    assert retrieve_methods.remembered(node) == RetrieveMethod("c-get")
