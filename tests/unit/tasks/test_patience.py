"""How long Prefect's API is waited for: once in a process, not once for each thing that asks it."""

import os
from unittest.mock import patch

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.context import refresh_global_settings_context
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES

from pacsflow.errors import ServerError
from peers.ports import free_port
from peers.web import Handler, Service
from tasks.patience import LEAST_SECONDS, PATIENCE, ServerPatience, be_patient, seconds_of_patience, stop_waiting


@pytest.fixture
def away():
    """Prefect in this process speaks to a port on which nothing listens; afterwards to none, as before."""

    def speak(**words):
        os.environ.update({"PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api", **words})
        refresh_global_settings_context()

    with patch.dict(os.environ):
        for name in PATIENCE:
            os.environ.pop(name, None)
        yield speak
    refresh_global_settings_context()


def unanswered():
    """What a request to a server that is away raises."""
    with get_client(sync_client=True) as client, pytest.raises(httpx.HTTPError) as raised:
        client.read_flows()
    return raised.value


@pytest.mark.parametrize(
    ("retries", "seconds"), [("0", LEAST_SECONDS), ("1", LEAST_SECONDS), ("5", 62.0), ("8", 510.0)]
)
def test_whoever_looks_by_himself_waits_as_long_as_a_request_does(away, retries, seconds):
    away(PREFECT_CLIENT_MAX_RETRIES=retries)
    assert seconds_of_patience() == seconds


def test_who_set_the_retries_himself_is_heard(away):
    away(PREFECT_CLIENT_MAX_RETRIES="3")
    be_patient()
    assert PREFECT_CLIENT_MAX_RETRIES.value() == 3


def test_a_server_that_fails_once_is_asked_again(away):
    with Service(_FailsOnce) as service:
        service.left = [500]
        away(
            PREFECT_API_URL=f"{service.url}/api",
            PREFECT_CLIENT_MAX_RETRIES="1",
            PREFECT_CLIENT_CSRF_SUPPORT_ENABLED="false",
        )
        be_patient()
        with get_client(sync_client=True) as client:
            assert client.read_flows() == []
        assert service.left == []


class _FailsOnce(Handler):
    def do_POST(self):  # noqa: N802
        self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.left.pop() if self.server.left else 200
        self.answer(status, b"[]", Content_Type="application/json")


def test_used_up_patience_ends_all_waiting_until_the_server_answers_again(away):
    away()
    be_patient()
    said = []
    patience = ServerPatience(said.append, seconds=0.0)
    error = unanswered()
    patience.unanswered(error)
    assert PREFECT_CLIENT_MAX_RETRIES.value() == 8
    with pytest.raises(ServerError, match="does not answer"):
        patience.unanswered(error)
    assert PREFECT_CLIENT_MAX_RETRIES.value() == 0
    patience.answered()
    assert PREFECT_CLIENT_MAX_RETRIES.value() == 8
    assert [text.partition(";")[0] for text in said] == [
        "Prefect's server does not answer",
        "Prefect's server answers again",
    ]


def test_nothing_is_said_where_the_server_always_answers(away):
    away()
    said = []
    ServerPatience(said.append).answered()
    assert said == []


def test_a_process_that_stopped_waiting_asks_once_only(away):
    away(PREFECT_CLIENT_MAX_RETRIES="8")
    stop_waiting()
    assert isinstance(unanswered(), httpx.ConnectError)
    assert PREFECT_CLIENT_MAX_RETRIES.value() == 0
