"""`pacsflow run` as a person starts it: in a terminal, without a Prefect server that stays."""

import os
import pty
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from peers.ports import wait_until
from peers.prefect import BIN
from whole_run import IMAGES, delivered, fault, lying, project


class Terminal:
    """`pacsflow ARGUMENTS` in a pseudo-terminal, in its foreground; `said` is what stands there."""

    def __init__(self, home, *arguments):
        named = {"PREFECT_HOME": str(home), "COLUMNS": "200", "TERM": "dumb"}
        environment = {k: v for k, v in os.environ.items() if k != "PREFECT_API_URL"} | named
        self.said = ""
        self.pid, self._screen = pty.fork()
        if self.pid == 0:
            os.execve(BIN / "pacsflow", ["pacsflow", *arguments], environment)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        try:
            while text := os.read(self._screen, 4096):
                self.said += text.decode(errors="replace")
        except OSError:  # nobody is left at the other end
            pass

    def interrupt(self):
        """Ctrl-C: the terminal sends SIGINT to its whole foreground group."""
        os.write(self._screen, b"\x03")

    def code(self, seconds=120):
        """How it ended."""
        status = []

        def ended():
            pid, told = os.waitpid(self.pid, os.WNOHANG)
            status.append(told)
            return pid != 0

        wait_until(ended, seconds=seconds, what=f"the end of the command, which said {self.said}")
        self._reader.join(10)
        os.close(self._screen)
        return os.waitstatus_to_exitcode(status[-1])


def servers(home):
    """Process ids of the Prefect servers of a home."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words, told = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        if b"temporary_server_program.py" in words and f"PREFECT_HOME={home}".encode() in told.split(b"\0"):
            found.append(int(process.name))
    return found


@contextmanager
def stalling(tmp_path, number=1, times=1):
    with lying(fault("stall", image=3, times=times, seconds=600)) as (pacs, node):
        yield pacs, project(tmp_path, pacs, node, number=number, response=300)


def begun(pacs):
    wait_until(lambda: pacs.counts["images sent"] >= 2, what="two images")


def test_ctrl_c_in_a_terminal_ends_the_run_in_order_and_leaves_nothing_behind(tmp_path):
    with stalling(tmp_path) as (pacs, folder):
        terminal = Terminal(tmp_path / "home", "run", str(folder))
        begun(pacs)
        assert servers(tmp_path / "home")
        terminal.interrupt()
        assert terminal.code(60) == 130, terminal.said
        assert "run it again and it goes on" in terminal.said
        assert not {word for word in ("Traceback", "Error", "Exception") if word in terminal.said}, terminal.said
        wait_until(lambda: not servers(tmp_path / "home"), what="the end of the server")
        terminal = Terminal(tmp_path / "home", "run", str(folder))
        assert terminal.code() == 0, terminal.said
    assert len(delivered(folder)) == IMAGES


def test_a_second_ctrl_c_ends_at_once(tmp_path):
    with stalling(tmp_path) as (pacs, folder):
        terminal = Terminal(tmp_path / "home", "run", str(folder))
        begun(pacs)
        os.kill(terminal.pid, signal.SIGINT)
        for _ in range(40):
            time.sleep(0.6)
            try:
                terminal.interrupt()
            except OSError:
                break
            if os.waitid(os.P_PID, terminal.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
        assert terminal.code(60) == 130, terminal.said
        wait_until(lambda: not servers(tmp_path / "home"), what="the end of the server")


def test_a_killed_run_leaves_no_server_behind(tmp_path):
    with stalling(tmp_path) as (pacs, folder):
        terminal = Terminal(tmp_path / "home", "run", str(folder))
        begun(pacs)
        assert servers(tmp_path / "home")
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.code() == -signal.SIGKILL
        wait_until(lambda: not servers(tmp_path / "home"), what="the end of the server")


@pytest.mark.timeout(600)
def test_a_server_that_dies_alone_is_started_again_and_the_run_ends_by_its_rows(tmp_path):
    with lying(fault("stall", image=3, times=1, seconds=10)) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=3, response=120)
        terminal = Terminal(tmp_path / "home", "run", str(folder))
        begun(pacs)
        [server] = servers(tmp_path / "home")
        os.kill(server, signal.SIGKILL)
        assert terminal.code(400) == 0, terminal.said
    assert "ended by itself" in terminal.said
    assert (tmp_path / "data" / "report" / "results.csv").exists()
    assert len(delivered(folder)) == 3 * IMAGES
    wait_until(lambda: not servers(tmp_path / "home"), what="the end of the server")
