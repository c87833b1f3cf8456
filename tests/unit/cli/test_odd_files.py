"""Devices, pipes, folders and loops of links wherever a command is given a path: it ends, in words, in little memory."""

import os
import resource
import signal
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from factory import make_study, write_files
from pacsflow.cli.app import COMMANDS, app
from pacsflow.cli.door import loaded
from pacsflow.errors import PacsflowError
from project_folder import write_project
from sometimes import sometimes

SECONDS, MEMORY = 12, 3 << 30
ELSEWHERE = {
    "console",
    "up",
    "deploy",
    "serve",
    "demo",
    "simpacs",
    "receive",
    "doctor",
    "metrics",
    "probe",
    "run",
    "plan",
}
"""They serve, or ask servers; what they read is read by the others too."""
NODE = {"host": "127.0.0.1", "port": 1, "called_aet": "A"}


def leaves(command, words):
    if hasattr(command, "commands"):
        for name, one in command.commands.items():
            yield from leaves(one, (*words, name))
    else:
        yield words, command


def paths_of(command):
    return [one for one in command.params if one.type_descriptor.annotation is Path]


CASES = [
    (words, place, one.name)
    for spec in COMMANDS
    if spec.name not in ELSEWHERE
    for words, command in leaves(loaded(spec), (spec.name,))
    for place, one in enumerate(paths_of(command))
    if one.name != "log_file" or spec.name == "init"
]
FEW = [
    case
    for case in CASES
    if (case[0][0], case[2]) in {("verify", "tree"), ("init", "name"), ("init", "log_file"), ("pseudonyms", "config")}
]


def odd_things(folder):
    """Each with the endings that readers look for, and one that nobody knows."""
    for ending in ("", ".json"):
        os.mkfifo(folder / f"pipe{ending}")
        (folder / f"zero{ending}").symlink_to("/dev/zero")
    (folder / "loop").symlink_to("loop")
    tree = folder / "tree"
    write_files(make_study(series=1, images=1), tree)
    for name in ("pipe.dcm", "pipe.nii.gz", "pipe.json", "mapper.json"):
        os.mkfifo(tree / name)
    (tree / "zero.dcm").symlink_to("/dev/zero")
    (tree / "zero.csv").symlink_to("/dev/zero")
    (tree / "loop").symlink_to(tree)
    return [*sorted(each for each in folder.iterdir() if each.name != "p"), folder / "nowhere"]


def usual(one, folder):
    """What a required parameter is given that is not the one looked at."""
    if one.type_descriptor.annotation is Path:
        return str(folder / "p") if one.metavar == "PROJECT" else str(folder / "tree" / "00000.dcm")
    return "1" if one.type_descriptor.annotation in (int, float) else "x"


def line(words, command, place, value, folder):
    """A command line whose path number `place` is odd, and all else that it needs is usual."""
    odd = paths_of(command)[place]
    given = list(words)
    for one in command.params:
        if one is not odd and not one.required:
            continue
        text = str(value) if one is odd else usual(one, folder)
        given += [text] if one.param_type_name == "argument" else [one.opts[0], text]
    return given


def within_limits(given, folder):
    """How a command ends in a process of its own: 0 where it does so in words."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.chdir(folder)
        done = CliRunner().invoke(app, given, input="")
        fine = done.exception is None or isinstance(done.exception, PacsflowError | SystemExit)
        if not fine:
            sys.stderr.write(f"{given}: {done.exception!r}\n")
        os._exit(0 if fine else 1)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "does not end"


@pytest.mark.parametrize(("words", "place", "name"), sometimes(CASES, FEW))
def test_an_odd_path_ends_in_words(tmp_path, words, place, name):
    assert name
    write_project(tmp_path / "p", pacs=NODE, rows=[{"id": "r", "StudyInstanceUID": "1.2.3"}])
    command = next(
        one
        for spec in COMMANDS
        if spec.name == words[0]
        for found, one in leaves(loaded(spec), (spec.name,))
        if found == words
    )
    for value in odd_things(tmp_path):
        given = line(words, command, place, value, tmp_path)
        assert within_limits(given, Path(tmp_path)) == 0, given
