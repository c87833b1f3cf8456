"""Processes and where they run: whether the one that took a lease, or writes a file, is still there."""

import hashlib
import os
import socket
import uuid
from functools import cache
from pathlib import Path

_DIGITS = 12
_PARTS = 5
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")


@cache
def process_space() -> str:
    """Name of the space in which process ids mean something: one start of one machine, and one PID namespace of it.

    Two containers have different ones, even where they go by one host name and have equal process ids. '' where it is
    not known: then nothing can be said of any other process.
    """
    try:
        if str(Path("/proc/self").readlink()) != str(os.getpid()):  # /proc is that of another namespace
            return ""
        told = f"{_BOOT.read_text(encoding='ascii').strip()} {_NAMESPACE.readlink()}"
    except OSError:
        return ""
    return hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]


def born(process: int) -> str:
    """Start time of a process of this space, '' when there is none (a process id can be given twice)."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def new_owner() -> str:
    """Name of this process among all: host, process id, its start, the space of process ids, a random part."""
    process = os.getpid()
    return f"{socket.gethostname()}|{process}|{born(process)}|{process_space()}|{uuid.uuid4().hex[:8]}"


def near(owner: str) -> bool:
    """Whether it can be seen from here if the process of an owner lives: it is, or was, one of this space.

    Not so of owners as former versions wrote them, without a space.
    """
    parts = owner.split("|")
    return len(parts) == _PARTS and bool(process_space()) and parts[3] == process_space()


def gone(owner: str) -> bool:
    """Whether an owner is a process of this space that is no longer there."""
    return near(owner) and born(int(owner.split("|")[1])) != owner.split("|")[2]
