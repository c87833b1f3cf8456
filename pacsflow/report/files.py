"""Reports appear whole or not at all."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


@contextmanager
def whole_file(path: Path, mode: int) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place, on disk and with `mode`, when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beginning = f".{path.name}.{socket.gethostname()}."
    temporary = path.with_name(f"{beginning}{os.getpid()}.part")
    _sweep(path.parent, beginning)
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)
    try:
        os.fchmod(descriptor, mode)
        yield temporary
        os.fsync(descriptor)
        temporary.replace(path)
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


def _sweep(folder: Path, beginning: str) -> None:
    """Remove what processes of this machine left half-written that are gone: it may be identifying."""
    for leftover in folder.glob(f"{beginning}*.part"):
        number = leftover.name.removeprefix(beginning).removesuffix(".part")
        if number.isdigit() and not _alive(int(number)):
            leftover.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def write_text(path: Path, text: str, mode: int) -> Path:
    """Write `text` as UTF-8; `path`."""
    with whole_file(path, mode) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path
