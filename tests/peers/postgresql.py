"""Debian's PostgreSQL with a cluster of its own, reached by a socket in its own folder: no port of this machine is taken."""

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import pytest

from peers.ports import free_port
from peers.process import Server

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
NAMES = count(1)


def _user():
    """Who runs it: PostgreSQL refuses root."""
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def _as_user(*command):
    return (
        ["setpriv", "--reuid", _user(), "--regid", _user(), "--clear-groups", *command]
        if os.geteuid() == 0
        else [*command]
    )


class Postgresql(Server):
    """A cluster that lasts as long as it is entered; `database()` is the address of a new, empty one."""

    def __init__(self):
        if not PROGRAMS:
            pytest.skip("postgresql is not installed: a real PostgreSQL is needed for this test")
        self._bin = PROGRAMS[-1]
        # a socket's path has room for 107 characters, and the user of the server must reach it
        folder = Path(tempfile.mkdtemp(prefix="pacsflow-pg-", dir="/tmp"))
        self.port = free_port()
        where = ["-D", str(folder / "data"), "-k", str(folder), "-p", str(self.port)]
        options = [f"-c{name}={value}" for name, value in {"listen_addresses": "", "fsync": "off"}.items()]
        super().__init__(folder, _as_user(str(self._bin / "postgres"), *where, *options))

    def start(self):
        if not (self.folder / "data").exists():
            if os.geteuid() == 0:
                shutil.chown(self.folder, _user(), _user())
            options = [
                "--auth=trust",
                "--username=pacsflow",
                "--encoding=UTF8",
                "--no-sync",
                "-D",
                str(self.folder / "data"),
            ]
            self._call("initdb", *options)
        super().start()

    def ready(self):
        command = [str(self._bin / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def database(self):
        """The address of a new database, as project.yaml has it."""
        name = f"ledger{next(NAMES)}"
        self._call("createdb", "-h", str(self.folder), "-p", str(self.port), "-U", "pacsflow", name)
        return f"postgresql://pacsflow@/{name}?host={self.folder}&port={self.port}"

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)

    def _call(self, name, *options):
        done = subprocess.run(
            _as_user(str(self._bin / name), *options), cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
