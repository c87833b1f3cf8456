"""A small disk: a file system of its own, that can be really full."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def disk(place: Path, kilobytes: int):
    """A file system of its own, so small; gives what makes room on it."""
    place.mkdir(parents=True)
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", place], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a file system cannot be mounted here: a full disk is not tried")
    try:
        yield lambda more=64 << 10: subprocess.run(["mount", "-o", f"remount,size={more}k", place], check=True)
    finally:
        subprocess.run(["umount", place], check=True)
