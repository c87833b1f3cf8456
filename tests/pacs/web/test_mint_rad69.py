"""MINT and RAD69 against small servers written from their descriptions, and the log-in of Vitrea before them."""

import time
from contextlib import closing

import pytest

from pacsflow.dicom.contract import Request
from pacsflow.dicom.lanes import greet, open_lane
from pacsflow.dicom.status import OUT_OF_RESOURCES
from pacsflow.dicom.web import rad69
from pacsflow.errors import BrokenError, PacsPermanentError, PacsTransientError, SecretError
from pacsflow.run.lanes.throttle import Throttle
from peers.certificates import Authority
from peers.mint import Mint
from peers.rad69 import Rad69
from peers.web import Handler, Service
from web_nodes import ARCHIVE, IMAGES, SERIES, STUDY, Kept, expected, web_node

UIDS = tuple(expected())
SERIES_UID = SERIES.attributes["SeriesInstanceUID"]


@pytest.fixture
def mint():
    with Mint(ARCHIVE) as service:
        yield service


@pytest.fixture
def source():
    with Rad69(ARCHIVE) as service:
        yield service


@pytest.fixture
def lane(mint, source):
    urls = {"mint": mint.url, "rad69": source.url}
    with closing(open_lane(web_node(None, protocol="mint", urls=urls, fetch={"method": "rad69"}))) as opened:
        yield opened


def keys(*returned, **asked):
    return dict.fromkeys(returned, "") | asked


@pytest.mark.parametrize(
    ("keyword", "change"),
    [
        ("PatientID", lambda number: number),
        ("PatientName", lambda name: name),
        ("PatientName", lambda name: f"?{name[1:4]}*"),
        ("StudyDate", lambda date: date),
        ("StudyDate", lambda date: f"-{date}"),
        ("StudyDate", lambda date: f"{date}-"),
    ],
)
def test_a_study_is_found_by_what_mint_searches_by(lane, keyword, change):
    found = lane.find("STUDY", keys("StudyInstanceUID", "StudyTime", **{keyword: change(STUDY.attributes[keyword])}))
    [mine] = [answer for answer in found if answer.StudyInstanceUID == STUDY.uid]
    assert mine.StudyTime == STUDY.attributes["StudyTime"]
    assert str(mine[keyword].value) == STUDY.attributes[keyword]


def test_keys_that_mint_answers_only_are_left_to_be_filtered_beside_others(lane):
    asked = keys("StudyInstanceUID", PatientID=STUDY.attributes["PatientID"], StudyID="ANOTHER")
    assert STUDY.uid in {answer.StudyInstanceUID for answer in lane.find("STUDY", asked)}


@pytest.mark.parametrize(
    ("level", "asked", "said"),
    [
        ("STUDY", {"PatientID": "SECRET", "OtherPatientIDs": "SECRET"}, "neither searches by OtherPatientIDs nor"),
        ("STUDY", {"StudyID": "SECRET"}, "does not search by StudyID"),
        ("SERIES", {"SeriesDescription": "SECRET"}, "no series by SeriesDescription alone"),
        ("PATIENT", {"PatientID": "SECRET"}, "cannot be asked for patients"),
    ],
)
def test_what_would_be_dropped_is_refused_by_name(lane, mint, level, asked, said):
    with pytest.raises(PacsPermanentError, match=said) as caught:
        lane.find(level, asked)
    assert "SECRET" not in str(caught.value)
    assert mint.asked == []


def test_series_and_images_are_listed_with_what_they_belong_to(lane):
    asked = keys("SeriesInstanceUID", "Modality", StudyInstanceUID=STUDY.uid)
    [series] = lane.find("SERIES", asked)
    assert (series.SeriesInstanceUID, series.Modality) == (SERIES_UID, SERIES.attributes["Modality"])
    below = keys("SOPInstanceUID", "SOPClassUID", StudyInstanceUID=STUDY.uid, SeriesInstanceUID=SERIES_UID)
    assert {image.SOPInstanceUID for image in lane.find("IMAGE", below)} == {*UIDS}
    assert lane.find("IMAGE", below | {"SeriesInstanceUID": "1.2.3"}) == []


def test_studies_that_are_listed_by_uid_are_all_found(lane):
    first, second, other = ARCHIVE.studies
    found = lane.find("STUDY", keys(StudyInstanceUID=f"{first}\\{second}"))
    assert [answer.StudyInstanceUID for answer in found] == [first, second]
    listed = lane.find("SERIES", keys("SeriesInstanceUID", StudyInstanceUID=f"{other}\\{first}"))
    assert [answer.StudyInstanceUID for answer in listed] == [other, first]


class Page(Handler):
    def do_GET(self):  # noqa: N802
        self.answer(200, self.server.page, Content_Type="text/xml")


@pytest.mark.parametrize("page", [b"SERVICE", b"<html>SERVICE: log in</html>", b"\xff"])
def test_an_answer_that_is_not_mint_is_an_error_and_not_an_empty_list(page):
    with Service(Page) as service:
        service.page = page
        urls = {"mint": service.url, "rad69": service.url}
        with closing(open_lane(web_node(None, protocol="mint", urls=urls, fetch={"method": "rad69"}))) as lane:
            with pytest.raises(PacsTransientError, match="cannot be decoded as MINT") as caught:
                lane.find("STUDY", keys(PatientID="1"))
            assert "SERVICE" not in str(caught.value)


def test_instances_come_in_one_stream(lane, source):
    sink = Kept()
    outcome = lane.fetch(Request(STUDY.uid), sink)
    assert sink.held == expected()
    assert (outcome.status, outcome.completed, outcome.failed) == (0, IMAGES, 0)
    assert len(source.asked) == 1


def test_many_instances_are_asked_for_in_several_requests(lane, source, monkeypatch):
    monkeypatch.setattr(rad69, "PER_REQUEST", 5)
    sink = Kept()
    lane.fetch(Request(STUDY.uid), sink)
    assert sink.held == expected()
    assert (len(source.asked), source.opened) == (3, 1)


def test_what_the_source_does_not_have_is_counted(lane):
    sink = Kept()
    some = lane.fetch(Request(STUDY.uid, (SERIES_UID,), (UIDS[0], "1.2.3")), sink)
    assert (some.completed, some.failed, some.status) == (1, 1, 0xB000)
    none = lane.fetch(Request(STUDY.uid, (SERIES_UID,), ("1.2.3", "1.2.4")), sink)
    assert (none.completed, none.failed, none.status) == (0, 2, 0xB000)
    assert sink.held.keys() == {UIDS[0]}


class Refusing(Handler):
    """Says an error of RAD69, alone or as the only part of a multipart answer."""

    def do_POST(self):  # noqa: N802
        self.body()
        soap = b'<e:RegistryError codeContext="PATIENT" errorCode="XDSRepositoryError"/>'
        part = b"--mark\r\nContent-Type: application/xop+xml\r\n\r\n%b\r\n--mark--" % soap
        kind = "multipart/related; boundary=mark" if self.server.parted else "application/soap+xml"
        self.answer(200, part if self.server.parted else soap, Content_Type=kind)


@pytest.mark.parametrize("parted", [False, True])
def test_an_error_of_the_source_is_reported_by_its_code(parted):
    with Service(Refusing) as source:
        source.parted = parted
        urls = {"rad69": source.url, "mint": source.url}
        with closing(open_lane(web_node(None, protocol="rad69", find="mint", urls=urls))) as lane:
            with pytest.raises(PacsPermanentError, match="XDSRepositoryError") as caught:
                lane.fetch(Request(STUDY.uid, (SERIES_UID,), UIDS), Kept())
            assert "PATIENT" not in str(caught.value)


def test_a_stream_that_is_cut_keeps_what_came_whole(lane, source):
    source.cut = 40_000
    sink = Kept()
    with pytest.raises(BrokenError):
        lane.fetch(Request(STUDY.uid), sink)
    assert 0 < len(sink.held) < IMAGES
    left = tuple(uid for uid in UIDS if uid not in sink.held)
    lane.fetch(Request(STUDY.uid, (SERIES_UID,), left), sink)
    assert sink.held == expected()


def test_a_full_disk_of_ours_is_not_trouble_of_the_node(lane):
    told = []
    with pytest.raises(BrokenError) as caught:
        lane.fetch(Request(STUDY.uid), lambda received: OUT_OF_RESOURCES)
    Throttle(heard=told.append).failed(caught.value, begun=time.monotonic())
    assert told == []


class Door(Handler):
    """Vitrea's log-in: names and password in headers, a session cookie in the answer."""

    def do_POST(self):  # noqa: N802
        self.body()
        said = tuple(self.headers[name] for name in ("X-Userid", "X-Password", "X-Realm"))
        self.server.asked.append(said)
        if said != ("research", "right", "Ward"):
            self.answer(401)
            return
        self.server.session += 1
        self.answer(200, b"{}", Set_Cookie=f"JSESSIONID={self.server.session}; Path=/")


def test_a_session_is_opened_when_it_is_needed_and_again_when_it_has_ended(tmp_path, monkeypatch):
    monkeypatch.setenv("WEB_PASSWORD", "right")
    authority = Authority(tmp_path / "authority")
    with Service(Door, authority) as door, Mint(ARCHIVE, authority) as mint, Rad69(ARCHIVE, authority) as source:
        door.session = 0
        for service in (mint, source):
            service.welcome = lambda headers: headers["Cookie"] == f"JSESSIONID={door.session}"
        auth = {"kind": "vitrea", "login_url": f"{door.url}/login", "username": "research", "realm": "Ward"}
        node = web_node(
            None,
            protocol="mint",
            urls={"mint": mint.url, "rad69": source.url},
            fetch={"method": "rad69"},
            auth=auth | {"password": "${env:WEB_PASSWORD}"},
            ca=str(authority.ca),
        )
        sink = Kept()
        with closing(open_lane(node)) as lane:
            lane.fetch(Request(STUDY.uid), sink)
            assert sink.held == expected()
            before = door.session
            lane.find("STUDY", keys(PatientID="1"))
            assert door.session <= before + 1
            door.session += 1  # all sessions end
            sink.held.clear()
            lane.fetch(Request(STUDY.uid), sink)
            assert sink.held == expected()
        monkeypatch.setenv("WEB_PASSWORD", "wrong")
        with pytest.raises(SecretError, match="log-in was refused"):
            greet(node)
