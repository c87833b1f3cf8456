"""Prefect's API without a log-in hands out secrets: validate and doctor say so, and are silent where it asks for one."""

import base64
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from pacsflow.cli.validate import validate
from pacsflow.secrets import register_resolver
from project_folder import KEY, write_project
from tasks.prefect_health import _log_in
from tasks.server_facts import told_of_secrets

WORD = "Basic " + base64.b64encode(b"user:word").decode()


@pytest.fixture(params=[False, True], ids=["open", "with a log-in"])
def api(request):
    """An HTTP service that answers as Prefect's does: with or without an auth string. Its address; whether it asks."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            refused = request.param and self.headers.get("Authorization") != WORD
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(401 if refused else 200)
            self.send_header("Content-Length", "1")
            self.end_headers()
            self.wfile.write(b"0")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api", request.param
        server.shutdown()


def test_validate_and_doctor_say_whether_a_log_in_is_asked_for(tmp_path, api, capsys):
    url, asks = api
    register_resolver("prefect", lambda _: KEY)
    node = {"host": "h", "port": 104, "called_aet": "A"}
    folder = write_project(tmp_path / "p", pacs=node, rows=[{"PatientID": "1"}], deid={"key": "${prefect:lung}"})
    try:
        with temporary_settings({PREFECT_API_URL: url}):
            validate(folder)
            told = capsys.readouterr().out
            assert ("asks for no log-in" in told) is not asks
            assert told_of_secrets() == "" if asks else "every user of this machine" in told_of_secrets()
            assert ("is asked for" in _log_in(url)) is asks
            validate(folder, as_json=True)
            printed = capsys.readouterr()
            answered = json.loads(printed.out)
            assert answered["counts"]["warnings"] == len(answered["warnings"]) == int(not asks)
            assert ("asks for no log-in" in "".join(answered["warnings"])) is not asks
            assert printed.err == ""
    finally:
        register_resolver("prefect", _nothing)


def _nothing(name):
    from tasks.blocks import secret_block

    return secret_block(name)


def test_a_project_without_such_secrets_asks_no_server(tmp_path, capsys):
    node = {"host": "h", "port": 104, "called_aet": "A"}
    folder = write_project(tmp_path / "p", pacs=node, rows=[{"PatientID": "1"}])
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        validate(folder)
        assert told_of_secrets() == ""
    assert "log-in" not in capsys.readouterr().out
