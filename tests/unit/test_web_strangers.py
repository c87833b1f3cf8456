"""Web services that lead to a stranger, or answer without end, whichever client of ours asks them."""

import time
from contextlib import suppress

import httpx
import pytest

from factory import make_study, write_files
from pacsflow import web
from pacsflow.errors import PacsflowError
from pacsflow.export import Delivered, StudyFolder, open_target, read_series
from pacsflow.export.stores import opened_store
from pacsflow.pseudonyms import api
from pacsflow.web import web_client
from peers.certificates import Authority
from peers.secured import Quiet, Secured
from schemas.export import Dicomweb, Storage, Xnat

REDIRECTIONS = pytest.mark.parametrize("status", [301, 302, 303, 307, 308])


class Leading(Quiet):
    """Leads on whoever asks, to the same path at `server.to`, and remembers who came."""

    def lead(self):
        self.body()
        self.server.came.append(self.command)
        self.answer(self.server.status, location=f"{self.server.to}{self.path}")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PROPFIND = do_MKCOL = do_MOVE = do_OPTIONS = lead  # noqa: N815


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("WEB_SECRET", "secret")
    return StudyFolder((read_series(write_files(make_study(series=1, images=1), tmp_path / "staged")),))


def targets(url, ca):
    """Each target that speaks HTTP."""
    who = {"username": "me", "password": "${env:WEB_SECRET}"}
    place = url.replace("https://", "webdavs://", 1)
    return [
        Storage(kind="storage", url=f"{place}/held", options={**who, "ca": ca}),
        Dicomweb(kind="dicomweb", url=url, ca=ca, auth={"kind": "basic", **who}),
        Xnat(kind="xnat", url=url, ca=ca, project="p", **who),
    ]


@pytest.mark.parametrize("number", range(3), ids=["webdav", "dicomweb", "xnat"])
@REDIRECTIONS
def test_no_target_follows_to_another_host(tmp_path, authority, study, number, status):
    with Secured(Leading, authority) as stranger, Secured(Leading, authority) as server:
        stranger.came, stranger.to, stranger.status = [], server.url, 404
        server.came, server.to, server.status = [], stranger.url, status
        target = open_target(targets(server.url, str(authority.ca))[number], tmp_path)
        with pytest.raises(PacsflowError):
            target.deliver(study)
        with suppress(PacsflowError):
            target.verify(Delivered((("a/b/c", "0" * 64, 1),)))
        with suppress(PacsflowError):
            target.remove(["a/b/c"])
    assert server.came
    assert stranger.came == []


def endless(seconds):
    class Endless(Quiet):
        def for_ever(self):
            self.body()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.close_connection = True
            while True:
                self.wfile.write(b" " * (1 if seconds else 1 << 16))
                time.sleep(seconds)

        do_GET = do_POST = for_ever  # noqa: N815

    return Endless


@pytest.mark.parametrize("seconds", [0, 0.02])
@pytest.mark.parametrize("kind", ["client", "pseudonyms", "token"])
def test_an_answer_without_end_ends(monkeypatch, authority, kind, seconds):
    monkeypatch.setenv("WEB_SECRET", "secret")
    for name in ("PATIENCE", "_TOKEN_SECONDS"):
        monkeypatch.setattr(web, name, 0.5)
    with Secured(endless(seconds), authority) as server:
        if kind == "pseudonyms":
            service = api.PseudonymService(server.url, "p", "token")
            service._client = httpx.Client(
                verify=web._trust(None, str(authority.ca)), event_hooks=service._client.event_hooks
            )
            with pytest.raises(PacsflowError):
                service.pseudonym("1")
            return
        auth = None
        if kind == "token":
            auth = web.ClientCredentials(
                kind="oidc", token_url=server.url, client_id="a", client_secret="${env:WEB_SECRET}"
            )
        most = None if auth else 1 << 20
        with (
            web_client(server.url, auth=auth, ca=str(authority.ca), most=most) as client,
            pytest.raises(httpx.ReadError),
        ):
            client.get("/")


ROOT = b"""<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>%s</d:href><d:propstat><d:prop>
<d:resourcetype/><d:getcontentlength>3</d:getcontentlength></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>
</d:response></d:multistatus>"""


class Partly(Leading):
    """Says that everything is there, and leads on who lists or reads it."""

    def do_PROPFIND(self):  # noqa: N802
        if self.headers.get("Depth") == "1":
            self.lead()
        else:
            self.body()
            self.answer(207, ROOT % self.path.encode(), content_type="application/xml")


@REDIRECTIONS
@pytest.mark.parametrize("act", [lambda store: store.ls("/x"), lambda store: store.open("/x", "rb").read()])
def test_webdav_lists_and_reads_at_home_only(monkeypatch, authority, status, act):
    monkeypatch.setenv("WEB_SECRET", "secret")
    with Secured(Leading, authority) as stranger, Secured(Partly, authority) as server:
        stranger.came, stranger.to, stranger.status = [], server.url, 404
        server.came, server.to, server.status = [], stranger.url, status
        settings = targets(server.url, str(authority.ca))[0]
        with opened_store(settings.url, settings.options) as (store, _), pytest.raises(httpx.RemoteProtocolError):
            act(store)
    assert server.came
    assert stranger.came == []
