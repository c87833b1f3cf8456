"""Log-in by an OpenID provider: Glewlwyd from Debian, and one that lies in each way that must be noticed."""

import hmac
import json
import re
import time

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey
from joserfc.util import urlsafe_b64encode

from documents import ROOT
from pacsflow.console.log_in_file import read_log_in
from pacsflow.console.oidc import FRESH, LogInRefusedError, Provider
from pacsflow.errors import ArgumentError, ProjectError
from peers.console import ConsoleServer
from peers.openid import Glewlwyd, SaysAnything

SECRET = "what the provider knows & we know"
ROLES = {"leads": ["decide", "run"], "readers": ["view"]}


def log_in_file(folder, issuer, /, **fields):
    secret = folder / "secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    facts = {"version": 1, "issuer": issuer, "client_id": "pacsflow", "client_secret": f"${{file:{secret}}}"}
    file = folder / "log-in.yaml"
    file.write_text(json.dumps({**facts, "roles": ROLES, **fields}))
    return file


@pytest.fixture(scope="module")
def liar():
    with SaysAnything("pacsflow") as provider:
        yield provider


@pytest.fixture
def provider(liar, tmp_path):
    honest = liar.token
    yield Provider(read_log_in(log_in_file(tmp_path, liar.issuer, name="preferred_username")), "http://127.0.0.1:8321")
    liar.token = honest


def through(provider, liar, **answer):
    address, begun = provider.begin()
    return provider.person(begun, liar.authorize(address) | answer)


def test_an_honest_provider_names_a_person_with_the_roles_of_the_mapping(provider, liar):
    person = through(provider, liar)
    assert (person.name, person.roles) == ("anna", {"view", "decide", "run"})
    sent = liar.asked[-1]
    assert sent["redirect_uri"] == "http://127.0.0.1:8321/oidc/back"
    assert SECRET not in str(sent), "the secret goes in the header that is for it"


NOW = int(time.time())
LIES = {
    "another audience": {"aud": "another"},
    "several audiences and no azp": {"aud": ["another", "third"]},
    "another authorized party": {"aud": ["pacsflow", "another"], "azp": "another"},
    "another issuer": {"iss": "https://login.example.org"},
    "expired": {"exp": NOW - 3600},
    "without an end": {"exp": None},
    "an end that is a text": {"exp": "tomorrow"},
    "not yet valid": {"nbf": NOW + 3600},
    "of another log-in": {"nonce": "another"},
    "without a nonce": {"nonce": None},
    "without a subject": {"sub": None},
    "of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "without a name": {"preferred_username": None},
    "a name of two lines": {"preferred_username": "anna\nben"},
    "a name that is cut on trails": {"preferred_username": "a" * 101},
    "without a role": {"groups": ["others"]},
    "roles of another kind": {"groups": {"leads": True}},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_who_is_not_proven_is_not_let_in(provider, liar, lie):
    liar.token = lambda nonce: liar.signed(liar.claims(nonce, **lie))
    with pytest.raises(LogInRefusedError) as refused:
        through(provider, liar)
    assert "anna" not in f"{refused.value} {refused.value.fix}"
    assert "Protocol" not in str(refused.value), "the provider gave an answer"


def unsigned(liar, nonce):
    _, claims, _ = liar.signed(liar.claims(nonce), key=OctKey.import_key("x" * 32), algorithm="HS256").split(".")
    return f"{urlsafe_b64encode(json.dumps({'alg': 'none'}).encode()).decode()}.{claims}."


def by_the_public_key(liar, nonce):
    """What a library takes for signed that looks at the token's own algorithm only."""
    head, claims, _ = liar.signed(liar.claims(nonce), key=OctKey.import_key("x" * 32), algorithm="HS256").split(".")
    made = hmac.new(liar.key.as_pem(private=False), f"{head}.{claims}".encode(), "sha256").digest()
    return f"{head}.{claims}.{urlsafe_b64encode(made).decode()}"


FORGERIES = {
    "alg none": unsigned,
    "another key of the same name": lambda liar, nonce: liar.signed(
        liar.claims(nonce), key=RSAKey.generate_key(2048, {"kid": "its key"})
    ),
    "the public key as a shared one": by_the_public_key,
    "the secret as a shared key": lambda liar, nonce: liar.signed(
        liar.claims(nonce), key=OctKey.import_key(SECRET), algorithm="HS256"
    ),
    "claims that were changed": lambda liar, nonce: ".".join(
        part if place != 1 else liar.signed(liar.claims(nonce, preferred_username="ben")).split(".")[1]
        for place, part in enumerate(liar.signed(liar.claims(nonce)).split("."))
    ),
    "no token": lambda liar, nonce: "",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_forged_token_lets_nobody_in_whatever_the_provider_says_it_signs_with(provider, liar, forgery):
    liar.facts["id_token_signing_alg_values_supported"] = ["none", "HS256", "RS256"]
    liar.token = lambda nonce: forgery(liar, nonce)
    with pytest.raises(LogInRefusedError, match=r"proves nothing \((BadSignature|UnsupportedAlgorithm|Decode)Error\)"):
        through(provider, liar)


@pytest.mark.parametrize(
    "answer",
    [
        {"state": "guessed"},
        {"state": ""},
        {"code": ""},
        {"code": "guessed"},
        {"error": "access_denied"},
        {"iss": "https://other.example.org"},
    ],
)
def test_an_answer_to_another_question_lets_nobody_in(provider, liar, answer):
    with pytest.raises(LogInRefusedError):
        through(provider, liar, **answer)


def test_a_code_works_once_and_with_its_own_verifier_only(provider, liar):
    address, begun = provider.begin()
    answer = liar.authorize(address)
    provider.person(begun, answer)
    with pytest.raises(LogInRefusedError):
        provider.person(begun, answer)
    address, _ = provider.begin()
    _, other = provider.begin()
    stolen = liar.authorize(address) | {"state": other.state}
    with pytest.raises(LogInRefusedError):
        provider.person(other, stolen)


def test_a_new_key_of_the_provider_is_asked_for(provider, liar):
    through(provider, liar)
    before, liar.key = liar.key, RSAKey.generate_key(2048, {"kid": "a new one"})
    liar.token = lambda nonce: liar.signed(liar.claims(nonce), kid="a new one")
    try:
        assert through(provider, liar).name == "anna"
    finally:
        liar.key = before


@pytest.mark.parametrize(
    "said", [{"issuer": "http://127.0.0.1:1"}, {"token_endpoint": "http://login.example.org/token"}, {"jwks_uri": None}]
)
def test_a_provider_that_leads_elsewhere_is_not_asked(liar, tmp_path, said):
    before = dict(liar.facts)
    liar.facts.update(said)
    try:
        with pytest.raises(LogInRefusedError):
            Provider(read_log_in(log_in_file(tmp_path, liar.issuer)), "http://127.0.0.1:1").begin()
    finally:
        liar.facts.update(before)


def test_what_the_provider_says_is_asked_again_after_a_while_and_an_end_of_it_is_told(tmp_path):
    now = [0.0]
    with SaysAnything("pacsflow") as liar:
        known = Provider(read_log_in(log_in_file(tmp_path, liar.issuer)), "http://127.0.0.1:1", clock=lambda: now[0])
        known.begin()
    known.begin()
    now[0] += FRESH
    with pytest.raises(LogInRefusedError, match="does not say how to log in"):
        known.begin()


@pytest.mark.parametrize(
    "wrong",
    [{"issuer": "http://login.example.org"}, {"client_secret": "written here"}, {"roles": {}}, {"address": "ftp://x"},
     {"roles": {"leads": ["emperor"]}}, {"issuer": "https://a:b@login.example.org"}],
)  # fmt: skip
def test_a_file_that_would_not_be_safe_is_refused(tmp_path, wrong):
    with pytest.raises(ProjectError):
        read_log_in(log_in_file(tmp_path, "https://login.example.org", **wrong))


def test_the_file_of_the_documentation_is_one(tmp_path):
    page = (ROOT / "docs" / "console.md").read_text("utf-8")
    [shown] = [each for each in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "issuer:" in each]
    (tmp_path / "log-in.yaml").write_text(shown)
    assert read_log_in(tmp_path / "log-in.yaml").roles["imaging"] == ["view"]


def test_the_console_asks_for_tls_with_a_provider_too(tmp_path):
    from pacsflow.console.command import console

    file = log_in_file(tmp_path, "https://login.example.org")
    with pytest.raises(ArgumentError, match="TLS only"):
        console(tmp_path, host="0.0.0.0", port=0, oidc=file)
    with pytest.raises(ArgumentError, match="by accounts, or by a provider"):
        console(tmp_path, port=0, oidc=file, users=tmp_path / "users.json")


@pytest.fixture(scope="module")
def glewlwyd(tmp_path_factory):
    with Glewlwyd(tmp_path_factory.mktemp("glewlwyd")) as peer:
        yield peer


@pytest.fixture(scope="module")
def console(tmp_path_factory, glewlwyd):
    """A console that lets in by Glewlwyd."""
    folder = tmp_path_factory.mktemp("console")
    projects = tmp_path_factory.mktemp("projects")
    file = log_in_file(folder, glewlwyd.issuer, name="name", scopes=["openid"])
    with ConsoleServer(folder / "own", projects, "--oidc", str(file)) as server:
        glewlwyd.begin("pacsflow", SECRET, f"{server.url}/oidc/back")
        for name, groups in {"anna": ["leads"], "ben": ["others"]}.items():
            glewlwyd.add(name, groups)
        yield server


def sent_back(console, glewlwyd, browser):
    """Where the provider leads a browser back to, with all that comes with it."""
    begun = browser.get(f"{console.url}/oidc")
    assert begun.status_code == 303
    back = glewlwyd.answer(browser, begun.headers["location"])
    assert back.startswith(f"{console.url}/oidc/back?")
    return back


def test_a_person_logs_in_at_glewlwyd_and_is_let_in_once(console, glewlwyd):
    with httpx.Client() as stranger:
        assert stranger.get(console.url).headers["location"] == "/login"
        assert "Log in by way of 127.0.0.1" in stranger.get(f"{console.url}/login").text
    with glewlwyd.log_in("anna", "pacsflow") as browser:
        back = sent_back(console, glewlwyd, browser)
        with httpx.Client() as thief:
            assert thief.get(back).status_code == 403, "another browser did not begin it"
        assert browser.get(back).status_code == 200
        cookie = next(each for each in browser.cookies.jar if each.name == f"pacsflow-{console.port}")
        assert cookie.has_nonstandard_attr("HttpOnly")
        home = browser.get(console.url)
        assert home.status_code == 200
        assert "anna" in home.text
        assert browser.get(back).status_code == 403, "the code was used"
        forged = sent_back(console, glewlwyd, browser).replace("state=", "state=x")
        assert browser.get(forged).status_code == 403
        assert browser.post(f"{console.url}/logout", headers={"Origin": console.url}).status_code == 200
        assert browser.get(console.url).status_code == 303
    told = [json.loads(line) for line in trail(console).splitlines()]
    assert [(one["action"], one["by"]) for one in told if one["action"].startswith("log ")] == [
        ("log in", "anna"), ("log out", "anna"),
    ]  # fmt: skip


def test_who_has_no_role_at_the_provider_is_not_let_in(console, glewlwyd):
    with glewlwyd.log_in("ben", "pacsflow") as browser:
        refused = browser.get(sent_back(console, glewlwyd, browser))
        assert refused.status_code == 403
        assert "no role here" in refused.text
        assert browser.get(console.url).status_code == 303
    assert "ben" not in trail(console)


def trail(console):
    return (console.folder / "XDG_STATE_HOME" / "pacsflow" / "console" / "trail.jsonl").read_text()
