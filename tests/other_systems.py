"""A Python in which pacsflow finds what macOS or Windows has: for a process of its own, `python other_systems.py NAME`.

Modules that the system lacks, and /proc, are gone for pacsflow's own code, names for all; libraries keep their modules.
Windows' locks of files are stood in for by POSIX locks of ranges: taken at once, or an error.
"""

import builtins
import importlib
import json
import os
import pkgutil
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

OURS = ("pacsflow", "schemas", "tasks", "flows")
MODULES = {"macos": (), "windows": ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty")}
NAMES = {
    "macos": {os: ("sched_getaffinity",)},
    "windows": {
        os: ("sched_getaffinity", "fchmod", "O_DIRECTORY", "O_NOFOLLOW"),
        signal: ("alarm", "pthread_sigmask", "sigwait", "SIGHUP"),
    },
}


def become(system):
    """From now on this process is like one on that system."""
    msvcrt, imported = _locks_of_windows(), builtins.__import__
    if system == "windows":
        os.supports_dir_fd.clear()
    for module, names in NAMES[system].items():
        for name in names:
            delattr(module, name)

    def narrow(name, globals=None, *more, **named):  # noqa: A002 as Python calls it
        if ((globals or {}).get("__name__") or "").partition(".")[0] in OURS:
            if name in MODULES[system]:
                raise ImportError(name)
            if name == "msvcrt" and system == "windows":
                return msvcrt
        return imported(name, globals, *more, **named)

    builtins.__import__ = narrow
    sys.addaudithook(_no_processes)


def _no_processes(event, facts):
    """Nothing of /proc can be read by our code."""
    if event == "open" and str(facts[0]).startswith("/proc"):
        frame = sys._getframe(1)
        while frame and Path(frame.f_code.co_filename).name in ("pathlib.py", "_local.py", "codecs.py"):
            frame = frame.f_back
        if frame and frame.f_globals.get("__name__", "").partition(".")[0] in OURS:
            raise FileNotFoundError(facts[0])


def _locks_of_windows():
    import fcntl

    def locking(descriptor, _mode, size):
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, size, os.lseek(descriptor, 0, os.SEEK_CUR))

    return SimpleNamespace(locking=locking, LK_NBLCK=2)


def import_all():
    """Import each module of the house; the number of them."""
    found = [
        one.name
        for package in OURS
        for one in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
    ]
    for name in found:
        importlib.import_module(name)
    return len(found)


def use(place):
    """What needs no PACS, and a project from Python against the embedded one; why its rows are not delivered."""
    import pacsflow
    from commands import pacsflow as command
    from pacsflow.simpacs import SimPacs, phantom_archive
    from project_folder import write_project

    archive = phantom_archive(1, matrix=8, images=2)
    rows = [{"id": "r1", "StudyInstanceUID": next(iter(archive.studies))}]
    export = {"targets": [{"kind": "folder", "path": str(place / "out")}]}
    with SimPacs(archive) as pacs:
        node = {"port": pacs.port, "called_aet": pacs.aet, "fetch": {"method": "c-get"}}
        folder = write_project(place / "p", pacs=node, rows=rows, export=export)
        assert "Usage" in command("--help")
        assert "Usage" not in command("validate", folder)
        project = pacsflow.Project.load(folder)
        totals = project.plan(progress=False).totals
        done = project.run(progress=False)
    table = (done.report / "results.csv").read_text("utf-8-sig")
    return {"images": totals["images"], "state": done.state, "rows": dict(done.rows), "table": table}


if __name__ == "__main__":
    become(sys.argv[1])
    import_all()
    sys.stdout.write(json.dumps(use(Path(sys.argv[2]))))
