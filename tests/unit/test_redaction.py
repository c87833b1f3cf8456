"""What libraries and faults would say of a patient is not said."""

import os
import resource
import signal
import subprocess
import sys

import pytest

FAULTS = {
    "in the open": "raise ValueError('QUISTGAARD')",
    "in a thread": "thread = threading.Thread(target=int, args=['QUISTGAARD']); thread.start(); thread.join()",
    "in a finalizer": "type('Dying', (), {'__del__': lambda self: int('QUISTGAARD')})()",
}
MAIN = """
import gc, sys, threading
import pacsflow.cli.app

def app():
    {fault}

pacsflow.cli.app.app = app
from pacsflow.cli import main
main()
"""


@pytest.mark.parametrize("where", FAULTS)
def test_a_fault_is_reported_without_its_values(tmp_path, where):
    script = MAIN.format(fault=FAULTS[where])
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "TMPDIR": str(tmp_path)}
    died = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert died.returncode == (70 if where == "in the open" else 0)
    assert "pacsflow has a fault" in died.stderr
    assert "ValueError" in died.stderr
    assert "QUISTGAARD" not in died.stdout + died.stderr
    assert [path.name for path in tmp_path.iterdir()] == (["state"] if where == "in the open" else [])
    if where == "in the open":
        [details] = (tmp_path / "state" / "pacsflow" / "faults").iterdir()
        assert str(details) in died.stderr
        assert "QUISTGAARD" in details.read_text()
        assert details.stat().st_mode & 0o077 == details.parent.stat().st_mode & 0o077 == 0


def test_a_crash_leaves_no_core(tmp_path):
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if most == 0:
        pytest.skip("this machine allows no core dumps")
    script = f"import os, resource as r; r.setrlimit(r.RLIMIT_CORE, ({most}, {most}))\n"
    script += "from pacsflow.redaction import keep_libraries_quiet as quiet; quiet(); os.abort()"
    died = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False)
    assert died.returncode == -signal.SIGABRT
    assert list(tmp_path.iterdir()) == []
