"""Servers that nobody here wrote: what each retrieve method brings is what was loaded, by UID and pixel bytes."""

import hashlib
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from factory import make_study, write_files
from pacsflow.dicom import retrieve_methods
from pacsflow.dicom.contract import Request
from pacsflow.dicom.lanes import open_lane
from peers.nodes import Basket, node_of
from peers.qrscp import Qrscp
from schemas.pacs import Fetch, MoveTo

STUDIES = ("THEIRS-1", "THEIRS-2")
COMPRESSED = ("MR_small_RLE.dcm", "JPEG2000.dcm")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A study of plain images, one of several series, and one image compressed by RLE and by JPEG 2000 each."""
    folder = tmp_path_factory.mktemp("theirs")
    plain = [one for name in STUDIES for one in make_study(series=2, images=3, PatientID=name, AccessionNumber=name)]
    paths = list(write_files(plain, folder))
    for name in COMPRESSED:
        found = get_testdata_file(name)
        if found is None:
            pytest.skip(f"pydicom's {name} is not installed: no compressed image to try with")
        paths.append(Path(found))
    return paths


@pytest.fixture(scope="module")
def qrscp(tmp_path_factory, files):
    with Qrscp(tmp_path_factory.mktemp("qrscp")) as peer:
        peer.load(files)
        yield peer


@pytest.fixture(scope="module")
def loaded_dcmqrscp(dcmqrscp, files):
    dcmqrscp.load([path for path in files if not str(path).endswith(COMPRESSED)])
    return dcmqrscp


@pytest.fixture(scope="module")
def loaded_orthanc(orthanc, files):
    orthanc.load(files)
    return orthanc


PEERS = {
    "orthanc": ("loaded_orthanc", "c-get", "c-move", "wado-rs"),
    "dcmqrscp": ("loaded_dcmqrscp", "c-get", "c-move"),
    "qrscp": ("qrscp", "c-move", "auto"),
}


def pixels(dataset):
    return hashlib.sha256(dataset.PixelData).hexdigest()


def of_study(files, uid, *, compressed):
    """SOP Instance UID -> digest of the pixel bytes, as loaded."""
    read = [pydicom.dcmread(path) for path in files]
    mine = [one for one in read if uid == one.StudyInstanceUID]
    return {
        str(one.SOPInstanceUID): pixels(one)
        for one in mine
        if compressed or not one.file_meta.TransferSyntaxUID.is_compressed
    }


def delivered(received):
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = received.transfer_syntax_uid
    file = BytesIO()
    file.write(bytes(128) + b"DICM")
    pydicom.filewriter.write_file_meta_info(file, meta, enforce_standard=False)
    file.write(received.dataset)
    file.seek(0)
    return pydicom.dcmread(file)


def node_at(peer, method):
    if method == "wado-rs":
        return node_of(peer, method="wado-rs", url=f"{peer.url}/dicom-web")
    if method == "auto":
        to = MoveTo(aet="PACSFLOW", port=peer.move_port, host="127.0.0.1")
        return node_of(peer, fetch=Fetch(method="auto", move_to=to))
    return node_of(peer, method=method)


@pytest.mark.parametrize(
    ("name", "method"), [(name, method) for name, (_, *methods) in PEERS.items() for method in methods]
)
def test_what_is_delivered_is_what_was_loaded(request, files, name, method):
    peer = request.getfixturevalue(PEERS[name][0])
    node = node_at(peer, method)
    retrieve_methods.forget(node)
    compressed = name != "dcmqrscp"
    studies = {str(pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID) for path in files}
    with closing(open_lane(node)) as lane:
        for uid in sorted(studies):
            if not (expected := of_study(files, uid, compressed=compressed)):
                continue
            assert {str(one.StudyInstanceUID) for one in lane.find("STUDY", {"StudyInstanceUID": uid})} == {uid}
            basket = Basket()
            lane.fetch(Request(uid), basket)
            assert {one.sop_instance_uid: pixels(delivered(one)) for one in basket.received} == expected


def test_what_a_server_cannot_send_by_c_get_comes_by_c_move_and_nothing_twice(qrscp, files):
    node = node_at(qrscp, "auto")
    retrieve_methods.forget(node)
    compressed = pydicom.dcmread(get_testdata_file("JPEG2000.dcm"), stop_before_pixels=True)
    plain = make_study(series=2, images=3, PatientID=STUDIES[0], AccessionNumber=STUDIES[0])[0]
    with closing(open_lane(node)) as lane:
        first, second = Basket(), Basket()
        lane.fetch(Request(plain.StudyInstanceUID), first)
        outcome = lane.fetch(Request(str(compressed.StudyInstanceUID)), second)
    assert len(first.uids) == len(set(first.uids)) == 6
    assert second.uids == [compressed.SOPInstanceUID]
    assert (outcome.status, outcome.completed, outcome.failed) == (0, 1, 0)
