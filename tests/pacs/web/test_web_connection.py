"""The connection of a web lane: closed while the service is silent, rested where it asks for a rest, kept alive."""

from contextlib import ExitStack, closing
from threading import Event, Thread

import httpx
import pytest

from pacsflow.dicom.lanes import greet, open_lane
from pacsflow.dicom.web.refusal import longest_wait
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from peers.certificates import Authority
from peers.secured import Secured
from peers.web import Handler, Service
from web_nodes import web_node

STUDIES = {"StudyInstanceUID": ""}
PATIENT = {"connect": 2, "response": 600, "idle": 600}


class Asking(Thread):
    """A query in another thread; `error`: how it ended."""

    def __init__(self, lane):
        super().__init__(daemon=True)
        self.lane, self.error = lane, None
        self.start()

    def run(self):
        try:
            self.lane.find("STUDY", STUDIES)
        except PacsError as error:
            self.error = error


class Silent(Handler):
    def do_GET(self):  # noqa: N802
        self.server.heard.set()
        self.server.over.wait()


@pytest.fixture(params=[False, True], ids=["http", "https"])
def silent(request, tmp_path):
    authority = Authority(tmp_path) if request.param else None
    with Service(Silent, authority) as service:
        service.heard, service.over = Event(), Event()
        service.ca = str(authority.ca) if authority else None
        yield service
        service.over.set()


def test_a_lane_that_is_closed_does_not_wait_for_a_silent_service(silent):
    with closing(open_lane(web_node(silent.url, ca=silent.ca, timeouts=PATIENT))) as lane:
        asking = Asking(lane)
        assert silent.heard.wait(60)
        lane.close()
        asking.join(60)
        assert isinstance(asking.error, PacsTransientError)
        with pytest.raises(PacsTransientError, match="was closed"):
            lane.find("STUDY", STUDIES)


class Empty(Handler):
    def do_GET(self):  # noqa: N802
        self.answer(204)


def test_a_service_that_wants_our_certificate_says_so_for_good(tmp_path):
    authority = Authority(tmp_path)
    with Secured(Empty, authority, clients=authority) as service:
        with pytest.raises(PacsPermanentError, match="CERTIFICATE_REQUIRED") as caught:
            greet(web_node(service.url, ca=str(authority.ca)))
        assert "`auth`" in caught.value.fix


class Tired(Handler):
    """Tells the first who asks, after all others, that there is nothing; the others, to come again later."""

    def do_GET(self):  # noqa: N802
        self.server.asked.append(self.path)
        if len(self.server.asked) == 1:
            self.server.heard.set()
            self.server.over.wait()
            self.answer(404)
        else:
            self.answer(503, Retry_After="600")


def test_a_rest_that_the_service_asks_for_is_kept_by_all_lanes():
    with ExitStack() as stack:
        service = stack.enter_context(Service(Tired))
        service.heard, service.over = Event(), Event()
        node = web_node(service.url, timeouts=PATIENT)
        slow, quick, *others = [stack.enter_context(closing(open_lane(node))) for _ in range(4)]
        first = Asking(slow)
        assert service.heard.wait(60)
        with pytest.raises(PacsTransientError, match="busy"):
            quick.find("STUDY", STUDIES)
        service.over.set()
        first.join(60)
        assert isinstance(first.error, PacsPermanentError)
        waiting = [Asking(lane) for lane in others]
        for asking, lane in zip(waiting, others, strict=True):
            asking.join(0.5)
            lane.close()
            asking.join(60)
        assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("3", 3),
        ("9999", 600),
        ("Wed, 21 Oct 2500 07:28:00 GMT", 600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("soon", 0),
        ("Wed, 99 Nov 99999 07:28:00 GMT", 0),
        (None, 0),
    ],
)
def test_a_rest_is_asked_for_in_seconds_or_by_a_date(said, seconds):
    answer = httpx.Response(503, headers={"Retry-After": said} if said else {})
    assert longest_wait(answer, web_node("http://a", timeouts=PATIENT)) == seconds
