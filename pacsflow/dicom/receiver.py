"""The listening side of C-MOVE: one storage SCP per process and `move_to`, shared by the lanes that need it."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event

from pacsflow.dicom import takeover
from pacsflow.dicom.contexts import acceptance
from pacsflow.dicom.contract import Sink
from pacsflow.dicom.dialling import server_tls
from pacsflow.dicom.stock import incoming
from pacsflow.dicom.storage import Desk, Waiting
from pacsflow.dicom.transport import MAXIMUM_PDU, TunedHandler, TunedServer, hang_up
from pacsflow.errors import PacsPermanentError, PacsTransientError
from schemas.pacs import MoveTo, PacsNode

_MOST_ASSOCIATIONS = 200


class Receiver:
    """A running storage SCP and its desk."""

    def __init__(self, move_to: MoveTo, node: PacsNode) -> None:
        self.desk = Desk()
        self.users = 0
        self.tls = node.tls
        self._private: set[str] = set()
        entity = AE(move_to.aet)
        entity.maximum_pdu_size = MAXIMUM_PDU
        entity.maximum_associations = _MOST_ASSOCIATIONS
        entity.network_timeout = node.timeouts.idle
        entity.acse_timeout = node.timeouts.response
        fast = takeover.possible()
        try:
            self._server = entity.make_server(
                _place(move_to),
                contexts=acceptance(()),
                ssl_context=server_tls(node.tls) if node.tls else None,
                evt_handlers=[(evt.EVT_C_STORE, self._store), *(takeover.handlers() if fast else [])],
                server_class=TunedServer,
                request_handler=self._handler(node, fast=fast),
            )
        except OSError as error:
            raise PacsTransientError(
                f"our storage SCP cannot listen on port {move_to.port}: {error.strerror}",
                remedy="another program or run holds `fetch.move_to.port`: end it, or give each its own port",
            ) from None
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="storage-scp", daemon=True).start()

    def _handler(self, node: PacsNode, *, fast: bool) -> type[TunedHandler]:
        def prepare(_handler: TunedHandler, association: Association) -> None:
            serve = partial(takeover.serve, association, self.desk.deliver, idle=node.timeouts.idle)
            takeover.hold_back(association, serve)

        fields = {"patience": node.timeouts.response} | ({"prepare": prepare} if fast else {})
        return type("Handler", (TunedHandler,), fields)

    @property
    def connections(self) -> int:
        """How often anybody has connected to it."""
        assert isinstance(self._server, TunedServer)  # noqa: S101 - made so
        return self._server.connections

    def admit(self, private: list[str]) -> None:
        """Take these private storage classes too."""
        if not self._private.issuperset(private):
            self._private.update(private)
            self._server.contexts = acceptance(self._private)

    def _store(self, event: Event) -> int:
        assert isinstance(event.request, C_STORE)  # noqa: S101 - bound to EVT_C_STORE
        context = event.context
        return self.desk.deliver(incoming(event.request, context.context_id, str(context.transfer_syntax)))

    def connected(self) -> bool:
        """Whether anybody has an association with us."""
        return bool(self._server.active_associations)

    def stop(self) -> None:
        """Listen no more, end the associations that are left."""
        socketserver.BaseServer.shutdown(self._server)
        self._server.server_close()
        for association in self._server.active_associations:
            if association.is_established:
                association.abort()
            if association.dul.socket is not None and association.dul.socket.socket is not None:
                hang_up(association.dul.socket.socket)


_running: dict[tuple[str, int], Receiver] = {}
_lock = threading.Lock()


def _place(move_to: MoveTo) -> tuple[str, int]:
    if move_to.port is None:
        raise PacsPermanentError("our storage SCP has no port", remedy="set `fetch.move_to.port` in pacs.yaml")
    return move_to.host, move_to.port


def acquire(node: PacsNode, move_to: MoveTo) -> Receiver:
    """The storage SCP of `move_to`, started for its first user. Raises PacsTransientError, PacsPermanentError."""
    with _lock:
        place = _place(move_to)
        receiver = _running.get(place) or _running.setdefault(place, Receiver(move_to, node))
        if receiver.tls != node.tls:
            raise PacsPermanentError(
                f"port {move_to.port} already serves a node with other TLS settings",
                remedy="give each of these nodes its own `fetch.move_to.port`",
            )
        receiver.users += 1
        receiver.admit(node.sop_classes)
        return receiver


def give_back(receiver: Receiver) -> None:
    """Stop the storage SCP with its last user."""
    with _lock:
        receiver.users -= 1
        if receiver.users:
            return
        for place in [place for place, running in _running.items() if running is receiver]:
            del _running[place]
    receiver.stop()


@contextmanager
def waiting(receiver: Receiver, node: PacsNode, *, study_uid: str, sink: Sink) -> Iterator[Waiting]:
    """A place at the desk for the time of a C-MOVE."""
    place = Waiting(node.calling_aet, study_uid, sink, receiver.connected)
    receiver.desk.enter(place)
    try:
        yield place
    finally:
        receiver.desk.leave(place)
