"""A server for the time of a command: started where none is named, and what is left out under it."""

import asyncio
import os
import subprocess
import sys
from contextlib import nullcontext, suppress

import pytest
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from pacsflow.run.lanes.pool import LanePool
from schemas.pacs import PacsNode
from tasks import temporary_server
from tasks.slots import slots
from tasks.temporary_server_program import AskedAgain

STAYS = "http://127.0.0.1:1/api"


@pytest.mark.parametrize("temporary", [True, False])
def test_flows_send_heartbeats_where_a_server_listens_to_them(temporary, monkeypatch):
    monkeypatch.setattr(temporary_server, "_addresses", {STAYS} if temporary else set())
    with temporary_settings({PREFECT_API_URL: STAYS}):
        before = get_current_settings().flows.heartbeat_frequency
        with temporary_server.unwatched():
            assert get_current_settings().flows.heartbeat_frequency == (None if temporary else before)
            assert get_current_settings().api.url == STAYS
    assert before


BEGIN = """
import tasks.temporary_server as module
started, Server = [], module.TemporaryServer
module.TemporaryServer = lambda: started.append(Server()) or started[-1]
begun = module.begin_server()
print(begun is not None, [one._process.poll() is None for one in started], module.is_temporary())
"""


@pytest.mark.parametrize(
    ("named_in", "told"),
    [
        ("nothing", "True [True] True"),
        ("the environment", "False [] False"),
        ("a profile", "False [False] False"),
    ],
)
def test_a_server_is_started_at_once_and_ended_where_another_is_named(tmp_path, named_in, told):
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT")}
    environment["PREFECT_HOME"] = str(tmp_path)
    if named_in == "the environment":
        environment["PREFECT_API_URL"] = STAYS
    if named_in == "a profile":
        profile = f'active = "own"\n[profiles.own]\nPREFECT_API_URL = "{STAYS}"\n'
        (tmp_path / "profiles.toml").write_text(profile)
    command = [sys.executable, "-c", BEGIN]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == told


@pytest.mark.parametrize("fails", [False, True])
def test_all_lanes_are_ours_under_a_server_that_no_other_run_knows(fails, monkeypatch):
    monkeypatch.setattr(temporary_server, "_addresses", {STAYS})
    pool = LanePool(PacsNode(name="n", host="127.0.0.1", port=1, called_aet="A", limits={"associations": 3}))
    with (
        temporary_settings({PREFECT_API_URL: STAYS}),
        suppress(ZeroDivisionError),
        slots(pool) as lanes,
    ):
        assert lanes == pool.allowed == 3
        assert not fails or 1 / 0
    assert pool.allowed == 0


class Locked:
    """A service that cannot take the first requests; it keeps what it read of each."""

    def __init__(self, times, *, raises=False):
        self.left, self.raises, self.read = times, raises, []

    async def __call__(self, scope, receive, send):
        self.read.append(b"")
        more = scope["type"] == "http"
        while more:
            message = await receive()
            self.read[-1] += message["body"]
            more = message["more_body"]
        status = 503 if self.left else 201
        self.left = max(0, self.left - 1)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % status})
        if status == 503 and self.raises:
            raise OSError("locked")


async def ask(app, body, *, kind="http"):
    parts = [{"type": "http.request", "body": body[at : at + 3], "more_body": True} for at in range(0, len(body), 3)]
    parts.append({"type": "http.request", "body": b"", "more_body": False})
    said = []

    async def receive():
        return parts.pop(0)

    async def send(message):
        said.append(message.get("status") or message["body"])

    await app({"type": kind}, receive, send)
    return said


@pytest.mark.parametrize("times", range(6))
@pytest.mark.parametrize("body", [b"", b"{}", b"a longer body"])
@pytest.mark.parametrize("raises", [False, True])
def test_a_request_that_sqlite_could_not_take_is_made_again_whole(times, body, raises):
    locked = Locked(times, raises=raises)
    status = 201 if times < 4 else 503
    with pytest.raises(OSError, match="locked") if raises and status == 503 else nullcontext():
        assert asyncio.run(ask(AskedAgain(locked, waits=[0, 0, 0]), body)) == [status, b"%d" % status]
    assert locked.read == [body] * min(times + 1, 4)


def test_what_is_no_request_is_passed_on():
    locked = Locked(1)
    assert asyncio.run(ask(AskedAgain(locked), b"", kind="websocket")) == [503, b"503"]
    assert len(locked.read) == 1
