"""Python processes of our own: none of them imports anything from the current folder."""

import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from pacsflow.confined import room

_SAFE = "PYTHONSAFEPATH"
_HOME = "PYTHONPATH"


def start_child(
    module: str, *words: str, env: Mapping[str, str] | None = None, within: Path | None = None
) -> "subprocess.Popen[bytes]":
    """A process that runs a module of pacsflow, spoken with by stdin and stdout, in a private folder of its own.

    `-P` keeps that folder, and any other that is current, off its `sys.path`; what it starts itself inherits that. It
    ignores Ctrl-C, which is for its parent. `env`: its whole environment, left out: ours. `within`: confined (see
    `pacsflow.confined`) to its folder and this one, which both are its home to it.
    """
    place = tempfile.mkdtemp(prefix="child-")
    told = dict(os.environ if env is None else env)
    if within is not None:
        words = (room(write=[Path(place), within]), module, *words)
        module = "pacsflow.confined"
        told |= {"HOME": place, "TMPDIR": place}
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_safe(told),
            cwd=place,
            start_new_session=True,
        )
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    weakref.finalize(child, shutil.rmtree, place, ignore_errors=True)
    return child


def start_program(
    words: Sequence[str], *, read: Sequence[Path], write: Sequence[Path], env: Mapping[str, str], cwd: Path
) -> "subprocess.Popen[bytes]":
    """A program that is not ours, confined to these places, with nothing else in its environment than `env`.

    What it prints is not kept. A session of its own: Ctrl-C is for us, and what it starts itself ends with it. Raises
    OSError, or ValueError where a word has a character that no command line takes.
    """
    return subprocess.Popen(
        [*confined_command(read=read, write=write), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
    )


def confined_command(*, read: Sequence[Path], write: Sequence[Path]) -> list[str]:
    """What to write before a program's own words so that it runs confined (see `pacsflow.confined`) to these places."""
    return [sys.executable, "-P", "-m", "pacsflow.confined", room(read=read, write=write), "--exec"]


def start_server(
    words: Sequence[str], *, env: Mapping[str, str], log: IO[bytes], pass_fds: Sequence[int] = ()
) -> "subprocess.Popen[bytes]":
    """A server in Python: `words` follow `python -P`. Output goes to `log`; Ctrl-C of the terminal is not for it."""
    return subprocess.Popen(
        [sys.executable, "-P", *words],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=_safe(env),
        pass_fds=pass_fds,
        start_new_session=True,
    )


def pipes(child: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    """What is written to a child, and what it answers."""
    if child.stdin is None or child.stdout is None:
        raise TypeError("a child without pipes")
    return child.stdin, child.stdout


def make_children_safe() -> None:
    """From now on, whatever Python this process starts has no current folder on its `sys.path`.

    For programs that start Python themselves: Prefect's server, process pools.
    """
    safe = _safe(os.environ)
    os.environ.pop(_HOME, None)
    os.environ.update(safe)


def _safe(env: Mapping[str, str]) -> dict[str, str]:
    """An environment without relative folders to import from: an empty one is the current folder."""
    folders = [folder for folder in env.get(_HOME, "").split(os.pathsep) if Path(folder).is_absolute()]
    others = {name: value for name, value in env.items() if name != _HOME}
    return {**others, **({_HOME: os.pathsep.join(folders)} if folders else {}), _SAFE: "1"}
