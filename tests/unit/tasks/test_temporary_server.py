"""A server for the time of a command: started where none is named, and what is left out under it."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from pacsflow.run.lanes.pool import LanePool
from schemas.pacs import PacsNode
from tasks import temporary_server
from tasks.slots import slots

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
