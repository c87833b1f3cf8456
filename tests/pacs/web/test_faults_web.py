"""Each web protocol, queries and retrievals: broken off midway, the log-in refused, a certificate of a stranger."""

from contextlib import closing
from dataclasses import dataclass

import pytest

from pacsflow.dicom.contract import Request
from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import BrokenError, PacsPermanentError, PacsTransientError
from pacsflow.simpacs.phantoms import write_phantoms
from peers.certificates import Authority
from peers.mint import Mint
from peers.rad69 import Rad69
from peers.web import Front
from web_nodes import ARCHIVE, SERIES, STUDY, Kept, expected, web_node

WHOLE = Request(STUDY.uid, (SERIES.attributes["SeriesInstanceUID"],), tuple(expected()))


@dataclass
class Peer:
    """A service over TLS, and the fields of a node that lead to it for one kind of request."""

    service: object
    fields: dict
    fetches: bool

    def ask(self, **fields):
        """What a fetch of a whole study gives, or how many studies a query finds."""
        with closing(open_lane(web_node(None, **self.fields, **fields))) as lane:
            if not self.fetches:
                return len(lane.find("STUDY", {"StudyInstanceUID": "", "StudyDate": "19000101-"}))
            sink = Kept()
            try:
                lane.fetch(WHOLE, sink)
            finally:
                assert sink.held.items() <= expected().items(), "nothing is kept that did not come whole"
            return sink.held


def dicomweb(service):
    return {"protocol": "dicomweb", "urls": {"dicomweb": f"{service.url}/dicom-web"}}


def wado_uri(service):
    return {
        "protocol": "wado-uri",
        "find": "dicomweb",
        "urls": {"dicomweb": service.url, "wado-uri": f"{service.url}/wado"},
    }


def mint(service):
    return {"protocol": "mint", "fetch": {"method": "rad69"}, "urls": {"mint": service.url, "rad69": service.url}}


def rad69(service):
    return {"protocol": "rad69", "find": "mint", "urls": {"mint": service.url, "rad69": service.url}}


PEERS = {
    "QIDO-RS": (Front, dicomweb, False),
    "WADO-RS": (Front, dicomweb, True),
    "WADO-URI": (Front, wado_uri, True),
    "MINT": (Mint, mint, False),
    "RAD69": (Rad69, rad69, True),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def url(orthanc, tmp_path_factory):
    orthanc.load(write_phantoms(tmp_path_factory.mktemp("phantoms"), ARCHIVE))
    return orthanc.url


@pytest.fixture(params=PEERS)
def peer(request, url, authority):
    kind, fields, fetches = PEERS[request.param]
    with kind(url if kind is Front else ARCHIVE, authority) as service:
        yield Peer(service, fields(service) | {"ca": str(authority.ca)}, fetches)


def test_what_breaks_off_midway_is_not_an_answer_and_may_be_asked_again(peer):
    whole = peer.ask()
    assert whole == expected() if peer.fetches else whole >= len(ARCHIVE.studies)
    peer.service.cut, peer.service.cuts_answers = 300, not peer.fetches
    with pytest.raises(PacsTransientError) as caught:
        peer.ask()
    assert isinstance(caught.value, BrokenError)
    assert peer.service.cut == 0, "it has struck"
    assert peer.ask() == whole


def test_a_refused_log_in_is_a_lasting_fault(peer):
    peer.service.welcome = lambda headers: False
    with pytest.raises(PacsPermanentError, match="log-in is not accepted") as caught:
        peer.ask()
    assert "auth" in caught.value.fix
    assert "SERVICE" not in str(caught.value)


def test_a_stranger_is_asked_for_nothing(peer, tmp_path):
    peer.fields["ca"] = str(Authority(tmp_path, name="Somebody").ca)
    with pytest.raises(PacsPermanentError, match="certificate of node web is not accepted"):
        peer.ask()
    assert peer.service.asked == []
