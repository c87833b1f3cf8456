"""Deliveries to DICOM nodes that run on loopback, and `pacsflow send`."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless
from typer.testing import CliRunner

from factory import make_instance, make_study, write_files
from pacsflow.cli.app import app
from pacsflow.errors import ProjectError, TargetError
from pacsflow.export import StudyFolder, open_target, read_series
from pacsflow.simpacs import Faults, SimPacs, phantom_archive
from peers.certificates import Authority
from peers.dcmqrscp import Dcmqrscp
from peers.nodes import lane_to
from peers.orthanc import Orthanc
from peers.proxy import Proxy
from peers.storescp import Storescp
from peers.tls_proxy import TlsProxy
from schemas.export import Dicom
from schemas.web import Tls

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""pynetdicom leaves the socket of an association that did not come about to the garbage collector."""


@pytest.fixture(params=["orthanc", "dcmqrscp"])
def pacs(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def study(tmp_path, request) -> StudyFolder:
    instances = make_study(series=1, images=3, AccessionNumber=request.node.name[:16])
    return StudyFolder((read_series(write_files(instances, tmp_path / "staged")),))


def target(pacs, **settings):
    known = {"host": pacs.host, "port": pacs.port, "called_aet": pacs.aet}
    return open_target(Dicom(kind="dicom", **known | settings), Path())


def listed(pacs, study: StudyFolder) -> set[str]:
    (series,) = study.series
    keys = {"StudyInstanceUID": series.study_uid, "SeriesInstanceUID": series.series_uid, "SOPInstanceUID": ""}
    with lane_to(pacs) as lane:
        return {str(answer.SOPInstanceUID) for answer in lane.find("IMAGE", keys)}


def test_all_instances_are_stored_and_asked_back(pacs, study):
    place = target(pacs)
    delivered = place.deliver(study)
    (series,) = study.series
    assert listed(pacs, study) == {uid for uid, _ in series.dicom}
    assert {path.split("/")[2] for path, _, _ in delivered.files} == {uid for uid, _ in series.dicom}
    assert place.verify(delivered) == []
    assert place.deliver(study) == delivered


def test_what_the_node_lacks_is_noticed(pacs, study):
    place = target(pacs)
    delivered = place.deliver(study)
    gone = ("1.2/1.3/1.4", "0" * 64, 1)
    assert place.verify(type(delivered)((*delivered.files, gone))) == ["1.2/1.3/1.4"]


@pytest.fixture
def compressed(tmp_path) -> StudyFolder:
    (file,) = write_files([make_instance(AccessionNumber="syntax")], tmp_path / "compressed")
    content = dcmread(file)
    content.PixelData = encapsulate([b"\xff\x4f\xff\x51"])
    content.file_meta.TransferSyntaxUID = JPEG2000Lossless
    content.save_as(file)
    return StudyFolder((read_series([file]),))


@pytest.mark.parametrize("query_back", [True, False])
def test_a_transfer_syntax_the_node_does_not_take_is_reported(dcmqrscp, compressed, query_back):
    with pytest.raises(TargetError, match="transfer syntax") as caught:
        target(dcmqrscp, query_back=query_back).deliver(compressed)
    assert not caught.value.transient
    assert JPEG2000Lossless in caught.value.fix


def test_a_node_that_cannot_be_asked_says_so_for_good_and_takes_what_it_is_sent_all_the_same(study, tmp_path):
    with Storescp(tmp_path / "gateway") as gateway:
        with pytest.raises(TargetError, match="cannot be asked") as caught:
            target(gateway).deliver(study)
        assert not caught.value.transient
        assert "query_back: false" in caught.value.fix
        target(gateway, query_back=False).deliver(study)
    assert {str(dcmread(path).SOPInstanceUID) for path in gateway.held.iterdir()} == {
        uid for uid, _ in study.series[0].dicom
    }


def test_a_node_that_is_away_may_come_back(orthanc, study):
    with pytest.raises(TargetError) as caught:
        target(type("Away", (), {"host": "127.0.0.1", "port": 9, "aet": "AWAY"})).deliver(study)
    assert caught.value.transient


def test_an_association_that_breaks_midway_may_be_tried_again(pacs, study):
    with Proxy(pacs, fault="cut", after=400) as proxy:
        with pytest.raises(TargetError) as caught:
            target(proxy, query_back=False).deliver(study)
        assert caught.value.transient
        assert not proxy.fault, "it has struck"
        uids = {uid for uid, _ in study.series[0].dicom}
        assert set() < listed(pacs, study) <= uids
        target(proxy).deliver(study)
    assert listed(pacs, study) == uids


@pytest.mark.parametrize("query_back", [True, False])
def test_an_image_that_the_node_does_not_take_keeps_no_other_back(orthanc, tmp_path, query_back):
    """Orthanc ends the association at an image that is cut off."""
    instances = make_study(series=1, images=4, AccessionNumber=f"SPOILT{query_back}")
    paths = write_files(instances, tmp_path / "staged")
    study = StudyFolder((read_series(paths),))
    spoilt, path = study.series[0].dicom[1]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TargetError, match=r"broke off \(1 of 4 images\)") as caught:
        target(orthanc, query_back=query_back).deliver(study)
    assert "spoilt" in caught.value.fix
    assert listed(orthanc, study) == {uid for uid, _ in study.series[0].dicom} - {spoilt}


def test_a_name_without_an_address_is_reported(study):
    with pytest.raises(TargetError, match="has no address"):
        open_target(Dicom(kind="dicom", host="nowhere.invalid", port=104, called_aet="A"), Path()).deliver(study)


@pytest.mark.parametrize("kind", [Orthanc, Dcmqrscp])
def test_a_node_that_does_not_know_us_refuses_for_good(kind, study, tmp_path):
    strict = {"DicomCheckCalledAet": True} if kind is Orthanc else {}
    with kind(tmp_path, **strict) as pacs, pytest.raises(TargetError) as caught:
        target(pacs, called_aet="STRANGER").deliver(study)
    assert not caught.value.transient


def test_a_node_that_is_full_for_now_is_tried_again(study):
    full = Faults.model_validate({"faults": [{"kind": "reject-associations", "above": 1}]})
    with SimPacs(phantom_archive(1), full) as pacs:
        node = {"host": "127.0.0.1", "port": pacs.port, "called_aet": pacs.aet}
        with lane_to(SimpleNamespace(**node, aet=pacs.aet)) as lane:
            lane.find("STUDY", {"StudyInstanceUID": "", "StudyDate": "20200101"})
            with pytest.raises(TargetError) as caught:
                open_target(Dicom(kind="dicom", **node), Path()).deliver(study)
    assert "rejects the association" in str(caught.value)
    assert caught.value.transient


def test_a_certificate_of_a_stranger_gets_nothing(pacs, study, tmp_path):
    authority, stranger = Authority(tmp_path / "ours"), Authority(tmp_path / "stranger", "Stranger")
    with TlsProxy(pacs.port, authority) as proxy:
        with pytest.raises(TargetError, match="certificate is not trusted") as caught:
            target(pacs, port=proxy.port, tls=Tls(ca=str(stranger.ca))).deliver(study)
        assert not caught.value.transient
        assert proxy.passed == 0
        target(pacs, port=proxy.port, tls=Tls(ca=str(authority.ca))).deliver(study)
    assert listed(pacs, study) == {uid for uid, _ in study.series[0].dicom}


def test_nothing_can_be_taken_back_and_what_is_gone_does_no_harm(orthanc, study):
    paths = [path for path, *_ in target(orthanc).deliver(study).files]
    target(orthanc).remove([])
    target(orthanc).remove(["1.2/1.3/1.4"])
    target(orthanc, query_back=False).remove(paths)
    with pytest.raises(TargetError, match="3 instances of an earlier delivery"):
        target(orthanc).remove([*paths, "1.2/1.3/1.4"])


def sent(*arguments: object, expect: int = 0) -> str:
    result = CliRunner().invoke(app, ["send", *map(str, arguments)])
    assert result.exit_code == expect, result.output
    return result.output


def test_send_brings_a_folder_tree_in_pacsmans_layout_to_a_node(pacs, study, tmp_path):
    tree = tmp_path / "tree" / "sub-1" / "ses-2" / "00001-T1"
    shutil.copytree(tmp_path / "staged", tree)
    (tree / "00001-T1.csv").write_text("PatientID\n1\n")
    said = sent(tmp_path / "tree", f"{pacs.aet}@{pacs.host}:{pacs.port}")
    assert "1 study, 3 images sent" in said
    assert "left alone: 1 file, no DICOM" in said
    assert listed(pacs, study) == {uid for uid, _ in study.series[0].dicom}


@pytest.mark.usefixtures("study")
def test_send_to_the_targets_of_a_file(tmp_path):
    (tmp_path / "targets.yaml").write_text(f"targets: [{{kind: folder, path: {tmp_path}/out}}]\n")
    sent(tmp_path / "staged", tmp_path / "targets.yaml")
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 3


@pytest.mark.usefixtures("study")
def test_send_says_what_failed_and_ends_with_the_code_of_targets(tmp_path):
    assert "1 delivery failed" in sent(tmp_path / "staged", "AWAY@127.0.0.1:9", expect=8)
    for words in ("TOO-LONG-FOR-AN-AE-TITLE@127.0.0.1:9", "AWAY@127.0.0.1:99999"):
        result = CliRunner().invoke(app, ["send", str(tmp_path / "staged"), words])
        assert "write AET@HOST:PORT" in str(result.exception)
    (tmp_path / "targets.yaml").write_text(
        f"targets: [{{kind: folder, path: {tmp_path}/out}}, {{kind: archive, path: a, password: '${{env:NOT_SET}}'}}]"
    )
    said = sent(tmp_path / "staged", tmp_path / "targets.yaml", expect=8)
    assert "study 1 of 1, 3 images, target 2 of 2" in said


@pytest.mark.usefixtures("study")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("nowhere", "is missing"),
        ("dicom://127.0.0.1", "write AET@HOST:PORT"),
        ("A" * 16 + "@h:99999", "port"),
        ("targets.yaml", "kind"),
    ],
)
def test_send_to_what_is_not_a_target(tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    Path("targets.yaml").write_text("targets: [{kind: pigeon}]\n")
    result = CliRunner().invoke(app, ["send", "staged", words])
    assert isinstance(result.exception, ProjectError)
    assert told in str(result.exception)
