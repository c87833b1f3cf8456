"""Flows under a temporary server send no heartbeats; under one that stays they do."""

import pytest
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from tasks import temporary_server

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
