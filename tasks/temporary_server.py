"""Prefect's server for the time of a command, where no server is named that stays.

It runs in a session of its own, so that Ctrl-C in a terminal ends the run and not the server under it; it watches who
started it, and is never left behind; and where it ends by itself, it is started again on the same socket, whose callers
have only waited.
"""

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from pacsflow.children import start_server
from pacsflow.errors import ServerError
from pacsflow.system import need_inherited_sockets

LOOPBACK = "127.0.0.1"
PROGRAM = str(Path(__file__).with_name("temporary_server_program.py"))
STARTS = 20
"""How often it is started in one command; more often it would not stay either."""
_SECONDS_TO_END = 3.0
_lock = threading.Lock()


class TemporaryServer:
    """A server on a free port of loopback, until `stop` or the end of this process.

    It listens at once: whoever asks before it is ready only waits.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server((LOOPBACK, 0))
        self.url = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}/api"
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server may write to it
        self._ended = threading.Event()
        self._process = self._start()
        atexit.register(self.stop)
        threading.Thread(target=self._keep, daemon=True, name="temporary server").start()

    @property
    def pid(self) -> int:
        """Process id of the server that runs now."""
        return self._process.pid

    def _start(self) -> "subprocess.Popen[bytes]":
        told = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
        environment = {**os.environ, **told, **_settings()}
        environment.pop("PREFECT_API_URL", None)
        need_inherited_sockets()
        fd = self._socket.fileno()
        return start_server([PROGRAM, str(fd), str(os.getpid())], env=environment, log=self._log, pass_fds=[fd])

    def wait_until_ready(self) -> None:
        """Come back when it answers. Raises ServerError where it does not start."""
        from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS

        end = time.monotonic() + PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value()
        while self._process.poll() is None and time.monotonic() < end:
            asking = HTTPConnection(LOOPBACK, self._socket.getsockname()[1], timeout=5)
            with closing(asking), suppress(OSError, HTTPException):
                asking.request("GET", "/api/health")
                if asking.getresponse().status == 200:  # noqa: PLR2004 - OK
                    return
        self.stop()
        raise ServerError(
            "Prefect's server for the time of a run did not start", fix="run again when the machine is less busy"
        )

    def _keep(self) -> None:
        """Start it again where it ends by itself."""
        for _ in range(STARTS):
            code = self._process.wait()
            with _lock:
                if self._ended.is_set():
                    return
                sys.stderr.write(
                    f"Prefect's temporary server ended by itself ({code}); started again, the run goes on\n"
                )
                self._process = self._start()
            time.sleep(1)

    def stop(self) -> None:
        """End it, soon."""
        with _lock:
            self._ended.set()
            self._process.terminate()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.close()
        self._log.close()


_begun: list[TemporaryServer] = []
"""Those that may not answer yet."""
_addresses: set[str] = set()


def _settings() -> dict[str, str]:
    """What Prefect was told in this process. Where it is not loaded yet, the server finds the same by itself."""
    if "prefect.settings" not in sys.modules:
        return {}
    from prefect.settings import get_current_settings

    return get_current_settings().to_environment_variables(exclude_unset=True)


def begin_server() -> TemporaryServer | None:
    """As `ensure_server`, without waiting: while it starts, other work can be done.

    Prefect takes longer to load than a server that is not needed takes to be ended: it is started before that is known.
    """
    loaded, begun = "prefect.settings" in sys.modules, None
    if not loaded and not os.environ.get("PREFECT_API_URL"):
        begun = TemporaryServer()
    from prefect.context import refresh_global_settings_context
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        if begun is not None:
            begun.stop()
        return None
    server = begun or TemporaryServer()
    os.environ["PREFECT_API_URL"] = server.url
    refresh_global_settings_context()
    _begun.append(server)
    _addresses.add(server.url)
    return server


def ensure_server() -> TemporaryServer | None:
    """A server that Prefect in this process speaks to from now on; None where one is named. Raises ServerError."""
    server = begin_server()
    if _begun:
        import fastapi.encoders  # noqa: F401 - each flow's parameters need it: loaded while the server starts
    for one in _begun:
        one.wait_until_ready()
    _begun.clear()
    return server


def is_temporary() -> bool:
    """Whether Prefect in this process speaks to a server of this process, which no other run knows."""
    from prefect.settings import PREFECT_API_URL

    return PREFECT_API_URL.value() in _addresses


@contextmanager
def unwatched() -> Iterator[None]:
    """Within it, under a temporary server, flows send no heartbeats.

    Nothing there listens to them, and each flow waits at its end for up to a second until their sender has ended.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    if not is_temporary():
        yield
        return
    with temporary_settings(set_defaults={}, updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield
