"""DICOMweb against Orthanc, through a front door that asks for log-ins, breaks off and says wrong things."""

import base64
import json
import re
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pytest

from pacsflow.dicom.contract import Request
from pacsflow.dicom.lanes import greet, open_lane
from pacsflow.dicom.web import part10
from pacsflow.errors import BrokenError, PacsPermanentError, PacsTransientError
from pacsflow.simpacs.phantoms import write_phantoms
from peers.certificates import Authority
from peers.ports import free_port
from peers.web import Front, Handler, Service
from web_nodes import ARCHIVE, IMAGES, SERIES, STUDY, Kept, expected, web_node

UIDS = list(expected())


@pytest.fixture(scope="module")
def store(orthanc, tmp_path_factory):
    orthanc.load(write_phantoms(tmp_path_factory.mktemp("phantoms"), ARCHIVE))
    return orthanc


@pytest.fixture
def front(store):
    with Front(store.url) as service:
        yield service


@pytest.fixture
def lane(front):
    opened = open_lane(web_node(front.url + "/dicom-web/"))
    yield opened
    opened.close()


def keys(*returned, **asked):
    return dict.fromkeys(returned, "") | asked


def test_answers_are_what_was_asked_for_and_nothing_else(lane):
    asked = keys("StudyInstanceUID", "PatientName", "StudyDescription", PatientID=STUDY.attributes["PatientID"])
    found = {answer.StudyInstanceUID: answer for answer in lane.find("STUDY", asked)}
    mine = [one for one in ARCHIVE.studies.values() if one.attributes["PatientID"] == STUDY.attributes["PatientID"]]
    assert found.keys() == {one.uid for one in mine}
    answer = found[STUDY.uid]
    assert str(answer.PatientName) == STUDY.attributes["PatientName"]
    assert {element.keyword for element in answer} == {*asked}


@pytest.mark.parametrize(
    ("keyword", "change"),
    [
        ("StudyDate", lambda date: f"{date}-{date}"),
        ("StudyDate", lambda date: f"-{date}"),
        ("PatientName", lambda name: name[:1] + "*"),
        ("StudyDescription", lambda text: text[:2] + "*"),
        ("AccessionNumber", lambda number: "?" + number[1:]),
        ("StudyInstanceUID", lambda uid: uid + "\\1.2.3"),
    ],
)
def test_ranges_wildcards_and_lists_are_asked_as_they_are_meant(lane, keyword, change):
    found = lane.find("STUDY", keys("StudyInstanceUID", **{keyword: change(STUDY.attributes[keyword])}))
    assert STUDY.uid in {answer.StudyInstanceUID for answer in found}
    assert lane.find("STUDY", keys("StudyInstanceUID", PatientID="NOBODY-HAS-THIS")) == []


def test_series_and_images_are_listed_below_what_they_belong_to(lane):
    [series] = lane.find(
        "SERIES", keys("SeriesInstanceUID", "NumberOfSeriesRelatedInstances", StudyInstanceUID=STUDY.uid)
    )
    assert (series.SeriesInstanceUID, series.NumberOfSeriesRelatedInstances) == (
        SERIES.attributes["SeriesInstanceUID"],
        IMAGES,
    )
    below = {"StudyInstanceUID": STUDY.uid, "SeriesInstanceUID": series.SeriesInstanceUID}
    images = lane.find("IMAGE", keys("SOPInstanceUID", "SOPClassUID", **below))
    assert {image.SOPInstanceUID for image in images} == {*UIDS}


class Paged(Handler):
    """Gives at most 25 answers, whatever it is asked; one that does not page says the same again."""

    def do_GET(self):  # noqa: N802
        if not self.admitted():
            return
        asked = parse_qs(urlsplit(self.path).query)
        begin = int(asked["offset"][0]) if self.server.pages else 0
        answers = [{"0020000D": {"vr": "UI", "Value": [f"1.2.{n}"]}} for n in range(60)][begin : begin + 25]
        if answers:
            self.answer(200, json.dumps(answers).encode(), Content_Type="application/dicom+json")
        else:
            self.answer(204)


@pytest.mark.parametrize(("pages", "answers", "requests"), [(True, 60, 4), (False, 25, 2)])
def test_a_service_that_cuts_its_pages_is_asked_until_nothing_new_comes(pages, answers, requests):
    with Service(Paged) as service:
        service.pages = pages
        with closing(open_lane(web_node(service.url))) as lane:
            found = lane.find("STUDY", keys("StudyInstanceUID", StudyDate="20200101-"))
        assert (len(found), len(service.asked)) == (answers, requests)
        assert "fuzzymatching=false" in service.asked[0]


class Cutting(Handler):
    """Gives 10 answers at most, and says in a warning that there are more; one that does not page says the same."""

    def do_GET(self):  # noqa: N802
        begin = int(parse_qs(urlsplit(self.path).query)["offset"][0]) if self.server.pages else 0
        answers = [{"0020000D": {"vr": "UI", "Value": [f"1.2.{n}"]}} for n in range(25)][begin : begin + 10]
        left = max(0, 25 - begin - 10)
        warning = {"Warning": f"299 pacs: There are {left} additional results that can be requested"} if left else {}
        self.answer(200, json.dumps(answers).encode(), **warning)


def test_a_service_that_says_that_there_is_more_is_believed():
    with Service(Cutting) as service, closing(open_lane(web_node(service.url))) as lane:
        service.pages = True
        assert len(lane.find("STUDY", keys("StudyInstanceUID", StudyDate="20200101-"))) == 25
        service.pages = False
        with pytest.raises(PacsPermanentError, match="has more than the 10 answers") as caught:
            lane.find("STUDY", keys("StudyInstanceUID", StudyDate="20200101-"))
        assert (caught.value.answers, caught.value.withholds) == (10, True)


class Nameless(Handler):
    def do_GET(self):  # noqa: N802
        self.server.asked.append(self.path)
        self.answer(200, json.dumps([{"00080020": {"vr": "DA", "Value": ["20200101"]}}] * 25).encode())


def test_answers_without_a_uid_are_not_asked_for_for_ever():
    with Service(Nameless) as service, closing(open_lane(web_node(service.url))) as lane:
        [answer] = lane.find("STUDY", keys("StudyInstanceUID", StudyDate="20200101-"))
        assert not answer.get("StudyInstanceUID")
        assert len(service.asked) <= 4


class Empty(Handler):
    def do_GET(self):  # noqa: N802
        self.server.asked.append(self.path)
        self.answer(204)


@pytest.mark.parametrize(
    ("asked", "wider"),
    [
        ({"PatientName": "Müller^Zoë"}, ["PatientName=M*ller?Zo*"]),
        ({"PatientName": "山田^太郎"}, []),
        ({"PatientName": "Doe*"}, []),
        ({"StudyInstanceUID": "1.2", "SeriesDescription": "山田"}, ["SeriesDescription=*"]),
    ],
)
def test_what_a_service_may_not_decode_is_asked_wider_but_never_for_everybody(asked, wider):
    with Service(Empty) as service, closing(open_lane(web_node(service.url))) as lane:
        assert lane.find("SERIES" if "StudyInstanceUID" in asked else "STUDY", asked) == []
        assert [re.search(r"[A-Z]\w+=[^&]+", one)[0] for one in service.asked[1:]] == wider


def test_a_level_that_dicomweb_does_not_have_is_refused(lane):
    with pytest.raises(PacsPermanentError, match="cannot be asked for patients"):
        lane.find("PATIENT", keys("PatientID"))


def test_a_key_that_the_service_refuses_is_named_without_its_value(front, lane):
    front.instead = [(400, {})] * 8
    with pytest.raises(PacsPermanentError, match="by PatientID, StudyDate with HTTP 400") as caught:
        lane.find("STUDY", keys("StudyInstanceUID", PatientID="SECRET-1", StudyDate="20200101"))
    assert "SECRET" not in str(caught.value)
    assert "SERVICE" not in str(caught.value)


@pytest.mark.parametrize(
    "request_",
    [
        Request(STUDY.uid),
        Request(STUDY.uid, (SERIES.attributes["SeriesInstanceUID"],)),
        Request(STUDY.uid, (SERIES.attributes["SeriesInstanceUID"],), tuple(UIDS)),
    ],
    ids=["study", "series", "instances"],
)
def test_instances_come_as_they_are_stored(lane, request_):
    sink = Kept()
    outcome = lane.fetch(request_, sink)
    assert sink.held == expected()
    assert (outcome.status, outcome.completed, outcome.failed) == (0, IMAGES, 0)


def test_a_large_instance_is_given_on_while_it_comes(lane, monkeypatch):
    monkeypatch.setattr(part10, "STREAMED_FROM", 2000)
    sink = Kept()
    lane.fetch(Request(STUDY.uid), sink)
    assert sink.held == expected()
    assert sink.streamed


def test_what_is_not_there_keeps_nothing_else_back(lane):
    sink = Kept()
    wanted = (UIDS[0], "1.2.3.4", UIDS[1])
    outcome = lane.fetch(Request(STUDY.uid, (SERIES.attributes["SeriesInstanceUID"],), wanted), sink)
    assert sink.held.keys() == {*UIDS[:2]}
    assert (outcome.completed, outcome.failed) == (2, 1)
    with pytest.raises(PacsPermanentError, match="HTTP 404"):
        lane.fetch(Request("1.2.3.4.5"), sink)


@pytest.mark.parametrize("large", [True, False], ids=["streamed", "held"])
def test_a_connection_that_is_cut_keeps_what_came_whole(front, lane, monkeypatch, large):
    monkeypatch.setattr(part10, "STREAMED_FROM", 2000 if large else part10.STREAMED_FROM)
    front.cut = 40_000
    sink = Kept()
    with pytest.raises(BrokenError):
        lane.fetch(Request(STUDY.uid), sink)
    assert 0 < len(sink.held) < IMAGES
    assert sink.held.items() <= expected().items()
    left = tuple(uid for uid in UIDS if uid not in sink.held)
    lane.fetch(Request(STUDY.uid, (SERIES.attributes["SeriesInstanceUID"],), left), sink)
    assert sink.held == expected()


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (302, PacsPermanentError, "somewhere else"),
        (401, PacsPermanentError, "log-in"),
        (403, PacsPermanentError, "not permitted"),
        (404, PacsPermanentError, "nothing at this address"),
        (429, PacsTransientError, "too often"),
        (500, PacsTransientError, "failed"),
        (503, PacsTransientError, "busy"),
    ],
)
def test_each_refusal_has_its_reason_and_its_fix(front, lane, status, kind, said):
    front.instead = [(status, {"Retry_After": "0"})] * 20
    for ask in (lambda: lane.find("STUDY", keys("StudyInstanceUID")), lambda: lane.fetch(Request(STUDY.uid), Kept())):
        with pytest.raises(kind, match=said) as caught:
            ask()
        assert caught.value.fix
        assert STUDY.uid not in str(caught.value)
        assert "SERVICE" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_says_when_to_come_back_is_asked_again_inside_the_attempt(front, lane, status):
    front.instead = [(status, {"Retry_After": "1"}), (status, {"Retry_After": "0"})]
    assert lane.find("STUDY", keys("StudyInstanceUID", StudyInstanceUID=STUDY.uid))
    sink = Kept()
    lane.fetch(Request(STUDY.uid), sink)
    assert sink.held == expected()


@pytest.mark.parametrize("status", [404, 406, 413, 501])
@pytest.mark.parametrize("refused", [1, 2])
def test_what_is_not_given_as_a_whole_is_asked_for_by_series_or_instances(front, lane, status, refused):
    """`refused`: 1: studies; 2: series too."""
    kinds = ("/series", "/instances")[refused - 1]

    def bend(path):
        asked = urlsplit(path).path
        return path if kinds in asked or "?" in path or not asked.startswith("/dicom-web/studies/") else status

    front.bend = bend
    sink = Kept()
    outcome = lane.fetch(Request(STUDY.uid), sink)
    assert sink.held == expected()
    assert (outcome.completed, outcome.failed) == (IMAGES, 0)


class Starless(Handler):
    """Does not know `transfer-syntax=*`."""

    def do_GET(self):  # noqa: N802
        self.server.asked.append(self.headers["Accept"])
        if "*" in self.headers["Accept"]:
            self.answer(406)
            return
        body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + self.server.file + b"\r\n--b--"
        self.answer(200, body, Content_Type='multipart/related; type="application/dicom"; boundary=b')


def test_a_service_that_cannot_give_images_as_stored_is_asked_for_any_form_and_remembered(tmp_path):
    with Service(Starless) as service, closing(open_lane(web_node(service.url))) as lane:
        service.file = write_phantoms(tmp_path, ARCHIVE)[0].read_bytes()
        for _ in range(2):
            assert lane.fetch(Request(STUDY.uid), Kept()).completed == 1
        assert ["*" in accepted for accepted in service.asked] == [True, False, False]


class Picky(Handler):
    """Takes a limit of `most` at most, 0: none at all; more is answered with `status`."""

    def do_GET(self):  # noqa: N802
        asked = parse_qs(urlsplit(self.path).query)
        limit = int(asked.get("limit", ["0"])[0])
        self.server.asked.append(limit)
        if limit > self.server.most:
            self.answer(self.server.status)
            return
        begin = int(asked.get("offset", ["0"])[0])
        answers = [{"0020000D": {"vr": "UI", "Value": [f"1.2.{n}"]}} for n in range(60)][begin : begin + (limit or 60)]
        self.answer(200, json.dumps(answers).encode())


@pytest.mark.parametrize("most", [0, 1, 30, 200, 999])
@pytest.mark.parametrize("status", [400, 413, 414, 422])
def test_a_limit_that_a_service_refuses_is_made_smaller_and_remembered(most, status):
    with Service(Picky) as service, closing(open_lane(web_node(service.url))) as lane:
        service.most, service.status = most, status
        for _ in range(2):
            before = len(service.asked)
            assert len(lane.find("STUDY", keys("StudyInstanceUID", StudyDate="20200101-"))) == 60
        assert all(limit <= most for limit in service.asked[before:])
        greet(web_node(service.url))


class Closing(Handler):
    """Says nothing when it closes a connection after an answer."""

    def do_GET(self):  # noqa: N802
        self.server.asked.append(self.path)
        self.answer(200, json.dumps([{"0020000D": {"vr": "UI", "Value": ["1.2.3"]}}]).encode())
        self.close_connection = True


def test_a_request_on_a_connection_that_was_closed_goes_out_again_on_a_new_one():
    with Service(Closing) as service, closing(open_lane(web_node(service.url))) as lane:
        for _ in range(20):
            assert len(lane.find("STUDY", keys("StudyInstanceUID", StudyInstanceUID="1.2.3"))) == 1
        assert len(service.asked) == 20


class LogIn(Handler):
    def do_GET(self):  # noqa: N802
        self.answer(200, b"<html>PATIENT</html>", Content_Type="text/html; charset=utf-8")


def test_a_log_in_page_instead_of_images_is_named():
    with Service(LogIn) as service, closing(open_lane(web_node(service.url))) as lane:
        for ask in (lambda: lane.fetch(Request("1.2"), Kept()), lambda: lane.find("STUDY", keys("StudyInstanceUID"))):
            with pytest.raises(PacsTransientError, match="text/html, as of a log-in page"):
                ask()


class Talkative(Handler):
    def do_GET(self):  # noqa: N802
        self.answer(200, self.server.page)


@pytest.mark.parametrize("page", [b"<html>PATIENT</html>", b"{}", b"PATIENT", b'""'])
def test_an_answer_that_is_not_dicom_json_is_an_error_and_not_an_empty_list(page):
    with Service(Talkative) as service, closing(open_lane(web_node(service.url))) as lane:
        service.page = page
        with pytest.raises(PacsTransientError, match="cannot be decoded") as caught:
            lane.find("STUDY", keys("StudyInstanceUID"))
        assert "PATIENT" not in str(caught.value)


def test_a_port_without_a_listener_is_an_error_that_may_pass():
    with pytest.raises(PacsTransientError, match="cannot be reached"):
        greet(web_node(f"http://127.0.0.1:{free_port()}"))


def basic(user, password):
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def test_the_certificate_must_be_of_a_known_authority_and_the_log_in_right(store, tmp_path, monkeypatch):
    monkeypatch.setenv("WEB_PASSWORD", "right")
    ours, others = Authority(tmp_path / "ours"), Authority(tmp_path / "others", name="Somebody")
    auth = {"kind": "basic", "username": "research", "password": "${env:WEB_PASSWORD}"}
    with Front(store.url, ours) as front:
        front.welcome = lambda headers: headers["Authorization"] == basic("research", "right")
        url = front.url + "/dicom-web"
        sink = Kept()
        with closing(open_lane(web_node(url, ca=str(ours.ca), auth=auth))) as lane:
            lane.fetch(Request(STUDY.uid), sink)
        assert sink.held == expected()
        for wrong in ({"ca": str(others.ca)}, {}):
            with pytest.raises(PacsPermanentError, match="certificate of node web is not accepted"):
                greet(web_node(url, auth=auth, **wrong))
        monkeypatch.setenv("WEB_PASSWORD", "wrong")
        with pytest.raises(PacsPermanentError, match="log-in is not accepted"):
            greet(web_node(url, ca=str(ours.ca), auth=auth))


def test_a_greeting_asks_for_one_study_only(front, store):
    greet(web_node(front.url + "/dicom-web"))
    assert [line.split("?")[1] for line in front.asked] == ["limit=1"]
