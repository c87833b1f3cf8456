"""A server program of Debian, started in its own process group and stopped by its own id."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from peers.ports import wait_until


def program(*candidates: str) -> str:
    """Full path of the first candidate that is installed; without any, the test is skipped visibly."""
    found = next(filter(None, map(shutil.which, candidates)), None)
    if found is None:
        pytest.skip(f"{candidates[0]} is not installed: a real PACS is needed for this test")
    return found


class Server:
    """Base of the peers: `start`, `stop`, `kill`; also a context manager."""

    def __init__(self, folder: Path, command: list[str], *, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not running"
        return self._process.pid

    @property
    def log(self) -> str:
        """What the program has said since its first start."""
        return (self.folder / "log.txt").read_text(errors="replace")

    def ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Start the program (again) on the same ports and wait until it answers."""
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._alive_and_ready, seconds=240, what=f"the answer of {self._command[0]}")

    def _alive_and_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._command[0]} ended at once:\n{self.log[-2000:]}")
        return self.ready()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the program and the children it forked."""
        if self._process is None:
            return
        os.killpg(self._process.pid, how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)
        self._process = None

    def kill(self) -> None:
        """End the program without warning, as a power cut would."""
        self.stop(signal.SIGKILL)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
