"""A storage SCP that stands by itself: a process owns AE title and port, and lends its listening socket to runs.

What a run's C-MOVE brings goes into the run's own process, de-identifier and all; nothing passes through the process
that lends, and nothing is kept by it. One run has the socket at a time. While none has it, echoes are answered here and
whatever else comes is refused. The two speak by a socket of Unix in a folder of their user.
"""

import array
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import platformdirs

from pacsflow.errors import LedgerError, PacsTransientError
from pacsflow.processes import born
from schemas.pacs import MoveTo

_SECONDS: Final = 10.0
_LONGEST: Final = 1 << 16
_MOST_TOLD: Final = 500
"""Letters of who was turned away that are told."""
BUSY: Final = "the receiver on port {port} is lent to another run"


@dataclass(frozen=True)
class StandingState:
    """A receiver that stands by itself. `since`, `lent_since`: seconds since 1970. `lent_to`: a process, 0 for none.

    `runs`: how often it was lent; `connections`: how many came to those runs that gave it back, and to itself.
    `turned_away`: who was not let in, in words, the last ones.
    """

    aet: str
    port: int
    process: int
    since: float
    lent_to: int = 0
    lent_since: float = 0.0
    runs: int = 0
    connections: int = 0
    turned_away: str = ""


class LentSocket:
    """A listening socket that is ours until it is given back, or this process ends. `control`: to whom it belongs."""

    def __init__(self, listening: socket.socket, control: socket.socket | None = None) -> None:
        self.listening, self._control = listening, control

    def give_back(self, connections: int, turned_away: str = "") -> None:
        """Let the process that owns it listen again. `connections`: how many were received; and who was not let in."""
        self.listening.close()
        if self._control is not None:
            told = {"connections": connections, "turned_away": turned_away[:_MOST_TOLD]}
            with self._control, suppress(OSError):
                self._control.sendall(_line(told))


def borrow(move_to: MoveTo) -> LentSocket | None:
    """The socket of the receiver that stands on a port of this machine; None where none stands there.

    Raises PacsTransientError where another run has it, it is of another AE title, or it does not answer.
    """
    control = _dialled(move_to.port)
    if control is None:
        return None
    try:
        listening, facts = _lent(control)
    except (OSError, ValueError):
        control.close()
        fix = "pacsflow receive PROJECT --state; where it does not answer either, end its process and start it again"
        raise PacsTransientError(f"the receiver on port {move_to.port} does not answer", fix=fix) from None
    if listening is None or facts.get("aet") != move_to.aet:
        for each in (listening, control):
            if each:
                each.close()
        if listening is None:
            fix = "wait until that run has ended; pacsflow receive PROJECT --state says since when"
            raise PacsTransientError(BUSY.format(port=move_to.port), fix=fix)
        told_title = f"the receiver on port {move_to.port} has another AE title than `fetch.move_to.aet`"
        raise PacsTransientError(told_title, fix="pacsflow receive PROJECT --stop, then start that of this project")
    return LentSocket(listening, control)


def _lent(control: socket.socket) -> tuple[socket.socket | None, dict[str, Any]]:
    """The socket that the other side lends, None where it does not; and what it says. Raises OSError, ValueError."""
    control.sendall(_line({"ask": "borrow", "process": os.getpid()}))
    size = array.array("i").itemsize
    told, ancillary, _, _ = control.recvmsg(_LONGEST, socket.CMSG_SPACE(size))
    numbers = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            numbers.frombytes(data[: len(data) - len(data) % size])
    listening = socket.socket(fileno=numbers[0]) if numbers else None
    return listening, json.loads(told or b"{}")


def listening_on(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises PacsTransientError where the port is taken."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, _, _, address = found[0]
    listening = socket.socket(family, kind)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        fix = "another program, run or receiver holds `fetch.move_to.port`: end it, or take another port"
        raise PacsTransientError(f"our storage SCP cannot listen on port {port}: {error.strerror}", fix=fix) from None
    return listening


def standing(port: int | None) -> StandingState | None:
    """The receiver that stands on a port of this machine; None where none does."""
    told = _asked(port, "state")
    return StandingState(**told) if told else None


def stop_standing(port: int | None) -> bool:
    """Ask the receiver on a port to end, once no run has its socket any more; False where none stands there."""
    return _asked(port, "stop") is not None


class Idle(Protocol):
    """Who answers while no run has the socket. Called, it begins (`here`) or ends; it gives the connections it had."""

    def __call__(self, *, here: bool) -> int:
        """Begin or end."""

    def turned_away(self) -> str:
        """Who was not let in since this was last asked, in words; '' where nobody was."""


@contextmanager
def lender(state: StandingState, listening: socket.socket, on: Idle) -> Iterator[threading.Event]:
    """Within it runs borrow the socket; the event is set once somebody asked for the end.

    `on` is told whether the socket is here or lent, and gives the connections received meanwhile.
    Raises LedgerError where the place for the two to meet cannot be made.
    """
    desk = _Lender(state, listening, on)
    place = _place(state.port, make=True)
    try:
        meeting = _bound(place)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise LedgerError(f"a receiver cannot stand here: {why}", fix="look at the rights of the folder") from None
    thread = threading.Thread(target=desk.serve, args=(meeting,), daemon=True, name="lender")
    thread.start()
    try:
        yield desk.ended
    finally:
        meeting.close()
        place.unlink(missing_ok=True)


class _Lender:
    def __init__(self, state: StandingState, listening: socket.socket, on: Idle) -> None:
        self._facts: dict[str, Any] = asdict(state)
        self._listening, self._on = listening, on
        self._lock = threading.Lock()
        self.ended = threading.Event()

    def serve(self, meeting: socket.socket) -> None:
        with suppress(OSError):  # it was closed: the end
            while True:
                control, _ = meeting.accept()
                threading.Thread(target=self._answer, args=(control,), daemon=True, name="lent").start()

    def _answer(self, control: socket.socket) -> None:
        with control, suppress(OSError, ValueError, KeyError):
            control.settimeout(_SECONDS)
            asked = json.loads(_read(control))
            if asked["ask"] == "borrow":
                self._lend(control, int(asked["process"]))
            else:
                self._tell_away(self._on.turned_away())
                control.sendall(_line(self._facts))
            if asked["ask"] == "stop":
                self.ended.set()

    def _lend(self, control: socket.socket, process: int) -> None:
        with self._lock:
            free = not self._facts["lent_to"] or not born(self._facts["lent_to"])
            if free:
                number = self._facts["runs"] + 1
                self._facts |= {"lent_to": process, "lent_since": time.time(), "runs": number}
        if not free:
            control.sendall(_line({"busy": True}))
            return
        try:
            self._count(self._on(here=False))
            socket.send_fds(control, [_line({"aet": self._facts["aet"]})], [self._listening.fileno()])
            control.settimeout(None)
            back = _read(control)  # b"" where the run was killed
            told = json.loads(back) if back else {}
            self._count(int(told.get("connections", 0)))
            self._tell_away(str(told.get("turned_away", "")))
        finally:
            with self._lock:
                ours = self._facts["runs"] == number  # else another run has it: a child of ours held the line open
                if ours:
                    self._facts |= {"lent_to": 0, "lent_since": 0.0}
            if ours:
                self._on(here=True)

    def _tell_away(self, who: str) -> None:
        """Keep who was turned away, until others are."""
        if who:
            with self._lock:
                self._facts["turned_away"] = who[:_MOST_TOLD]

    def _count(self, connections: int) -> None:
        with self._lock:
            self._facts["connections"] += connections


def _line(facts: object) -> bytes:
    return json.dumps(facts).encode() + b"\n"


def _read(control: socket.socket) -> bytes:
    """One line of the other side, which may come in pieces; b"" where it is gone."""
    said = b""
    while not said.endswith(b"\n") and len(said) < _LONGEST and (piece := control.recv(_LONGEST)):
        said += piece
    return said


def _asked(port: int | None, ask: str) -> dict[str, Any] | None:
    control = _dialled(port)
    if control is None:
        return None
    with control, suppress(OSError, ValueError):
        control.sendall(_line({"ask": ask}))
        found: dict[str, Any] = json.loads(_read(control))
        return found
    return None


def _place(port: int | None, *, make: bool = False) -> Path:
    """Where those who lend and borrow meet; a folder of this user alone."""
    folder = platformdirs.user_state_path("pacsflow", appauthor=False) / "receivers"
    if make:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{port}.sock"


@contextmanager
def _short(place: Path) -> Iterator[str]:
    """A path below 108 bytes to a place, whatever its folder is called (sun_path of unix(7))."""
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{place.name}"
    finally:
        os.close(folder)


def _bound(place: Path) -> socket.socket:
    place.unlink(missing_ok=True)  # of one that was killed: who stands holds the port itself
    meeting = socket.socket(socket.AF_UNIX)
    with _short(place) as path:
        meeting.bind(path)
    place.chmod(0o600)
    meeting.listen()
    return meeting


def _dialled(port: int | None) -> socket.socket | None:
    place = _place(port)
    if not hasattr(socket, "AF_UNIX") or not place.exists():
        return None
    control = socket.socket(socket.AF_UNIX)
    control.settimeout(_SECONDS)
    try:
        with _short(place) as path:
            control.connect(path)
    except OSError:
        control.close()
        return None
    return control
