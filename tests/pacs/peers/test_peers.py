"""The peers that other tests lean on."""

from pynetdicom import AE
from pynetdicom.sop_class import Verification

from factory import make_study, write_files


def echo(peer) -> int:
    ae = AE("PACSFLOW")
    ae.add_requested_context(Verification)
    association = ae.associate(peer.host, peer.port, ae_title=peer.aet)
    status = association.send_c_echo().Status
    association.release()
    return status


def test_orthanc_takes_files_and_answers(orthanc, tmp_path):
    paths = write_files(make_study(series=1, images=3, PatientID="PEERS-1"), tmp_path)
    assert orthanc.load(paths) == 3
    assert orthanc.load(paths) == 0
    assert echo(orthanc) == 0


def test_dcmqrscp_takes_files_and_answers(dcmqrscp, tmp_path):
    paths = write_files(make_study(series=1, images=3, PatientID="PEERS-2"), tmp_path)
    assert dcmqrscp.load(paths) == 3
    assert echo(dcmqrscp) == 0
    assert len(list((dcmqrscp.folder / "archive").glob("*.dcm"))) >= 3


def test_the_shared_data_is_there(shared_data):
    assert list((shared_data / "dcm_qa_ts" / "In").glob("**/*.dcm"))
