"""DICOM TLS: both sides verified, and every way it can fail told apart."""

import pytest

from factory import make_study, write_files
from pacsflow.dicom.contract import Request
from pacsflow.dicom.dimse.query import echo
from pacsflow.errors import PacsPermanentError, PacsTransientError
from peers.certificates import Authority
from peers.nodes import Basket, lane_to, node_of
from peers.orthanc import Orthanc
from peers.tls_proxy import TlsProxy
from schemas.web import Tls


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def study():
    return make_study(series=1, images=4, PatientID="TLS-1", AccessionNumber="TLS-1")


@pytest.fixture(scope="module")
def peer(tmp_path_factory, authority, study):
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = authority.issue("orthanc")
    settings = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(certificate),
        "DicomTlsPrivateKey": str(key),
        "DicomTlsTrustedCertificates": str(authority.ca),
        "DicomTlsRemoteCertificateRequired": True,
    }
    probe = Orthanc(folder, **settings)
    modality = {"AET": "PACSFLOW", "Host": "127.0.0.1", "Port": probe.move_port, "UseDicomTls": True}
    probe.configure(DicomModalities={"us": modality})
    with probe as peer:
        peer.load(write_files(study, folder / "in"))
        yield peer


@pytest.fixture(scope="module")
def ours(authority):
    certificate, key = authority.issue("pacsflow")
    return Tls(ca=str(authority.ca), certificate=str(certificate), key=str(key))


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_find_and_fetch_over_tls(peer, ours, study, method):
    basket = Basket()
    with lane_to(peer, method=method, tls=ours) as lane:
        assert lane.find("STUDY", {"PatientID": "TLS-1", "StudyInstanceUID": ""})
        lane.fetch(Request(study[0].StudyInstanceUID), basket)
    assert basket.uids == sorted(instance.SOPInstanceUID for instance in study)


def test_a_certificate_of_another_authority_is_a_lasting_fault(peer, ours, tmp_path):
    stranger = Authority(tmp_path, "Stranger")
    with pytest.raises(PacsPermanentError) as raised:
        echo(node_of(peer, tls=ours.model_copy(update={"ca": str(stranger.ca)})))
    assert "tls.ca" in raised.value.fix


def test_dcmqrscp_behind_a_strangers_certificate_is_asked_for_nothing(dcmqrscp, authority, tmp_path):
    stranger = Authority(tmp_path, "Stranger")
    with TlsProxy(dcmqrscp.port, authority) as proxy:
        with pytest.raises(PacsPermanentError, match="certificate of node peer is not accepted"):
            echo(node_of(dcmqrscp, port=proxy.port, tls=Tls(ca=str(stranger.ca))))
        assert proxy.passed == 0
        echo(node_of(dcmqrscp, port=proxy.port, tls=Tls(ca=str(authority.ca))))
        assert proxy.passed


def test_a_node_whose_certificate_has_expired_is_reported_with_who_can_fix_it(dcmqrscp, tmp_path):
    authority = Authority(tmp_path / "ca")
    with (
        TlsProxy(dcmqrscp.port, authority, days=-1) as proxy,
        pytest.raises(PacsPermanentError, match="certificate has expired") as raised,
    ):
        echo(node_of(dcmqrscp, port=proxy.port, tls=Tls(ca=str(authority.ca))))
    assert "renew the node's certificate" in raised.value.fix


def test_our_own_certificate_that_has_expired_is_reported(peer, authority):
    certificate, key = authority.issue("long ago", days=-1)
    old = Tls(ca=str(authority.ca), certificate=str(certificate), key=str(key))
    with pytest.raises(PacsTransientError, match="our own certificate has expired") as raised:
        echo(node_of(peer, tls=old))
    assert "tls.certificate" in raised.value.fix


def test_our_certificate_is_needed_where_the_node_asks_for_it(peer, authority):
    with pytest.raises((PacsTransientError, PacsPermanentError)):
        echo(node_of(peer, tls=Tls(ca=str(authority.ca))))


def test_a_move_over_tls_without_our_certificate_is_never_sent_in_the_clear(orthanc, authority, monkeypatch):
    from pacsflow.dicom.dimse.dialling import server_tls

    with pytest.raises(PacsPermanentError) as raised:
        server_tls(Tls(ca=str(authority.ca)))
    assert "tls.certificate" in raised.value.fix


def test_plain_to_a_tls_port_and_tls_to_a_plain_port_are_errors_with_a_fix(peer, orthanc, ours):
    for node in (node_of(peer), node_of(orthanc, tls=ours)):
        with pytest.raises((PacsTransientError, PacsPermanentError)) as raised:
            echo(node)
        assert "TLS" in raised.value.fix or "TLS" in str(raised.value)


def test_files_that_are_not_there_are_named_by_their_field(peer, ours):
    for field in ("ca", "certificate"):
        with pytest.raises(PacsPermanentError) as raised:
            echo(node_of(peer, tls=ours.model_copy(update={field: "/nowhere.pem"})))
        assert f"tls.{field}" in raised.value.fix
