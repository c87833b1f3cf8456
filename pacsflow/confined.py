"""A program with no more than it needs: the files of Python and of its job, no network, nothing of the user's.

    python -P -m pacsflow.confined ROOM MODULE WORDS...
    python -P -m pacsflow.confined ROOM --exec PROGRAM WORDS...

By Linux' Landlock, where the kernel has it (5.13; TCP from 6.7, UDP as its later versions offer); elsewhere the program
runs without it, which `pacsflow doctor` says.
"""

import json
import os
import runpy
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

_NEEDED = (
    "/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache",
    "/etc/localtime", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/proc/cpuinfo", "/proc/meminfo",
    "/sys/devices/system/cpu", "/proc/self/maps", "/proc/sys/kernel",
)  # fmt: skip
"""What an interpreter and numerical libraries read of the system."""
_PACKAGES = ("pacsflow", "schemas")
_EXEC = "--exec"


def room(*, read: Sequence[Path] = (), write: Sequence[Path] = ()) -> str:
    """The first argument: what may be read, and what read and written, beside Python itself."""
    return json.dumps({"read": [str(path) for path in read], "write": [str(path) for path in write]})


def available() -> str:
    """Why programs are not confined on this machine; empty where they are."""
    if sys.platform != "linux":
        return f"{sys.platform} has no Landlock"
    try:
        import landlockpy
    except ImportError:
        return "the package landlockpy is not installed"
    return "" if landlockpy.supported() else "this kernel has no Landlock"


def confine(read: Sequence[str], write: Sequence[str]) -> None:
    """Confine this process and its children, for good. Does nothing where the system cannot."""
    if available():
        return
    from landlockpy import AccessFS, Ruleset, Scope

    reading = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.EXECUTE
    writing = reading | AccessFS.WRITE_FILE | AccessFS.REMOVE_DIR | AccessFS.REMOVE_FILE | AccessFS.MAKE_DIR
    writing |= AccessFS.MAKE_REG | AccessFS.TRUNCATE | AccessFS.REFER | AccessFS.MAKE_SYM
    with Ruleset(scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL) as rules:
        for place in {*_NEEDED, *_python(), *read}:
            if os.path.exists(place):  # noqa: PTH110 what may not be looked at is not there
                rules.allow_path(place, reading if Path(place).is_dir() else AccessFS.READ_FILE | AccessFS.EXECUTE)
        for entry in filter(os.path.isdir, sys.path):
            rules.allow_path(entry, AccessFS.READ_DIR)
        rules.allow_path("/dev/null", AccessFS.READ_FILE | AccessFS.WRITE_FILE)
        for place in write:
            rules.allow_path(place, writing)
        rules.restrict()


def _python() -> set[str]:
    """Where the interpreter, its libraries and our own packages lie."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {entry for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages", "lib-dynload"}}
    paths |= {str(Path(sys.base_prefix) / "lib"), str(Path(sys.prefix) / "pyvenv.cfg"), sys.executable}
    paths |= {os.path.realpath(sys.executable)}
    ours = Path(__file__).parent.parent
    return {path for path in paths if path} | {str(ours / name) for name in _PACKAGES}


def main() -> None:
    """Confine this process, then be the program."""
    told, program, *words = sys.argv[1:]
    places = json.loads(told)
    confine(places["read"], places["write"])
    if program == _EXEC:
        os.execv(words[0], words)  # noqa: S606 our own converter, by its path
    sys.argv = [program, *words]
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
