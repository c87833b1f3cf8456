"""Tokens out of files and programs, read again when they have run out."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from pacsflow import web_tokens
from pacsflow.errors import SecretError
from pacsflow.web import web_client
from pacsflow.web_tokens import token_of
from peers.secured import Quiet, Secured
from schemas.web import Auth


class Door(Quiet):
    """Lets in one token; `asked`: those that were shown."""

    def do_GET(self):  # noqa: N802
        who = self.headers["Authorization"]
        self.server.asked.append(who)
        self.answer(200 if who == f"Bearer {self.server.welcome}" else 401)


@pytest.fixture
def door():
    web_tokens._shared.clear()
    with Secured(Door) as server:
        server.asked, server.welcome = [], "first"
        yield server


def client(door, auth):
    return web_client(door.url, auth=TypeAdapter(Auth).validate_python(auth), ca=None)


def printing(path):
    """A program that prints what stands in a file, and counts how often."""
    code = f"import pathlib; p = pathlib.Path({str(path)!r}); print(p.read_text()); open({str(path)!r} + '.n', 'a').write('x')"
    return [sys.executable, "-c", code]


def runs(path):
    return len((path.parent / (path.name + ".n")).read_text())


@pytest.mark.parametrize("kind", ["command", "file"])
def test_a_token_that_ran_out_is_read_again_and_the_request_goes_out_once_more(tmp_path, door, kind):
    path = tmp_path / "token"
    path.write_text("first")
    path.chmod(0o600)
    command = {"kind": "command", "run": printing(path)}
    auth = command if kind == "command" else {"kind": "bearer", "token": f"${{file:{path}}}"}
    with client(door, auth) as web:
        assert web.get("/").status_code == 200
        path.write_text("second")
        door.welcome = "second"
        assert web.get("/").status_code == 200
    assert door.asked[-1] == "Bearer second"


def test_a_program_is_run_once_for_all_clients_and_again_after_its_time(tmp_path, door, monkeypatch):
    path = tmp_path / "token"
    path.write_text("first")
    auth = {"kind": "command", "run": printing(path), "refresh": 1000}
    with client(door, auth) as one, client(door, auth) as other:
        assert [web.get("/").status_code for web in (one, other, one)] == [200] * 3
        assert runs(path) == 1
        later = web_tokens.time.monotonic() + 1001
        monkeypatch.setattr(web_tokens.time, "monotonic", lambda: later)
        assert one.get("/").status_code == 200
    assert runs(path) == 2


def test_a_token_that_stays_refused_is_not_asked_for_without_end(tmp_path, door):
    path = tmp_path / "token"
    path.write_text("wrong")
    with client(door, {"kind": "command", "run": printing(path)}) as web:
        assert web.get("/").status_code == 401
    assert len(door.asked) == 1
    assert runs(path) == 2


@pytest.mark.parametrize("printed", ['{"accessToken": "abc", "expiresOn": "x"}', '{"access_token": "abc"}', "abc"])
def test_json_of_cloud_programs_is_understood(printed):
    assert token_of([sys.executable, "-c", f"print({printed!r})"]) == "abc"


@pytest.mark.parametrize(
    "run",
    [
        ["/no/such/program"],
        ["a\0b"],
        [sys.executable, "-c", "print('S3CRET more words')"],
        [sys.executable, "-c", "import sys; print('S3CRET'); sys.exit('S3CRET')"],
        [sys.executable, "-c", "print('{\"accessToken\": 5}')"],
        [sys.executable, "-c", "print('S3CRET' * 100000)"],
        [sys.executable, "-c", ""],
    ],
)
def test_a_program_that_gives_no_token_is_told_without_its_words(run):
    with pytest.raises(SecretError) as told:
        token_of(run)
    assert "S3CRET" not in f"{told.value} {told.value.fix}"
    assert told.value.fix


@given(st.binary(max_size=200))
def test_whatever_is_printed_a_token_has_no_blank_and_no_line(printed):
    token = web_tokens._from(printed)
    assert not set(token) & set(" \r\n\t\0")
