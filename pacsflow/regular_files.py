"""Files that are read as a whole: regular ones, of a size that a person writes; no device, no pipe."""

import errno
import os
import stat
from pathlib import Path

MOST_BYTES = 1 << 24
"""Bytes that a file written by a person has at most."""


def read_regular(file: Path, most: int = MOST_BYTES) -> bytes:
    """What a file holds. Raises OSError, also for a device or a pipe, for more bytes than `most`, for an odd name."""
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except ValueError:
        raise OSError(errno.EINVAL, "its name holds a character that no name has") from None
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(opened.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most >> 20} MB")
        return opened.read(most + 1)[:most]


def is_there(file: Path | str) -> bool:
    """Whether a name is that of a file, links followed; False for a name that no file can have, too long a one too."""
    return os.path.isfile(file)  # noqa: PTH113 Path.is_file raises for such names


def at_home(text: str) -> Path:
    """The path of a text, `~` replaced; where there is no such user it stays, and names nothing."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 Path.expanduser raises there


def real(path: Path) -> Path:
    """The path, links followed as far as they lead: not at all in a loop of them."""
    return Path(os.path.realpath(path))
