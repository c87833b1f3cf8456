"""Prefect's API is away for minutes: a run waits and goes on, as the ledger is the truth; at last it gives up."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from httpx import HTTPError, HTTPStatusError, TransportError
from prefect.concurrency._asyncio import ConcurrencySlotAcquisitionError
from prefect.context import SettingsContext, get_settings_context, refresh_global_settings_context
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, Settings

from pacsflow.errors import ServerError

RETRIES = "8"
"""Of each request, after waits of 2, 4, 8, … 256 s: together eight and a half minutes."""
LEAST_SECONDS = 30.0
"""Whoever looks every few seconds by himself waits so long at least: one look that fails says little."""
_RETRIES = "PREFECT_CLIENT_MAX_RETRIES"
_ALSO = "PREFECT_CLIENT_RETRY_EXTRA_CODES"
PATIENCE = {_RETRIES: RETRIES, _ALSO: "500"}
"""Environment of processes that wait for a server that is away. By itself Prefect's client asks again after 429, 502,
503 and 408, and not after 500, which its server answers while its database is locked or away."""
_SERVER_ERROR = 500


def be_patient() -> None:
    """Have Prefect's client in this process wait for minutes where the API is away or fails; who set it is heard."""
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    refresh_global_settings_context()


def stop_waiting() -> None:
    """Have each further request of this process fail at once: the API was waited for already, long enough.

    Otherwise each flow within a flow, and each event that is still to be sent, would wait as long again.
    """
    _retry("0")


def _retry(times: str) -> None:
    os.environ[_RETRIES] = times
    refresh_global_settings_context()


def seconds_of_patience() -> float:
    """How long a request waits for the API, by the number of retries that is set: after 2, 4, 8, … s."""
    return max(LEAST_SECONDS, float(2 ** (int(PREFECT_CLIENT_MAX_RETRIES.value()) + 1) - 2))


@contextmanager
def at_once() -> Iterator[None]:
    """Within it a request that is not answered fails at once: who asks has a patience of his own."""
    now = get_settings_context()
    with SettingsContext(profile=now.profile, settings=_without_retries(now.settings)):
        yield


_made: tuple[Settings, Settings] | None = None
"""The settings that were copied last, and the copy: to make one takes longer than to ask."""


def _without_retries(settings: Settings) -> Settings:
    global _made  # noqa: PLW0603 - of one process; two threads at worst make two
    made = _made
    if made is None or made[0] is not settings:
        made = _made = settings, settings.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: 0})
    return made[1]


def away(error: BaseException) -> bool:
    """Whether an error says that Prefect's API does not answer: of no other peer, and not that it refuses."""
    if isinstance(error, ConcurrencySlotAcquisitionError) and error.__cause__ is not None:
        error = error.__cause__  # what Prefect makes of it when a task asks for the limits of its tags
    if not isinstance(error, HTTPError):
        return isinstance(error, RuntimeError) and "Failed to reach API" in str(error)
    if isinstance(error, HTTPStatusError) and error.response.status_code < _SERVER_ERROR:
        return False
    return isinstance(error, HTTPStatusError | TransportError) and _of_prefect(error)


def _of_prefect(error: HTTPError) -> bool:
    try:
        return str(error.request.url).startswith(str(PREFECT_API_URL.value()))
    except RuntimeError:  # an error without a request
        return False


def gave_up(error: BaseException) -> ServerError:
    """What is said where it stays away."""
    return ServerError(
        f"Prefect's server at PREFECT_API_URL does not answer ({type(error).__name__})",
        fix="start it, or unset PREFECT_API_URL, and run again: what was done stays done",
    )


class ServerPatience:
    """Of one who asks again and again by himself. Says once that he waits, and that he goes on.

    When it is used up, nothing in this process waits any longer, until the API answers again.
    """

    def __init__(self, say: Callable[[str], None], *, seconds: float | None = None) -> None:
        self._say, self._since = say, 0.0
        self._retries = str(PREFECT_CLIENT_MAX_RETRIES.value())
        self._seconds = seconds_of_patience() if seconds is None else seconds

    def answered(self) -> None:
        """The API is there."""
        if self._since:
            self._since = 0.0
            _retry(self._retries)
            self._say("Prefect's server answers again; the run goes on")

    def unanswered(self, error: BaseException) -> None:
        """The API is away. Raises ServerError after the time of patience, and at once where it refuses."""
        if not away(error):
            raise gave_up(error) from None
        if not self._since:
            self._since = time.monotonic()
            self._say("Prefect's server does not answer; waiting for it")
        elif time.monotonic() - self._since > self._seconds:
            stop_waiting()
            raise gave_up(error) from None
