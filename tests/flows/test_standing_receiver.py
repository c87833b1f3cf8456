"""pacsflow receive: a process that owns AE title and port, and lends the port to one run of C-MOVE at a time."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pacsflow.cli.app import app
from pacsflow.dicom.dimse import receiver
from pacsflow.dicom.dimse.lending import borrow
from pacsflow.errors import PacsTransientError
from pacsflow.projects import read_project
from pacsflow.run.receiving import receiver_of, standing
from peers.ports import wait_until
from whole_run import IMAGES, lying, project, run_once


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user of its own, so that no other receiver of this machine is met."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a folder with a long name" / ("x" * 90)))


@pytest.fixture
def world(home, tmp_path):
    with lying(method="c-move") as (pacs, node):
        yield pacs, project(tmp_path, pacs, node)


def port_of(folder):
    return receiver_of(read_project(folder))[1].port


@pytest.fixture
def stands(world):
    _, folder = world
    command = [str(Path(sys.executable).parent / "pacsflow"), "receive", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            wait_until(lambda: standing(port_of(folder)) or process.poll() is not None)
            assert process.poll() is None, process.stdout.read()
            yield process
        finally:
            process.kill()


def said(folder, *words):
    return CliRunner().invoke(app, ["receive", str(folder), *words])


def echo(folder, aet="SIMPACS"):
    """Status of an echo to our receiver; None where the association was refused."""
    from pynetdicom import AE
    from pynetdicom.sop_class import Verification

    _, move_to = receiver_of(read_project(folder))
    entity = AE(aet)
    entity.add_requested_context(Verification)
    association = entity.associate(move_to.host, move_to.port, ae_title=move_to.aet)
    try:
        return association.send_c_echo().Status if association.is_established else None
    finally:
        if association.is_established:
            association.release()


def test_runs_use_the_port_of_the_receiver_and_give_what_they_give_without_it(world, stands, tmp_path):
    pacs, folder = world
    assert echo(folder) == 0
    told = run_once(folder, pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.counts["moves"] > 0
    state = standing(port_of(folder))
    assert (state.process, state.lent_to, state.runs) == (stands.pid, 0, 1)
    assert state.connections > 1
    wait_until(lambda: echo(folder) == 0)
    with lying(method="c-move") as (other, node):
        plain = run_once(project(tmp_path / "plain", other, node), other)
    assert told.out == plain.out
    assert len(told.out) == 2 * IMAGES
    shown = json.loads(said(folder, "--state", "--json").output)
    assert (shown["state"], shown["receiver"]["runs"]) == ("stands", 1)
    assert said(folder, "--stop").exit_code == 0
    assert stands.wait(60) == 0
    assert standing(port_of(folder)) is None
    assert said(folder, "--state").exit_code != 0


def test_a_second_run_is_told_who_has_it_and_a_killed_one_gives_it_back(world, stands):
    _, folder = world
    node, move_to = receiver_of(read_project(folder))
    mine = borrow(move_to)
    try:
        with pytest.raises(PacsTransientError, match="lent to another run"):
            receiver.acquire(node, move_to)
        assert json.loads(said(folder, "--state", "--json").output)["state"] == "lent"
        assert standing(move_to.port).lent_to == os.getpid()
    finally:
        mine.give_back(0)
    wait_until(lambda: standing(move_to.port).lent_to == 0)
    told = (
        "import sys, time; from pathlib import Path\n"
        "from pacsflow.projects import read_project; from pacsflow.run.receiving import receiver_of\n"
        "from pacsflow.dicom.dimse.lending import borrow\n"
        f"kept = borrow(receiver_of(read_project(Path({str(folder)!r})))[1]); print('has it', flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", told], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "has it\n"
            assert standing(move_to.port).lent_to == other.pid
        finally:
            other.send_signal(signal.SIGKILL)
    wait_until(lambda: standing(move_to.port).lent_to == 0)
    wait_until(lambda: echo(folder) == 0)


def test_who_was_turned_away_is_told_with_the_state(world, stands):
    _, folder = world
    assert echo(folder, "STRANGER") is None
    wait_until(lambda: "STRANGER" in standing(port_of(folder)).turned_away)
    assert "`from: [{aet:" in json.loads(said(folder, "--state", "--json").output)["receiver"]["turned_away"]
    mine = borrow(receiver_of(read_project(folder))[1])
    mine.give_back(1, "an association of OTHER")
    wait_until(lambda: standing(port_of(folder)).turned_away == "an association of OTHER")


def test_a_second_receiver_says_that_the_port_is_taken(world, stands):
    again = said(world[1])
    assert again.exit_code != 0
    assert isinstance(again.exception, PacsTransientError)
    assert standing(port_of(world[1])).process == stands.pid
