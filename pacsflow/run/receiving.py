"""Our storage SCP as a process of its own: it owns AE title and port, and lends them to the runs of C-MOVE."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pacsflow.dicom.dimse.lending import LentSocket, StandingState, lender, listening_on, standing, stop_standing
from pacsflow.dicom.dimse.receiver import Receiver
from pacsflow.errors import ProjectError
from pacsflow.projects.project import Project
from pacsflow.system import need_lent_sockets
from schemas.pacs import MoveTo, PacsNode

__all__ = ["StandingState", "receiver_of", "receiving", "standing", "stop_standing"]


def receiver_of(project: Project) -> tuple[PacsNode, MoveTo]:
    """The node that sends, and where we receive. Raises ProjectError where images do not come by C-MOVE to us."""
    node, move_to = project.pacs, project.pacs.fetch.move_to
    if move_to is None or not move_to.ours or move_to.port is None:
        fix = "fetch: {move_to: {aet: PACSFLOW, port: 11113}}"
        raise ProjectError.at("pacs.yaml", "names no receiver of ours (`fetch.move_to`)", fix)
    return node, move_to


@contextmanager
def receiving(project: Project) -> Iterator[Callable[[float], bool]]:
    """Within it a receiver stands; what is yielded waits so many seconds, and is true once the end was asked for.

    Raises PacsTransientError where the port is taken, ProjectError where the project receives nothing, UnsupportedError
    where the operating system cannot.
    """
    need_lent_sockets()
    node, move_to = receiver_of(project)
    listening = listening_on(move_to.host, move_to.port or 0)
    idle = _Idle(node, move_to, listening)
    state = StandingState(move_to.aet, move_to.port or 0, os.getpid(), time.time())
    with listening:
        try:
            with lender(state, listening, idle) as ended:
                idle(here=True)
                yield ended.wait
        finally:
            idle(here=False)


class _Idle:
    """Who answers while no run has the socket: echoes; every image is refused, as no retrieval waits for it."""

    def __init__(self, node: PacsNode, move_to: MoveTo, listening: socket.socket) -> None:
        self._node, self._move_to, self._listening = node, move_to, listening
        self._receiver: Receiver | None = None
        self._lock = threading.Lock()
        self._away = ""

    def __call__(self, *, here: bool) -> int:
        """Begin or end to answer; how many connections came."""
        with self._lock:
            receiver, self._receiver = self._receiver, None
            if receiver is not None:
                self._away = receiver.admission.refused() or self._away
                with suppress(OSError):
                    receiver.stop()
            if here:
                self._receiver = Receiver(self._move_to, self._node, lent=LentSocket(self._listening.dup()))
            return receiver.connections if receiver else 0

    def turned_away(self) -> str:
        """See `lending.Idle`."""
        with self._lock:
            told = self._receiver.admission.refused() if self._receiver else ""
            told, self._away = told or self._away, ""
            return told
