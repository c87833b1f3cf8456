"""Prefect's server and worker as processes of one command: started in order, ended together."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from pacsflow.children import start_server
from pacsflow.errors import ServerError
from tasks.patience import PATIENCE
from tasks.server_facts import FILE_LEASES

LOOPBACK = "127.0.0.1"
SECONDS_TO_START = 240.0
SECONDS_TO_END = 40.0
EVENTS_KEPT = "P7D"
RUNS_KEPT = "P180D"
"""Days, as ISO 8601 writes them."""
_BATCH = "200"


def server_settings(port: int) -> dict[str, str]:
    """What Prefect's server is told: leases in files, old runs deleted, batches, its own address."""
    return {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": FILE_LEASES,
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": EVENTS_KEPT,
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": RUNS_KEPT,
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": _BATCH,
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": _BATCH,
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": _BATCH,
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": _BATCH,
        "PREFECT_UI_API_URL": f"http://{LOOPBACK}:{port}/api",
        "PREFECT_UI_URL": f"http://{LOOPBACK}:{port}",
    }


def worker_settings(port: int) -> dict[str, str]:
    """What a worker, and the runs that it starts, are told."""
    return {
        "PREFECT_API_URL": f"http://{LOOPBACK}:{port}/api",
        "PREFECT_UI_URL": f"http://{LOOPBACK}:{port}",
        **PATIENCE,
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    }


class Stack:
    """The processes; `log` holds what they say."""

    def __init__(self, log: Path, port: int) -> None:
        self._log, self._port = log, port
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start_server(self) -> None:
        """Start the server and come back when it answers. Raises ServerError."""
        with socket.socket() as asked:
            asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                asked.bind((LOOPBACK, self._port))
            except OSError:
                raise ServerError(
                    f"port {self._port} of this machine is taken", fix="end what holds it, or give another by --port"
                ) from None
        words = ["server", "start", "--host", LOOPBACK, "--port", str(self._port)]
        self._start("server", words, server_settings(self._port), without="PREFECT_API_URL")
        end = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            if self.ended() or time.monotonic() > end:
                raise ServerError("Prefect's server did not start", fix=f"look into {self._log}")
            time.sleep(0.5)

    def start_worker(self, pool: str, *, health_port: int | None = None) -> None:
        """Start a worker of a pool, which tells on `/health` whether it lives."""
        words = ["worker", "start", "--pool", pool, "--type", "process", "--with-healthcheck"]
        port = {"PREFECT_WORKER_WEBSERVER_PORT": str(health_port)} if health_port else {}
        self._start("worker", words, worker_settings(self._port) | port)

    def _start(self, name: str, words: list[str], told: Mapping[str, str], *, without: str = "-") -> None:
        addresses = {key: text for key, text in told.items() if key.endswith("_URL")}
        environment = {**told, **os.environ, **addresses}  # of the rest, who sets it himself is heard
        environment.pop(without, None)
        with self._log.open("ab") as log:
            process = start_server(["-m", "prefect", "--no-prompt", *words], env=environment, log=log)
        self._running.append((name, process))

    def _answers(self) -> bool:
        asking = HTTPConnection(LOOPBACK, self._port, timeout=5)
        try:
            asking.request("GET", "/api/health")
            return asking.getresponse().status == 200  # noqa: PLR2004 - OK
        except (OSError, HTTPException):
            return False
        finally:
            asking.close()

    def ended(self) -> str:
        """Name of a process that ended by itself; empty where all go on."""
        return next((name for name, process in self._running if process.poll() is not None), "")

    def end(self, say: Callable[[str], None] = lambda _: None) -> None:
        """End all, the worker first, which ends its runs in order; what does not end in time is killed."""
        while self._running:
            name, process = self._running.pop()
            say(f"ending the {name}")
            _end(process)
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()


@contextmanager
def stack(log: Path, port: int, say: Callable[[str], None]) -> Iterator[Stack]:
    """Processes that end when what is within ends, however it does."""
    running = Stack(log, port)
    try:
        yield running
    finally:
        running.end(say)
