"""Where an operating system lacks something: one module knows, the rest works, and what cannot work says so."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import other_systems

ROOT = Path(__file__).parents[2]
ONE_MODULE = "pacsflow/system.py"
LINUX_ALONE = ("pacsflow/processes.py", "pacsflow/confined.py", "pacsflow/dicom/dimse/lending.py")
MODULES = {"fcntl", "resource", "msvcrt", "pwd", "grp", "termios", "tty", "pty"}
NAMES = {
    "sched_getaffinity", "fchmod", "O_DIRECTORY", "O_NOFOLLOW", "getuid", "fork", "killpg", "setsid", "mkfifo", "flock",
    "setrlimit", "alarm", "setitimer", "pthread_sigmask", "sigwait", "SIGHUP", "SIGKILL", "SIGALRM", "SIGUSR1",
}  # fmt: skip


def asked_for(tree):
    """Modules and names that not every system has, as a module's code uses them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield node.module
        elif isinstance(node, ast.Attribute) and node.attr in NAMES:
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match("/proc(/|$)", node.value):
            yield "/proc"


def test_one_module_knows_what_not_every_system_has():
    found = {
        (str(path.relative_to(ROOT)), name)
        for package in other_systems.OURS
        for path in (ROOT / package).rglob("*.py")
        for name in asked_for(ast.parse(path.read_text("utf-8")))
    }
    assert {name for file, name in found if file == ONE_MODULE} >= {"fcntl", "resource", "msvcrt", "alarm"}
    assert {one for one in found if one[0] != ONE_MODULE and not (one[1] == "/proc" and one[0] in LINUX_ALONE)} == set()


@pytest.mark.parametrize(
    ("system", "state", "table"),
    [("macos", "done", ",complete,"), ("windows", "work left", ",undelivered,folder 1: this operating system cannot")],
)
def test_a_project_on_another_system(tmp_path, system, state, table):
    """Import, help, validate, plan and run; on Windows all but what would write into a target on disk."""
    words = [sys.executable, "-P", other_systems.__file__, system, str(tmp_path)]
    places = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "tests"), "PREFECT_HOME": str(tmp_path / "prefect")}
    done = subprocess.run(
        words, env=os.environ | places, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["images"], told["state"]) == (2, state)
    assert table in told["table"]


def test_what_a_system_lacks_is_an_error_with_a_fix():
    script = (
        "import other_systems; other_systems.become('windows')\n"
        "from pacsflow import system\n"
        "for ask in (system.need_folder_handles, system.need_inherited_sockets):\n"
        "    try: ask()\n"
        "    except Exception as error: print(type(error).__name__, error.exit_code, error.fix)\n"
    )
    places = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], env=places, check=False, capture_output=True, text=True, timeout=100
    )
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["UnsupportedError", "13"]] * 2, done.stderr
    assert all("WSL2 or Docker" in line for line in lines)


def test_a_locked_file_is_free_again_when_its_process_ends(tmp_path):
    from pacsflow.system import try_lock

    file = tmp_path / "lock"
    script = f"from pacsflow.system import lock; f=open({str(file)!r},'a'); lock(f); print('held',flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with file.open("a") as mine:
            assert not try_lock(mine)
            other.stdin.close()
            other.wait()
            assert try_lock(mine)
