"""A Prefect server of its own, and pacsflow run against it as a person runs it."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from peers.ports import free_port
from peers.process import Server

BIN = Path(sys.executable).parent


class Prefect(Server):
    """A Prefect server with its own database in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        command = [str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        super().__init__(folder, command, environment=self.environment(folder))

    def environment(self, folder: Path) -> dict[str, str]:
        """What the server, and whoever speaks to it, needs in the environment."""
        return {
            "PREFECT_HOME": str(folder),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            # byte code at hand, as an installation has it, whatever the shell says: each start is seconds sooner
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(folder.with_name(f"{folder.name}-bytecode")),
        }

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1) as answer:
                return bool(json.load(answer))
        except OSError:
            return False

    def start_pacsflow(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `pacsflow ARGUMENTS` against this server."""
        env = {**os.environ, **self.environment(self.folder), "PREFECT_API_URL": self.url, **environment}
        env["COLUMNS"] = "200"
        return subprocess.Popen(
            [str(BIN / "pacsflow"), *arguments], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def pacsflow(self, *arguments: str, expect: int = 0, **environment: str) -> str:
        """What `pacsflow ARGUMENTS` printed; its exit code must be the expected one."""
        process = self.start_pacsflow(*arguments, **environment)
        output, _ = process.communicate(timeout=280)
        assert process.returncode == expect, f"exit code {process.returncode}, expected {expect}:\n{output}"
        return output
