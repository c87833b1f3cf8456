"""Those of `notify` are told by a real mail server and a real web server: numbers only, and no fault ends a run."""

import email
import socketserver
import threading
from contextlib import contextmanager

import pytest

from pacsflow.run.reporting.ending import ending_of
from pacsflow.run.reporting.notifying import notify
from peers.certificates import Authority
from peers.ports import free_port
from peers.told import mail_server, web_hook
from schemas.project import Alert, Notification

ROWS = {"complete": 7, "held": 2}
ENDING = ending_of(ROWS, Alert(), finished=False, message="9 rows: 7 complete, 2 held")
TO = "data@example.org"


def to_mail(port, **smtp):
    smtp = {"host": "127.0.0.1", "port": port, "sender": "pacs@example.org", "security": "none", **smtp}
    return Notification.model_validate({"email": TO, "smtp": smtp})


def to_hook(server, **fields):
    return Notification.model_validate({"webhook": f"http://127.0.0.1:{server.server_port}/hook", **fields})


def test_an_email_holds_the_numbers_and_the_link():
    with mail_server() as (port, box):
        assert notify([to_mail(port)], "night", ENDING, link="http://ui/runs/1") == []
    [text] = box.mails
    mail = email.message_from_string(text)
    assert (mail["To"], mail["From"], mail["Subject"]) == (TO, "pacs@example.org", "pacsflow night: Held rows")
    body = mail.get_payload()
    assert "9 rows: 7 complete, 2 held" in body
    assert "http://ui/runs/1" in body


def test_an_email_goes_encrypted_and_with_a_log_in(tmp_path, monkeypatch):
    authority = Authority(tmp_path / "ca")
    monkeypatch.setenv("MAIL_PASSWORD", "correct horse")
    known = {"security": "starttls", "ca": str(authority.ca), "user": "pacs", "password": "${env:MAIL_PASSWORD}"}
    with mail_server(password="correct horse", certificate=authority.issue("mail")) as (port, box):
        assert notify([to_mail(port, **known)], "night", ENDING) == []
    assert box.logged_in == [True]


def test_an_email_does_not_go_to_a_server_that_nobody_vouches_for(tmp_path):
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    with mail_server(certificate=theirs.issue("mail")) as (port, box):
        [told] = notify([to_mail(port, security="starttls", ca=str(ours.ca))], "night", ENDING)
    assert box.mails == []
    assert told == "notify entry 1 (e-mail) was not told: SSLCertVerificationError"


def test_a_log_in_that_is_refused_is_told_without_the_password(tmp_path, monkeypatch):
    authority = Authority(tmp_path / "ca")
    monkeypatch.setenv("MAIL_PASSWORD", "wrong horse")
    known = {"security": "starttls", "ca": str(authority.ca), "user": "pacs", "password": "${env:MAIL_PASSWORD}"}
    with mail_server(password="correct horse", certificate=authority.issue("mail")) as (port, box):
        [told] = notify([to_mail(port, **known)], "night", ENDING)
    assert box.mails == []
    assert told == "notify entry 1 (e-mail) was not told: SMTP 535"


def test_a_webhook_gets_the_numbers():
    with web_hook() as hook:
        assert notify([to_hook(hook)], "night", ENDING) == []
    [(path, body)] = hook.told
    assert path == "/hook"
    assert (body["project"], body["outcome"], body["needs a person"], body["rows"]) == (
        "night",
        "Held rows",
        True,
        ROWS,
    )


def test_the_address_of_a_webhook_may_be_a_secret(monkeypatch):
    with web_hook() as hook:
        monkeypatch.setenv("HOOK", f"http://127.0.0.1:{hook.server_port}/token-in-path")
        assert notify([Notification(webhook="${env:HOOK}")], "night", ENDING) == []
    assert hook.told[0][0] == "/token-in-path"


def test_who_did_not_ask_for_such_an_end_is_not_told():
    with web_hook() as hook:
        assert notify([to_hook(hook, on=["done"]), to_hook(hook, on=[])], "night", ENDING) == []
    assert hook.told == []


@contextmanager
def talking(words):
    """A server that says such bytes to everybody and ends the connection."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(words)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(
    "words", [b"", b"\xff\x00\xfe\r\n", b"220 hello\r\n", b"554 go away\r\n", b"HTTP/1.1 200\r\n\r\n"]
)
def test_a_peer_that_talks_nonsense_is_told_of_and_the_others_are_told(words):
    with talking(words) as port, web_hook() as hook:
        faults = notify([to_mail(port), to_hook(hook)], "night", ENDING)
    assert [one.split(":")[0] for one in faults] == ["notify entry 1 (e-mail) was not told"]
    assert len(hook.told) == 1


def test_a_peer_that_is_away_and_one_that_refuses_are_told_of_without_addresses(monkeypatch):
    monkeypatch.setenv("ODD", "http://half:way")
    with web_hook(answer=403) as hook:
        told = [
            to_mail(free_port()),
            to_hook(hook),
            Notification(webhook="${env:ODD}"),
            Notification(webhook="${env:GONE}"),
        ]
        faults = notify(told, "night", ENDING)
    assert [one.split(": ", 1)[1] for one in faults] == [
        "ConnectionRefusedError",
        "HTTP 403",
        "InvalidURL",
        "${env:GONE} is not set",
    ]
    assert not any("127.0.0.1" in one or "half" in one for one in faults)


def test_a_name_that_nobody_knows_is_told_of():
    smtp = {"host": "mail.invalid", "sender": "a@example.org"}
    [told] = notify([Notification.model_validate({"email": TO, "smtp": smtp})], "night", ENDING)
    assert told == "notify entry 1 (e-mail) was not told: gaierror"


def test_a_user_in_letters_that_the_log_in_cannot_carry_is_told_of(tmp_path, monkeypatch):
    authority = Authority(tmp_path / "ca")
    monkeypatch.setenv("MAIL_PASSWORD", "correct horse")
    known = {"security": "starttls", "ca": str(authority.ca), "user": "pacs\u00fc", "password": "${env:MAIL_PASSWORD}"}
    with mail_server(password="correct horse", certificate=authority.issue("mail")) as (port, _):
        [told] = notify([to_mail(port, **known)], "night", ENDING)
    assert told.startswith("notify entry 1 (e-mail) was not told: ")
