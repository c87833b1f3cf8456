"""What the probe says of two real makes of PACS, as they come and with something missing."""

import pytest

from factory import make_study, write_files
from pacsflow.dicom.probe import probe, requests, strategy
from pacsflow.dicom.probe.words import our_address
from peers.certificates import Authority
from peers.nodes import node_of
from peers.orthanc import Orthanc
from peers.ports import free_port
from schemas.pacs import Fetch, MoveTo
from schemas.web import Tls

ROW = {"STUDY": {"AccessionNumber": "PROBE-0", "StudyInstanceUID": ""}, "SERIES": {}}
STUDIES = 6


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    studies = [
        make_study(series=2, images=3, PatientID=f"PROBE{n}", AccessionNumber=f"PROBE-{n}", StudyDate=f"2020010{n + 1}")
        for n in range(STUDIES)
    ]
    return [
        path for n, study in enumerate(studies) for path in write_files(study, tmp_path_factory.mktemp(f"probe{n}"))
    ]


def of(peer, *, aet="PACSFLOW", **fields):
    """The node of a peer that may be fetched from both ways."""
    move_to = MoveTo(aet=aet, port=peer.move_port, host="127.0.0.1")
    return node_of(peer, **{"fetch": Fetch(method="auto", move_to=move_to), **fields})


def ask(node, *rows):
    findings = probe(node, rows or (ROW,)).findings
    return {one.name: one for one in findings}, strategy(node, findings), requests(node, findings)


@pytest.fixture
def stocked(request, files):
    peer = request.getfixturevalue(request.param)
    peer.load(files)
    return peer


@pytest.mark.parametrize("stocked", ["orthanc"], indirect=True)
def test_orthanc_can_do_everything(stocked):
    found, plan, asks = ask(of(stocked))
    assert {name: one.verdict for name, one in found.items() if one.verdict != "ok"} == {"TLS": "no"}
    assert found["queries"].facts == {"roots": ["Study Root", "Patient Root"]}
    assert found["instance counts"].facts == {"study": True, "series": True, "series of studies": True}
    for way in ("C-GET", "C-MOVE"):
        assert found[way].said == "works: 3 of 3 images arrived"
    assert found["transfer syntaxes"].facts["came"] == ["Explicit VR Little Endian"]
    assert "JPEG 2000 Image Compression" in found["transfer syntaxes"].facts["accepted"]
    assert (plan.method, plan.proven, plan.works, asks) == ("c-get", True, True, ())


@pytest.mark.parametrize("stocked", ["dcmqrscp"], indirect=True)
def test_dcmqrscp_counts_nothing_and_looks_at_few_keys(stocked):
    found, plan, asks = ask(of(stocked))
    others = {"TLS": "no", "instance counts": "no", "keys": "partly"}
    assert {name: one.verdict for name, one in found.items() if one.verdict != "ok"} == others
    assert found["keys"].facts == {
        "heeded": ["PatientID", "AccessionNumber", "StudyDate", "Modality"],
        "ignored": ["ModalitiesInStudy", "SeriesDescription"],
        "refused": [],
    }
    assert found["C-GET"].verdict == found["C-MOVE"].verdict == "ok"
    assert (plan.method, plan.works, asks) == ("c-get", True, ())
    assert any("Count images itself" in sentence for sentence in plan.sentences)
    assert any("ModalitiesInStudy, SeriesDescription" in sentence for sentence in plan.sentences)


@pytest.mark.parametrize("stocked", ["dcmqrscp"], indirect=True)
def test_a_destination_that_the_node_does_not_know_is_reported_by_its_status(stocked):
    move_to = MoveTo(aet="NOTUS", port=stocked.move_port, host="127.0.0.1")
    found, plan, asks = ask(of(stocked, fetch=Fetch(method="c-move", move_to=move_to)))
    assert found["C-MOVE"].said == "the node does not know NOTUS as a destination"
    assert found["C-MOVE"].facts["status"] == "A801"
    assert (plan.method, plan.works) == (None, False)
    place = f"AE title NOTUS, host 127.0.0.1, port {stocked.move_port}"
    assert asks[1:] == (f"Please declare a C-MOVE destination: {place}.",)


@pytest.mark.parametrize("stocked", ["dcmqrscp"], indirect=True)
def test_a_port_of_ours_that_the_node_cannot_reach(stocked):
    move_to = MoveTo(aet="PACSFLOW", port=free_port(), host="127.0.0.1")
    found, plan, asks = ask(of(stocked, fetch=Fetch(method="auto", move_to=move_to)))
    assert found["C-MOVE"].verdict == "no"
    assert found["C-MOVE"].facts["connections"] == 0
    assert f"never connected to our port {move_to.port}" in found["C-MOVE"].said
    assert "firewall" in found["C-MOVE"].request
    assert (plan.method, plan.works, asks) == ("c-get", True, ()), "one way is enough"


def test_a_port_of_ours_that_somebody_else_holds(orthanc, files):
    orthanc.load(files)
    move_to = MoveTo(aet="PACSFLOW", port=orthanc.http_port, host="127.0.0.1")
    found, _, _ = ask(of(orthanc, fetch=Fetch(method="auto", move_to=move_to)))
    assert found["C-MOVE"].verdict == "no"
    assert "another program" in found["C-MOVE"].fix


def us(peer, port, **permissions):
    return {"DicomModalities": {"us": {"AET": "PACSFLOW", "Host": "127.0.0.1", "Port": port, **permissions}}}


@pytest.fixture
def strict(request, tmp_path, files):
    """An Orthanc of its own; the test's parameter gives its settings, made from its `move_port`."""
    peer = Orthanc(tmp_path)
    peer.configure(**request.param(peer))
    with peer:
        peer.load(files)
        yield peer


def without_get(peer):
    return {"DicomAlwaysAllowGet": False, **us(peer, peer.move_port, AllowGet=False)}


@pytest.mark.parametrize("strict", [without_get], indirect=True)
def test_c_get_that_is_accepted_but_fails_gives_way_to_c_move(strict):
    found, plan, asks = ask(of(strict))
    assert found["C-GET"].said == "accepted, but it fails: the node aborted the association"
    assert found["C-MOVE"].verdict == "ok"
    assert (plan.method, plan.proven, plan.works, asks) == ("c-move", True, True, ())
    assert any("C-GET is accepted but brings no images" in sentence for sentence in plan.sentences)


def allowing(*services):
    allowed = {f"DicomAlwaysAllow{what}": what in services for what in ("Echo", "Find", "Get", "Move", "Store")}
    return lambda _peer: {"DicomModalities": {}, **allowed}


@pytest.mark.parametrize(
    ("strict", "wish"),
    [
        (allowing(), "Please declare our AE title PACSFLOW with this computer's address ("),
        (allowing("Store"), "Please permit PACSFLOW at 127.0.0.1 to connect, with C-ECHO, C-FIND and C-GET or C-MOVE."),
    ],
    indirect=["strict"],
)
def test_a_node_that_does_not_know_our_ae_title_ends_the_probe_with_what_to_ask_for(strict, wish):
    found, plan, asks = ask(of(strict))
    assert list(found) == ["TLS", "connection"]
    assert (plan.method, plan.works, found["connection"].verdict) == (None, False, "no")
    assert asks[0].startswith("We are AE title PACSFLOW at 127.0.0.1, and speak to ORTHANC at 127.0.0.1:")
    (asked,) = asks[1:]
    assert asked.startswith(wish)


@pytest.mark.parametrize("strict", [lambda _: {"LimitFindResults": 4}], indirect=True)
def test_a_limit_that_orthanc_owns_up_to(strict):
    found, _, asks = ask(of(strict))
    assert found["result limit"].facts == {"limit": 4}
    assert "FE00" in found["result limit"].said
    assert asks[1:] == ("Please raise the largest number of answers to a query: it is 4.",)


def test_a_wrong_ae_title(dcmqrscp):
    found, plan, asks = ask(of(dcmqrscp, called_aet="NOTHERE"))
    assert found["connection"].verdict == "no"
    assert not plan.works
    assert asks[1:] == ("Please tell us the node's AE title: NOTHERE is not it.",)


def test_an_unreachable_host_is_for_us_to_fix(orthanc):
    found, plan, asks = ask(of(orthanc, port=free_port()))
    assert found["connection"].verdict == "no"
    assert "firewall" in found["connection"].fix
    assert (plan.works, asks) == (False, ())


def test_our_address_is_the_one_the_node_sees(orthanc):
    assert our_address(of(orthanc)) == "127.0.0.1"


def test_without_a_study_to_try_with_nothing_is_claimed(tmp_path):
    with Orthanc(tmp_path) as empty:
        found, plan, _ = ask(of(empty))
    assert found["sample"].verdict == found["C-GET"].verdict == found["C-MOVE"].verdict == "unknown"
    assert "query.yaml" in found["sample"].fix
    assert (plan.method, plan.proven, plan.works) == ("c-get", False, True)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


def test_tls_is_reported_with_its_version_and_the_end_of_the_certificate(tmp_path, authority, files):
    certificate, key = authority.issue("orthanc")
    settings = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(certificate),
        "DicomTlsPrivateKey": str(key),
        "DicomTlsTrustedCertificates": str(authority.ca),
        "DicomTlsRemoteCertificateRequired": True,
    }
    ours, our_key = authority.issue("pacsflow")
    tls = Tls(ca=str(authority.ca), certificate=str(ours), key=str(our_key))
    stranger = Authority(tmp_path / "stranger")
    with Orthanc(tmp_path, **settings) as peer:
        peer.load(files)
        found, plan, asks = ask(of(peer, tls=tls))
        refused, no_plan, _ = ask(of(peer, tls=tls.model_copy(update={"ca": str(stranger.ca)})))
        plain, _, _ = ask(of(peer))
    assert found["TLS"].verdict == "ok"
    assert found["TLS"].facts["version"].startswith("TLSv1.")
    assert found["C-GET"].verdict == "ok"
    assert plan.works
    assert "Please renew the node's certificate: it ends in 1 day." in asks
    assert refused["TLS"].verdict == refused["connection"].verdict == "no"
    assert "tls.ca" in refused["TLS"].fix
    assert not no_plan.works
    assert "TLS" in plain["connection"].fix
