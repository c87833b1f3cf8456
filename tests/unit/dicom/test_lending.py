"""A receiver that stands by itself and those that borrow from it: whoever dies, hangs or says much."""

import json
import socket
import subprocess
import sys
import time

import pytest

from pacsflow.dicom.dimse import lending
from pacsflow.errors import PacsTransientError
from peers.ports import free_port, wait_until
from schemas.pacs import MoveTo


class Idle:
    """Counts who has the socket: 1 while it is here."""

    def __init__(self, said=""):
        self.here, self.said = 0, said

    def __call__(self, *, here):
        self.here += 1 if here else -1
        return 0

    def turned_away(self):
        return self.said


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Where a receiver stands: port, and who answers meanwhile."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    port, idle = free_port(), Idle()
    state = lending.StandingState("PACSFLOW", port, 1, time.time())
    with lending.listening_on("127.0.0.1", port) as listening, lending.lender(state, listening, idle):
        idle(here=True)
        yield port, idle


def test_a_run_that_is_gone_and_whose_child_holds_the_line_takes_the_port_from_nobody(desk):
    port, idle = desk
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with socket.socket(socket.AF_UNIX) as held:
        with lending._short(lending._place(port)) as path:
            held.connect(path)
        held.sendall(json.dumps({"ask": "borrow", "process": gone.pid}).encode() + b"\n")
        held.recv(100)
        second = lending.borrow(MoveTo(aet="PACSFLOW", port=port))
        assert second
    with pytest.raises(PacsTransientError, match="lent to another run"):
        lending.borrow(MoveTo(aet="PACSFLOW", port=port))
    assert idle.here < 1, "nobody answers beside the run that has the port"
    second.give_back(3)
    wait_until(lambda: lending.standing(port).lent_to == 0)
    assert lending.standing(port).connections == 3


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f4a9", '"'])
def test_whoever_was_turned_away_the_state_is_told(desk, letter):
    port, idle = desk
    idle.said = letter * 5000
    assert lending.standing(port).turned_away == letter * 500


def test_a_receiver_that_hangs_is_an_error_that_may_pass(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(lending, "_SECONDS", 0.2)
    place = lending._place(11999, make=True)
    with socket.socket(socket.AF_UNIX) as silent:
        with lending._short(place) as path:
            silent.bind(path)
        silent.listen()
        with pytest.raises(PacsTransientError, match="does not answer"):
            lending.borrow(MoveTo(aet="PACSFLOW", port=11999))
        assert lending.standing(11999) is None
