"""The connection of a web lane: closed while the service is silent, rested where it asks for a rest, kept alive."""

from contextlib import closing
from threading import Event, Thread

import pytest

from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import PacsTransientError
from peers.certificates import Authority
from peers.web import Handler, Service
from web_nodes import web_node

STUDIES = {"StudyInstanceUID": ""}


class Asking(Thread):
    """A query in another thread; `error`: how it ended."""

    def __init__(self, lane):
        super().__init__(daemon=True)
        self.lane, self.error = lane, None
        self.start()

    def run(self):
        try:
            self.lane.find("STUDY", STUDIES)
        except PacsTransientError as error:
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
    patient = {"connect": 2, "response": 600, "idle": 600}
    with closing(open_lane(web_node(silent.url, ca=silent.ca, timeouts=patient))) as lane:
        asking = Asking(lane)
        assert silent.heard.wait(20)
        lane.close()
        asking.join(20)
        assert isinstance(asking.error, PacsTransientError)
        with pytest.raises(PacsTransientError, match="was closed"):
            lane.find("STUDY", STUDIES)
