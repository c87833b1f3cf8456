"""Who we are to a web service, and whom we trust."""

import base64
import json
from threading import Event
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import TypeAdapter, ValidationError

from pacsflow.errors import SecretError
from pacsflow.web import web_client
from peers.certificates import Authority
from peers.secured import Quiet, Secured
from schemas.web import Auth, HttpsUrl

SECRET = "a:secret/with+signs"


class Service(Quiet):
    """Gives tokens at /token; elsewhere says who asked, where that is one of `server.welcome`."""

    def do_POST(self):  # noqa: N802
        body = self.body()
        if self.path != "/token":
            return self.do_GET(body)
        self.server.asked.append((self.headers["Authorization"], parse_qs(body.decode())))
        status, given = self.server.tokens.pop(0)
        return self.answer(status, json.dumps(given).encode())

    def do_GET(self, body=b""):  # noqa: N802
        who = self.headers["Authorization"]
        known = self.server.welcome is None or who in self.server.welcome
        self.answer(200 if known else 401, (who or "nobody").encode() + body)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


@pytest.fixture
def service(authority, monkeypatch):
    monkeypatch.setenv("WEB_SECRET", SECRET)
    with Secured(Service, authority) as server:
        server.asked, server.tokens, server.welcome = [], [], None
        yield server


def asked(service, authority, auth=None, **more):
    given = TypeAdapter(Auth).validate_python(auth) if auth else None
    return web_client(service.url, auth=given, ca=str(authority.ca), **more)


def token(value, **more):
    return (200, {"access_token": value, "token_type": "Bearer", **more})


def oidc(service, **more):
    secret = {"client_id": "pacs flow", "client_secret": "${env:WEB_SECRET}"}
    return {"kind": "oidc", "token_url": f"{service.url}/token", **secret, **more}


@pytest.mark.parametrize(
    ("auth", "who"),
    [
        (None, "nobody"),
        (
            {"kind": "basic", "username": "me", "password": "${env:WEB_SECRET}"},
            "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode(),
        ),
        ({"kind": "bearer", "token": "${env:WEB_SECRET}"}, f"Bearer {SECRET}"),
    ],
)
def test_the_service_knows_who_asks(service, authority, auth, who):
    with asked(service, authority, auth) as client:
        assert client.get("/who").text == who


def test_a_token_is_fetched_once_and_again_when_it_is_refused(service, authority):
    service.tokens = [token("first"), token("second")]
    service.welcome = ["Bearer first"]
    with asked(service, authority, oidc(service, scope="imaging")) as client:
        assert [client.get("/").text for _ in range(2)] == ["Bearer first"] * 2
        assert len(service.asked) == 1
        service.welcome = ["Bearer second"]
        assert client.post("/", content=Again([b"pixels"])).text == "Bearer secondpixels"
    proof, form = service.asked[1]
    assert form == {"grant_type": ["client_credentials"], "scope": ["imaging"]}
    assert base64.b64decode(proof.removeprefix("Basic ")) == b"pacs+flow:a%3Asecret%2Fwith%2Bsigns"


class Again(list):
    """A body that can be sent again."""


def test_a_fresh_token_that_is_refused_is_not_asked_for_again(service, authority):
    service.tokens, service.welcome = [token("first")], []
    with asked(service, authority, oidc(service)) as client:
        assert client.get("/").status_code == 401


@pytest.mark.parametrize("answer", [(400, {"error": "invalid_client"}), (200, {}), (200, ["x"]), token(7)])
def test_a_provider_that_gives_no_token_is_reported_without_its_words(service, authority, answer):
    service.tokens = [answer]
    with asked(service, authority, oidc(service)) as client, pytest.raises(SecretError, match="gave none") as caught:
        client.get("/")
    assert SECRET not in str(caught.value)
    assert "invalid_client" not in str(caught.value)


def test_a_provider_in_trouble_may_recover(service, authority):
    service.tokens = [(503, {})]
    with asked(service, authority, oidc(service)) as client, pytest.raises(httpx.HTTPError):
        client.get("/")


class Door(Quiet):
    """Vitrea's: log-ins are recorded, and no user is known yet."""

    def do_GET(self):  # noqa: N802
        self.answer(401)

    def do_POST(self):  # noqa: N802
        said = (self.headers[name] for name in ("X-Userid", "X-Password", "X-Realm"))
        self.server.heard.append(tuple(said))
        self.answer(200)


class Silent(Quiet):
    """Knows no user, and does not answer a log-in."""

    def do_GET(self):  # noqa: N802
        self.answer(401)

    def do_POST(self):  # noqa: N802
        self.server.over.wait()


@pytest.mark.parametrize("kind", ["oidc", "vitrea"])
def test_a_log_in_is_not_waited_for_longer_than_an_answer(authority, monkeypatch, kind):
    monkeypatch.setenv("WEB_SECRET", SECRET)
    with Secured(Silent, authority) as door:
        door.over = Event()
        vitrea = {"kind": kind, "login_url": f"{door.url}/login", "username": "me", "password": "${env:WEB_SECRET}"}
        auth = vitrea if kind == "vitrea" else oidc(door)
        with asked(door, authority, auth, seconds=3) as client, pytest.raises(httpx.ReadTimeout):
            client.get("/")
        door.over.set()


@pytest.mark.parametrize("field", ["username", "password", "realm"])
def test_vitrea_is_logged_in_to_with_the_letters_that_a_header_can_carry(authority, monkeypatch, field):
    said = {"username": "me", "password": "right", "realm": "Ward"} | {field: "Grüße"}
    monkeypatch.setenv("WEB_SECRET", said["password"])
    with Secured(Door, authority) as door:
        door.heard = []
        auth = {"kind": "vitrea", "login_url": f"{door.url}/login", **said, "password": "${env:WEB_SECRET}"}
        with asked(door, authority, auth) as client:
            assert client.get("/").status_code == 401
        assert door.heard == [tuple(said.values())]


def test_a_password_that_no_header_can_carry_is_reported_without_it(authority, monkeypatch):
    monkeypatch.setenv("WEB_SECRET", "密码")
    with Secured(Door, authority) as door:
        auth = {"kind": "vitrea", "login_url": f"{door.url}/login", "username": "me", "password": "${env:WEB_SECRET}"}
        with asked(door, authority, auth) as client, pytest.raises(SecretError, match="header") as caught:
            client.get("/")
    assert not any(letter in str(caught.value) for letter in "密码")
    assert caught.value.__cause__ is None


def test_a_stranger_is_not_trusted(service, tmp_path):
    with asked(service, Authority(tmp_path / "stranger")) as client, pytest.raises(httpx.ConnectError, match="CERTIF"):
        client.get("/")


def test_a_client_certificate_opens_the_door(authority):
    certificate, key = map(str, authority.issue("ours"))
    with Secured(Service, authority, clients=authority) as service:
        service.welcome = None
        with asked(service, authority) as client, pytest.raises(httpx.TransportError):
            client.get("/")
        with asked(service, authority, {"kind": "certificate", "certificate": certificate, "key": key}) as client:
            assert client.get("/").text == "nobody"


def test_files_that_are_no_certificates_are_reported(service, authority, tmp_path):
    (tmp_path / "x.pem").write_text("nothing")
    place = str(tmp_path / "x.pem")
    with pytest.raises(SecretError, match="PEM"):
        asked(service, authority, {"kind": "certificate", "certificate": place, "key": place})
    with pytest.raises(SecretError, match="PEM"):
        web_client(service.url, auth=None, ca=str(tmp_path / "missing.pem"))


def test_a_key_under_a_password_is_reported_and_no_password_is_asked_for(service, authority):
    certificate, key = authority.issue("locked")
    plain = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"locked"), serialization.PrivateFormat.PKCS8
    key.write_bytes(plain.private_bytes(serialization.Encoding.PEM, locked[1], locked[0]))
    with pytest.raises(SecretError, match="password"):
        asked(service, authority, {"kind": "certificate", "certificate": str(certificate), "key": str(key)})


@pytest.mark.parametrize("url", ["http://a", "https://me:secret@a", "ftp://a", "https://"])
def test_addresses_without_tls_and_with_secrets_are_refused(url):
    with pytest.raises(ValidationError):
        TypeAdapter(HttpsUrl).validate_python(url)
