"""A Prefect server of its own, and pacsflow run against it as a person runs it."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from peers.ports import free_port
from peers.process import Server

BIN = Path(sys.executable).parent
FAULT = "Traceback (most recent call last)"
LOCKED = "database is locked"
"""SQLite lets one of two writers fail at once where both began by reading: the server's services try again by themselves,
and an installation that stays has PostgreSQL."""


class Prefect(Server):
    """A Prefect server with its own database in `folder`."""

    faults_expected = False
    """Set where something was done to the server, or its database, that it complains of."""

    program = BIN / "pacsflow"
    """What is called against it."""

    begin = datetime.min.replace(tzinfo=UTC)
    """Begin of the test that has the server now."""

    def __init__(self, folder: Path, *, leases: str = "filesystem", database: str = "") -> None:
        self._leases = f"prefect.server.concurrency.lease_storage.{leases}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        command = [str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        told = {"PREFECT_API_DATABASE_CONNECTION_URL": database} if database else {}
        super().__init__(folder, command, environment=self.environment(folder) | told)

    def environment(self, folder: Path) -> dict[str, str]:
        """What the server, and each client of it, needs in the environment."""
        return {
            "PREFECT_HOME": str(folder),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": self._leases,
            # byte code at hand, as an installation has it, whatever the shell says: each start is seconds sooner
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(folder.with_name(f"{folder.name}-bytecode")),
        }

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=30) as answer:
                return bool(json.load(answer))
        except OSError:
            return False

    def asked(self, path: str, **query: Any) -> Any:
        """The server's answer to a POST, as its UI asks."""
        request = urllib.request.Request(
            f"{self.url}{path}", json.dumps(query).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def runs(self, project: str) -> list[dict[str, Any]]:
        """All flow runs of a project by its tag, the latest first; the parts of a run have no tags.

        Those of an earlier test are not among them: two tests may give their projects one name."""
        query = {"tags": {"all_": [f"project:{project}"]}}
        found: list[dict[str, Any]] = self.asked("/flow_runs/filter", flow_runs=query, sort="START_TIME_DESC")
        return [run for run in found if datetime.fromisoformat(run["created"]) >= self.begin]

    @contextmanager
    def unshaken(self) -> Iterator[None]:
        """Within it the server says nothing of a fault of its own: a service of it that fails answers all the same."""
        self.begin = datetime.now(UTC)
        before = len(self.log)
        yield
        faults = [told for told in self.log[before:].split(FAULT)[1:] if LOCKED not in told]
        assert not faults, f"Prefect's server has a fault:\n{faults[0][:6000]}"

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "log.txt").touch()
        self._watch = self.unshaken()
        self._watch.__enter__()
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        super().__exit__()
        if kind is None and not self.faults_expected:
            self._watch.__exit__(None, None, None)

    def start_pacsflow(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `pacsflow ARGUMENTS` against this server."""
        env = {**os.environ, **self.environment(self.folder), "PREFECT_API_URL": self.url, **environment}
        env["COLUMNS"] = "200"
        env.pop("PYTHONPATH", None)
        return subprocess.Popen(
            [str(self.program), *arguments], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def pacsflow(self, *arguments: str, expect: int = 0, **environment: str) -> str:
        """What `pacsflow ARGUMENTS` printed; its exit code must be the expected one."""
        with self.start_pacsflow(*arguments, **environment) as process:
            try:
                output, _ = process.communicate(timeout=280)
            finally:
                process.kill()
        assert process.returncode == expect, f"exit code {process.returncode}, expected {expect}:\n{output}"
        return output

    def pacsflow_here(self, *arguments: str, expect: int = 0) -> str:
        """As `pacsflow`, in this process: seconds sooner, and all the same but for what a process begins and ends with."""
        from pacsflow.cli.app import app
        from pacsflow.cli.show import show_error
        from pacsflow.errors import PacsflowError

        said, code = StringIO(), 0
        with self.here(), redirect_stdout(said), redirect_stderr(said):
            try:
                app(list(arguments))
            except PacsflowError as error:
                show_error(error)
                code = error.exit_code
            except SystemExit as ended:
                code = ended.code
        assert code == expect, f"exit code {code}, expected {expect}:\n{said.getvalue()}"
        return said.getvalue()

    @contextmanager
    def here(self) -> Iterator[None]:
        """Prefect in this process speaks to this server, in threads too; afterwards to none, as before."""
        from prefect.context import refresh_global_settings_context

        words = {
            **self.environment(self.folder),
            "PREFECT_API_URL": self.url,
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
            "PREFECT_LOGGING_TO_API_ENABLED": "false",  # its sender would outlive the server
        }
        try:
            with patch.dict(os.environ, words):
                refresh_global_settings_context()
                yield
        finally:
            refresh_global_settings_context()
