"""What not every operating system has: locks of files, limits, folder handles, signals. Nothing else asks for them.

Linux has all of it. macOS lacks the set of processors and the limit of memory, which are left out there. Windows locks
files in its own way (`msvcrt`), and has no folder handles and no temporary server of Prefect: what needs those raises
UnsupportedError, which says what to do.
"""

import ctypes
import getpass
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Final

from pacsflow.errors import UnsupportedError

if TYPE_CHECKING:
    import subprocess

_fcntl: Any
_resource: Any
_msvcrt: Any
_pwd: Any
try:
    import fcntl as _fcntl
except ImportError:
    _fcntl = None
try:
    import resource as _resource
except ImportError:
    _resource = None
try:
    import msvcrt as _msvcrt
except ImportError:
    _msvcrt = None

try:
    import pwd as _pwd
except ImportError:
    _pwd = None

FIX: Final = "run pacsflow on Linux, on macOS, or on Windows in WSL2 or Docker: see Supported systems in README.md"
DIRECTORY: Final[int] = getattr(os, "O_DIRECTORY", 0)
NOFOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)
STOPS: Final = frozenset(
    number for name in ("SIGHUP", "SIGINT", "SIGTERM", "SIGKILL") if (number := getattr(signal, name, None)) is not None
)
"""Signals that come from outside, as far as the system has them."""
_FAR: Final = 1 << 30
"""The byte that is locked on Windows, where a lock keeps others from reading: behind all that our files hold."""
_PDEATHSIG: Final = 1
"""prctl(2): the signal that a process is sent when its parent ends."""
_SECONDS_BETWEEN_TRIES: Final = 0.05


def lock(file: IO[Any]) -> None:
    """Lock an open file for this process alone, until it is closed; waits for others. Raises UnsupportedError."""
    if _fcntl:
        _fcntl.flock(file, _fcntl.LOCK_EX)
        return
    while not try_lock(file):
        time.sleep(_SECONDS_BETWEEN_TRIES)


def try_lock(file: IO[Any]) -> bool:
    """Lock as `lock` does where no other has it locked; False where another has. Raises UnsupportedError, OSError."""
    if _fcntl:
        try:
            _fcntl.flock(file, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
    if _msvcrt is None:
        raise UnsupportedError("this operating system locks no files", fix=FIX)
    at = os.lseek(file.fileno(), 0, os.SEEK_CUR)
    os.lseek(file.fileno(), _FAR, os.SEEK_SET)
    try:
        _msvcrt.locking(file.fileno(), _msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    finally:
        os.lseek(file.fileno(), at, os.SEEK_SET)
    return True


def processors() -> int:
    """Processors that this process may use; all of the machine, where the system does not say which."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def forbid_core_dumps() -> None:
    """No dump of the memory when the process crashes, where the system would write one."""
    if _resource:
        _resource.setrlimit(_resource.RLIMIT_CORE, (0, _resource.getrlimit(_resource.RLIMIT_CORE)[1]))


def limit_memory(size: int) -> None:
    """At most `size` bytes of address space from now on, where the system can hold a process to that."""
    if _resource:
        with suppress(ValueError, OSError):  # macOS has the name and not the limit
            _resource.setrlimit(_resource.RLIMIT_AS, (size, size))


class EndInTime:
    """Ends this process where what is begun by `begin` is not over after so many seconds."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def begin(self, seconds: int) -> None:
        """Count from now."""
        if hasattr(signal, "alarm"):
            signal.alarm(seconds)
            return
        self._timer = threading.Timer(seconds, os._exit, (1,))
        self._timer.daemon = True
        self._timer.start()

    def over(self) -> None:
        """Count no more."""
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        elif self._timer:
            self._timer.cancel()


@contextmanager
def children_ignore_interrupts() -> Iterator[None]:
    """Processes that are started within do not hear Ctrl-C; on Windows each hears it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_group(leader: "subprocess.Popen[bytes]") -> None:
    """End a process that has a session of its own, and all that it started, where the system knows groups."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, signal.SIGKILL)
    else:
        leader.kill()
    leader.wait()


def end_with_parent(parent: int) -> None:
    """Have this process end when its parent does, however that ends, where the system can: Linux (PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def wait_for_stop() -> None:
    """Come back at Ctrl-C or SIGTERM."""
    if hasattr(signal, "sigwait"):
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        return
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)


def need_folder_handles() -> None:
    """Raise UnsupportedError where files cannot be opened relative to an open folder.

    Without that a link that is put in the way of a path would lead files out of a target.
    """
    if os.open not in os.supports_dir_fd or not DIRECTORY:
        raise UnsupportedError("this operating system cannot write safely into a target on disk", fix=FIX)


def need_inherited_sockets() -> None:
    """Raise UnsupportedError where a child cannot be given an open socket, as a temporary server of Prefect is."""
    if sys.platform == "win32" or _fcntl is None:
        fix = f"start Prefect's server with `prefect server start` and set PREFECT_API_URL; or {FIX}"
        raise UnsupportedError("no temporary server of Prefect can be started on this operating system", fix=fix)


def need_lent_sockets() -> None:
    """Raise UnsupportedError where a process cannot lend its listening socket, as `pacsflow receive` does."""
    if sys.platform != "linux":
        raise UnsupportedError("a receiver cannot stand by itself on this operating system", fix=FIX)


def only_for_owner(file: IO[Any]) -> None:
    """Mode 0600 for an open file, where files have modes; on Windows it has the rights of its folder."""
    if hasattr(os, "fchmod"):
        os.fchmod(file.fileno(), 0o600)


def user_name() -> str:
    """The name of the user whose process this is, as the system knows it: the environment may say any name.

    The environment is asked only where the system has no list of users, as Windows. A user without a name has a number.
    """
    try:
        if _pwd is not None:
            return str(_pwd.getpwuid(os.getuid()).pw_name)
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {user_number()}"


def user_number() -> str:
    """The number of the user whose process this is; '' where users have none."""
    return str(os.getuid()) if hasattr(os, "getuid") else ""
