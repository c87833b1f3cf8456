"""What the probe says of web services: Orthanc as it is and behind a door that bends it; small MINT and RAD69 servers."""

import base64
import json
import re

import pytest
from pydicom.uid import RLELossless

from factory import make_instance, make_study, write_files
from pacsflow.dicom.probe import fixes, probe, requests, strategy
from pacsflow.dicom.web import part10
from pacsflow.errors import PacsPermanentError
from peers.certificates import Authority
from peers.mint import Mint
from peers.orthanc import Orthanc
from peers.ports import free_port
from peers.rad69 import Rad69
from peers.web import Front
from web_nodes import ARCHIVE, IMAGES, STUDY, web_node

STUDIES = 6
ROW = {"STUDY": {"AccessionNumber": "WEB-0", "StudyInstanceUID": ""}, "SERIES": {}}
PLAIN = {"TLS": "no", "transfer syntaxes": "unknown"}
"""What is not `ok` of a service that does all, without TLS and without a word on how images are stored."""
NAMES = ["TLS", "connection", "log-in"]


@pytest.fixture(scope="module")
def store(orthanc, tmp_path_factory):
    studies = [
        make_study(series=2, images=3, PatientID=f"WEB{n}", AccessionNumber=f"WEB-{n}", StudyDate=f"2019010{n + 1}")
        for n in range(STUDIES)
    ]
    packed = make_instance(PatientID="PACKED", AccessionNumber="WEB-RLE", StudyDescription="Two words")
    packed.compress(RLELossless)
    orthanc.load(write_files([*(one for study in studies for one in study), packed], tmp_path_factory.mktemp("web")))
    return orthanc


@pytest.fixture
def front(store):
    with Front(store.url) as service:
        yield service


def node_at(front, **fields):
    return web_node(front.url + "/dicom-web", **fields)


def ask(node, row=ROW):
    known = probe(node, [row] if row else [])
    return {one.name: one for one in known.findings}, strategy(node, known.findings), known


def verdicts(found):
    return {name: one.verdict for name, one in found.items() if one.verdict != "ok"}


def without(*names):
    """A bend that drops parameters of a query."""
    pattern = re.compile(rf"(?<=[?&])({'|'.join(names)})=[^&]*&?")
    return lambda path: pattern.sub("", path)


def test_orthanc_does_all_and_is_asked_little(front):
    node = node_at(front)
    found, plan, known = ask(node)
    assert verdicts(found) == PLAIN
    assert found["queries"].facts["answered"] == ["studies", "series", "instances"]
    assert found["instance counts"].facts == {"study": True, "series": True, "series of studies": True}
    assert found["matching"].facts == {"wildcards": True, "date ranges": True}
    assert found["pages"].facts == {"limit heeded": True, "offset heeded": True}
    assert found["WADO-RS"].said == "works: 3 of 3 images arrived"
    assert (plan.method, plan.proven, plan.works) == ("wado-rs", True, True)
    assert (requests(node, known.findings), fixes(node, known.findings)) == ((), ())
    assert len(front.asked) == known.requests["queries"] + known.requests["retrievals"] <= 32
    assert {name: known.requests[name] for name in ("retrievals", "images")} == {"retrievals": 1, "images": 3}
    said = json.dumps(known.as_data())
    assert not [value for value in ("WEB0", "WEB-0", "Erika", "20190101", "Axial") if value in said]


def test_a_compressed_series_comes_as_it_is_stored(front):
    found, _, _ = ask(node_at(front), {"STUDY": {"AccessionNumber": "WEB-RLE"}, "SERIES": {}})
    assert found["transfer syntaxes"].verdict == "ok"
    assert found["transfer syntaxes"].facts["came"] == ["RLE Lossless"]
    assert found["matching"].facts["blanks"] is False, "Orthanc 1.10 finds nothing by a value with a blank"
    assert "do without values with blanks" in found["matching"].fix


@pytest.mark.parametrize(
    ("stored", "verdict", "said"),
    [
        ("1.2.840.10008.1.2.1", "ok", "as they are stored"),
        ("1.2.840.10008.1.2.4.90", "partly", "stored they are in JPEG"),
    ],
)
def test_what_came_is_compared_with_what_the_service_says_is_stored(front, stored, verdict, said):
    def reword(path, text):
        answers = json.loads(text)
        for answer in answers if "/instances" in path else []:
            answer["00083002"] = {"vr": "UI", "Value": [stored]}
        return json.dumps(answers)

    front.reword = reword
    found, _, _ = ask(node_at(front))
    assert found["transfer syntaxes"].verdict == verdict
    assert said in found["transfer syntaxes"].said


def test_keys_that_are_ignored(front):
    front.bend = without("AccessionNumber", "SeriesDescription")
    found, plan, _ = ask(node_at(front), {"STUDY": {"PatientID": "WEB0"}, "SERIES": {}})
    assert verdicts(found) == PLAIN | {"keys": "partly"}
    assert found["keys"].facts["ignored"] == ["AccessionNumber", "SeriesDescription"]
    assert any("AccessionNumber, SeriesDescription" in sentence for sentence in plan.sentences)


def test_wildcards_and_ranges_that_are_taken_literally(front):
    front.bend = lambda path: re.sub(r"(PatientID|StudyDate)=[^&]*[*-]", r"\1=NOTHING", path)
    found, _, known = ask(node_at(front), {"STUDY": {"PatientID": "WEB0"}, "SERIES": {}})
    assert found["matching"].facts == {"wildcards": False, "date ranges": False}
    assert found["result limit"].verdict == found["pages"].verdict == "unknown"
    assert "wildcards, date ranges" in fixes(node_at(front), known.findings)[0]


def test_answers_that_are_cut_behind_a_page(front):
    front.bend = lambda path: re.sub("limit=1000", "limit=4", without("offset")(path))
    node = node_at(front)
    found, plan, known = ask(node)
    assert verdicts(found) == PLAIN | {"pages": "partly", "result limit": "partly"}
    assert found["pages"].facts == {"limit heeded": True, "offset heeded": False}
    assert found["result limit"].facts == {"limit": 4}
    assert any("Ask in pieces where 4 answers come" in sentence for sentence in plan.sentences)
    first, *wishes = requests(node, known.findings)
    assert first == f"We ask from 127.0.0.1, without a log-in, and speak to {front.url}/dicom-web."
    assert [wish for wish in wishes if "offset" in wish]
    assert [wish for wish in wishes if "it is 4" in wish]


def test_a_service_that_gives_all_at_once_is_asked_nothing_wide(front):
    front.bend = without("limit")
    found, _, known = ask(node_at(front))
    assert verdicts(found) == PLAIN | {"pages": "partly", "result limit": "unknown"}
    assert not [line for line in front.asked if "StudyDate=19000101" in line]
    assert known.whole


def test_orthanc_cuts_its_answers_without_notice(store, tmp_path):
    files = [
        path
        for n in range(STUDIES)
        for path in write_files(
            make_study(
                series=1, images=1, PatientID=f"CUT{n}", AccessionNumber=f"CUT-{n}", StudyDate=f"2019010{n + 1}"
            ),
            tmp_path / str(n),
        )
    ]
    with Orthanc(tmp_path, LimitFindResults=3) as peer:
        peer.load(files)
        found, _, _ = ask(web_node(peer.url + "/dicom-web"), {"STUDY": {"AccessionNumber": "CUT-0"}, "SERIES": {}})
    assert found["pages"].verdict == "ok"
    assert found["result limit"].facts == {"limit": 4}, "it gives one more than it is told to"
    assert "the node does not say so" in found["result limit"].said


def test_counts_that_are_not_given(front):
    front.reword = lambda _, text: json.dumps(
        [
            {tag: value for tag, value in one.items() if tag not in ("00201206", "00201208", "00201209")}
            for one in json.loads(text)
        ]
    )
    found, plan, _ = ask(node_at(front))
    assert verdicts(found) == PLAIN | {"instance counts": "no"}
    assert any("Count images itself" in sentence for sentence in plan.sentences)


@pytest.mark.parametrize(
    ("level", "verdict", "works"), [("/series", "no", False), ("/instances", "partly", True), ("/studies", "no", False)]
)
def test_a_level_that_is_refused_is_named_with_what_to_ask_for(front, level, verdict, works):
    front.bend = lambda path: 403 if path.partition("?")[0].endswith(level) and "limit=1&" not in path + "&" else path
    node = node_at(front)
    found, plan, known = ask(node)
    assert (found["queries"].verdict, plan.works) == (verdict, works)
    assert f"not for {level[1:]}: node web answered a query" in found["queries"].said
    wish = f"Please permit QIDO-RS for {level[1:]}, without a log-in."
    assert wish in requests(node, known.findings)


def refusing_retrievals(path):
    return path if "?" in path else 403


def test_a_retrieval_that_is_refused(front):
    front.bend = refusing_retrievals
    node = node_at(front)
    found, plan, known = ask(node)
    assert found["WADO-RS"].verdict == "no"
    assert "HTTP 403" in found["WADO-RS"].said
    assert (plan.method, plan.works) == (None, False)
    assert "permit this user to query and retrieve" in requests(node, known.findings)[-1]


def test_where_wado_rs_fails_wado_uri_is_tried_if_it_has_an_address(front, store):
    front.bend = refusing_retrievals
    node = node_at(front, urls={"wado-uri": f"{store.url}/wado"})
    found, plan, known = ask(node)
    assert (found["WADO-RS"].verdict, found["WADO-URI"].verdict, plan.works) == ("no", "ok", False)
    assert found["TLS of WADO-URI"].facts == {"used": False}
    assert "set `fetch.method: wado-uri`: images come by it" in fixes(node, known.findings)
    front.bend = lambda path: path
    assert "WADO-URI" not in ask(node)[0], "one way is enough"


@pytest.mark.parametrize("large", [True, False], ids=["streamed", "held"])
def test_a_connection_that_is_cut(front, monkeypatch, large):
    monkeypatch.setattr(part10, "STREAMED_FROM", 500 if large else part10.STREAMED_FROM)
    front.cut = 4500
    found, plan, _ = ask(node_at(front))
    assert (found["WADO-RS"].verdict, plan.proven) == ("partly", False)
    assert re.match(r"[12] of 3 images arrived, then it failed: ", found["WADO-RS"].said)
    found, _, known = ask(node_at(front))
    assert (found["WADO-RS"].verdict, known.requests["images"]) == ("ok", 3)
    assert known.requests["bytes"] > 3 * 512, "those that are streamed are counted to their end"


def test_queries_and_images_by_different_services(front, store):
    urls = {"dicomweb": f"{front.url}/dicom-web", "wado-uri": f"{store.url}/wado"}
    found, plan, known = ask(web_node(None, protocol="wado-uri", find="dicomweb", urls=urls))
    assert verdicts(found) == PLAIN | {"TLS of WADO-URI": "no"}
    assert (plan.method, plan.proven, known.requests["retrievals"]) == ("wado-uri", True, 3)


def dimse(store):
    return {"protocol": "dimse", "host": "127.0.0.1", "port": store.port, "called_aet": store.aet}


def test_queries_by_dicom_and_images_by_the_web(store):
    node = web_node(f"{store.url}/wado", **dimse(store), fetch={"method": "wado-uri"})
    found, plan, _ = ask(node)
    assert verdicts(found) == PLAIN | {"TLS of WADO-URI": "no"}
    assert not {"C-GET", "C-MOVE", "retrievals"} & found.keys()
    assert found["associations"].verdict == "ok"
    assert (plan.method, plan.proven) == ("wado-uri", True)
    assert plan.sentences[0] == "Ask by the Study Root."


def test_queries_by_the_web_and_images_by_dicom(front, store):
    found, plan, _ = ask(node_at(front, **dimse(store), find="dicomweb"))
    assert verdicts(found) == {"TLS": "no", "C-MOVE": "unknown"}
    assert (plan.method, plan.proven, plan.sentences[0]) == ("c-get", True, "Ask by QIDO-RS.")


def test_mint_and_rad69():
    with Mint(ARCHIVE) as mint, Rad69(ARCHIVE) as source:
        node = web_node(None, protocol="rad69", find="mint", urls={"mint": mint.url, "rad69": source.url})
        found, plan, known = ask(node, {"STUDY": {"StudyInstanceUID": STUDY.uid}, "SERIES": {}})
        others = {"relational queries": "no", "keys": "partly", "TLS of RAD69": "no"}
        assert verdicts(found) == PLAIN | others
        assert found["keys"].facts["ignored"] == ["Modality", "SeriesDescription"]
        assert found["RAD69"].said == f"works: {IMAGES} of {IMAGES} images arrived"
        assert (plan.method, plan.proven, len(source.asked)) == ("rad69", True, known.requests["retrievals"])
        assert len(mint.asked) == known.requests["queries"]


def test_without_a_study_to_try_with_nothing_is_claimed(tmp_path):
    with Orthanc(tmp_path) as empty:
        found, plan, known = ask(web_node(empty.url + "/dicom-web"), None)
    assert found["sample"].verdict == found["WADO-RS"].verdict == found["queries"].verdict == "unknown"
    assert found["queries"].said == "QIDO-RS for studies; for series, instances it was not tried"
    assert (plan.method, plan.proven, plan.works, known.whole) == ("wado-rs", False, True, False)


def basic(user, password):
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


AUTH = {"kind": "basic", "username": "research", "password": "${env:WEB_PASSWORD}"}


@pytest.fixture
def secured(store, tmp_path, monkeypatch):
    """A door with a certificate and a log-in, and the fields of a node that may enter."""
    monkeypatch.setenv("WEB_PASSWORD", "right")
    authority = Authority(tmp_path / "ours")
    with Front(store.url, authority) as front:
        front.welcome = lambda headers: headers["Authorization"] == basic("research", "right")
        yield front, {"ca": str(authority.ca), "auth": AUTH}


def test_tls_and_log_in_that_are_as_they_should_be(secured):
    front, fields = secured
    node = node_at(front, **fields)
    found, plan, known = ask(node)
    assert found["TLS"].facts["version"].startswith("TLSv1.")
    assert found["log-in"].facts == {"kind": "basic"}
    assert plan.works
    assert requests(node, known.findings) == (
        f"We ask from 127.0.0.1, as user research, and speak to {front.url}/dicom-web.",
        "Please renew the node's certificate: it ends in 1 day.",
    )


def test_a_certificate_of_somebody_else_is_not_accepted(secured, tmp_path):
    front, fields = secured
    others = Authority(tmp_path / "others", name="Somebody")
    found, plan, known = ask(node_at(front, **fields | {"ca": str(others.ca)}))
    assert list(found) == ["connection"]
    assert "the certificate of node web is not accepted" in found["connection"].said
    assert "check `ca`" in found["connection"].fix
    assert (plan.works, front.asked, known.requests) == (False, [], {})


@pytest.mark.parametrize(
    ("auth", "fix", "wish"),
    [
        (AUTH, "check `auth`", "permit us to query and retrieve, as user research"),
        (None, "set `auth`", "tell us which log-in the service wants"),
    ],
)
def test_a_log_in_that_is_not_accepted(secured, monkeypatch, auth, fix, wish):
    monkeypatch.setenv("WEB_PASSWORD", "wrong-one")
    front, fields = secured
    node = node_at(front, **fields | {"auth": auth})
    found, plan, known = ask(node)
    assert list(found) == NAMES
    assert {name: one.verdict for name, one in found.items()} == {"TLS": "ok", "connection": "ok", "log-in": "no"}
    assert (len(front.asked), plan.works) == (1, False)
    assert fix in fixes(node, known.findings)[0]
    assert wish in requests(node, known.findings)[-1]
    assert "wrong-one" not in json.dumps(known.as_data())


def test_a_secret_that_leads_nowhere_is_for_us_to_fix(secured, monkeypatch):
    monkeypatch.delenv("WEB_PASSWORD")
    front, fields = secured
    found, plan, _ = ask(node_at(front, **fields))
    assert (list(found), found["log-in"].verdict, plan.works, front.asked) == (["log-in"], "no", False, [])
    assert found["log-in"].fix


@pytest.mark.parametrize("path", ["/nothing-here", "/instances"])
def test_another_address_is_not_taken_for_dicomweb(store, path):
    found, plan, _ = ask(web_node(store.url + path))
    assert (list(found)[-1], found["connection"].verdict, plan.works) == ("connection", "no", False)
    assert "check" in found["connection"].fix


def test_a_port_without_a_listener(store):
    found, plan, _ = ask(web_node(f"http://127.0.0.1:{free_port()}"))
    assert (list(found), found["connection"].verdict, plan.works) == (["connection"], "no", False)


def test_protocols_that_do_not_go_together_are_refused_before_anything_is_asked(front):
    with pytest.raises(PacsPermanentError, match="cannot be queried by wado-uri"):
        probe(web_node(front.url, protocol="wado-uri"))
    assert front.asked == []


def test_the_first_contact_is_one_query(front):
    known = probe(node_at(front), whole=False)
    assert [one.name for one in known.findings] == [*NAMES, "queries"]
    assert (front.asked, known.whole) == (["GET /dicom-web/studies?limit=1"], False)
    assert strategy(node_at(front), known.findings).works
