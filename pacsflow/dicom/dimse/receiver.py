"""The listening side of C-MOVE: one storage SCP per process and `move_to`, shared by the lanes that need it."""

import socketserver
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event

from pacsflow.dicom.contract import Sink
from pacsflow.dicom.dimse import takeover
from pacsflow.dicom.dimse.admission import Admission
from pacsflow.dicom.dimse.contexts import acceptance
from pacsflow.dicom.dimse.dialling import server_tls
from pacsflow.dicom.dimse.lending import LentSocket, borrow
from pacsflow.dicom.dimse.serving import serve
from pacsflow.dicom.dimse.stock import incoming
from pacsflow.dicom.dimse.storage import Desk, Waiting
from pacsflow.dicom.dimse.transport import MAXIMUM_PDU, TunedHandler, TunedServer, hang_up
from pacsflow.errors import PacsPermanentError, PacsTransientError
from schemas.pacs import MoveTo, PacsNode

_MOST_ASSOCIATIONS = 200
_CALLING_UNKNOWN, _CALLED_UNKNOWN = (1, 1, 3), (1, 1, 7)
"""Result, source and reason of an A-ASSOCIATE-RJ: permanent, user, AE title not recognised (PS3.8 9.3.4)."""


class Receiver:
    """A running storage SCP and its desk."""

    def __init__(self, move_to: MoveTo, node: PacsNode, *, lent: LentSocket | None = None) -> None:
        """`lent`: a socket that listens already, of a receiver that stands by itself."""
        self.desk = Desk()
        self._lent = lent
        self.users = 0
        self.tls, self.aet = node.tls, move_to.aet
        self.admission = Admission()
        self.admission.add(node)
        self._private: set[str] = set()
        entity = AE(move_to.aet)
        entity.maximum_pdu_size = MAXIMUM_PDU
        entity.maximum_associations = _MOST_ASSOCIATIONS
        entity.network_timeout = node.timeouts.idle
        entity.acse_timeout = node.timeouts.response
        fast = takeover.possible()
        fields = {"admits": staticmethod(self.admission.address), "lent": lent.listening if lent else None}
        server = type("Server", (TunedServer,), fields)
        try:
            self._server = entity.make_server(
                _place(move_to),
                contexts=acceptance(()),
                ssl_context=server_tls(node.tls) if node.tls else None,
                evt_handlers=[
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_REQUESTED, self._requested),
                    *(takeover.handlers() if fast else []),
                ],
                server_class=server,
                request_handler=self._handler(node, fast=fast),
            )
        except OSError as error:
            raise PacsTransientError(
                f"our storage SCP cannot listen on port {move_to.port}: {error.strerror}",
                fix="another program or run holds `fetch.move_to.port`: end it, or give each its own port",
            ) from None
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="storage-scp", daemon=True).start()

    def _handler(self, node: PacsNode, *, fast: bool) -> type[TunedHandler]:
        def prepare(_handler: TunedHandler, association: Association) -> None:
            instead = partial(serve, association, self.desk, timeouts=node.timeouts)
            takeover.hold_back(association, instead)

        fields = {"patience": node.timeouts.response} | ({"prepare": prepare} if fast else {})
        return type("Handler", (TunedHandler,), fields)

    @property
    def connections(self) -> int:
        """How many connections it has received."""
        assert isinstance(self._server, TunedServer)  # noqa: S101 - made so
        return self._server.connections

    def _requested(self, event: Event) -> None:
        """Turn away who calls another AE title than ours, or is not let in from where it comes."""
        asked, address = event.assoc.requestor.primitive, str(event.assoc.requestor.address or "")
        assert asked is not None  # noqa: S101 - told of one that was asked for
        called, calling = str(asked.called_ae_title).strip(), str(asked.calling_ae_title).strip()
        if called != self.aet.strip():
            self.admission.misaddressed(called, address)
            self._reject(event.assoc, _CALLED_UNKNOWN)
        elif not self.admission.title(calling, address):
            self._reject(event.assoc, _CALLING_UNKNOWN)

    @staticmethod
    def _reject(association: Association, why: tuple[int, int, int]) -> None:
        association.acse.send_reject(*why)
        evt.trigger(association, evt.EVT_REJECTED, {})
        association.kill()

    def admit(self, node: PacsNode, private: Iterable[str] = ()) -> None:
        """Let in who sends for `node`, and take these private storage classes too."""
        self.admission.add(node)
        if not self._private.issuperset(private):
            self._private.update(private)
            self._server.contexts = acceptance(self._private)

    def _store(self, event: Event) -> int:
        assert isinstance(event.request, C_STORE)  # noqa: S101 - bound to EVT_C_STORE
        context = event.context
        return self.desk.deliver(incoming(event.request, context.context_id, str(context.transfer_syntax)))

    def connected(self) -> bool:
        """Whether an association with us is open."""
        return bool(self._server.active_associations)

    def stop(self) -> None:
        """Listen no more, end the associations that are left; a socket that was lent goes back."""
        socketserver.BaseServer.shutdown(self._server)
        self._server.server_close()
        for association in self._server.active_associations:
            if association.is_established:
                association.abort()
            if association.dul.socket is not None and association.dul.socket.socket is not None:
                hang_up(association.dul.socket.socket)
        if self._lent is not None:
            self._lent.give_back(self.connections, self.admission.refused())


_running: dict[tuple[str, int], Receiver] = {}
_lock = threading.Lock()


def _place(move_to: MoveTo) -> tuple[str, int]:
    if move_to.port is None:
        raise PacsPermanentError("our storage SCP has no port", fix="set `fetch.move_to.port` in pacs.yaml")
    return move_to.host, move_to.port


def acquire(node: PacsNode, move_to: MoveTo) -> Receiver:
    """The storage SCP of `move_to`, started for its first user. Raises PacsTransientError, PacsPermanentError."""
    with _lock:
        place = _place(move_to)
        receiver = _running.get(place) or _running.setdefault(place, Receiver(move_to, node, lent=borrow(move_to)))
        if receiver.tls != node.tls:
            raise PacsPermanentError(
                f"port {move_to.port} already serves a node with other TLS settings",
                fix="give each of these nodes its own `fetch.move_to.port`",
            )
        if receiver.aet != move_to.aet:
            raise PacsPermanentError(
                f"port {move_to.port} already serves a node with another `fetch.move_to.aet`",
                fix="give them the same AE title, or each its own `fetch.move_to.port`",
            )
        receiver.users += 1
        receiver.admit(node, node.sop_classes)
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
    place = Waiting(node.calling_aet, study_uid, sink, receiver.connected, receiver.desk.touched)
    receiver.desk.enter(place)
    try:
        yield place
    finally:
        receiver.desk.leave(place)
