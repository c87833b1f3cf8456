"""pynetdicom on tuned sockets, and silent: no Nagle, no delayed acknowledgement, no patient in a log."""

import logging
import socket
import time
from collections.abc import Callable
from errno import EMSGSIZE
from typing import Any

import pydicom.config
import pynetdicom._config
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.transport import (
    T_CONNECT,
    AddressInformation,
    AssociationSocket,
    RequestHandler,
    ThreadedAssociationServer,
)

LOG = logging.getLogger(__name__)
MAXIMUM_PDU = 1 << 20
_PDU_HEADER = 6
_SLOWEST = 1000
"""Bytes per second that a PDU read for pynetdicom comes with at least."""
_ASSOCIATE = (b"\x01", b"\x02")
"""Types of the PDUs that ask for and accept an association."""
_TITLES = ((4, 20), (20, 36))
"""Where the called and the calling AE title stand in their bodies."""

# What pynetdicom and pydicom say of themselves holds patients' data: identifiers in full, values in warnings.
pynetdicom._config.LOG_HANDLER_LEVEL = "none"  # noqa: SLF001
pynetdicom._config.LOG_REQUEST_IDENTIFIERS = False  # noqa: SLF001
pynetdicom._config.LOG_RESPONSE_IDENTIFIERS = False  # noqa: SLF001
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


def tune(sock: socket.socket) -> None:
    """Send at once, acknowledge at once: against a peer with Nagle's algorithm on, 40 ms per message."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    acknowledge(sock)


def acknowledge(sock: socket.socket) -> None:
    """Acknowledge at once; the kernel forgets this option, so it is set again after each read."""
    if hasattr(socket, "TCP_QUICKACK"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class TunedSocket(AssociationSocket):
    """pynetdicom's socket: tuned, read in one piece, closed for certain, silent for `patience` seconds at most."""

    def __init__(self, assoc: Association, client_socket: socket.socket, *, patience: float) -> None:
        super().__init__(assoc, client_socket=client_socket)
        self._associating = False
        self._patience = patience
        client_socket.settimeout(patience)
        tune(client_socket)

    def recv(self, nr_bytes: int) -> bytearray:
        """`nr_bytes` from the peer, fewer where the connection has ended, or they come too slowly.

        Raises OSError for more than a PDU has.
        """
        assert self.socket is not None  # noqa: S101 - pynetdicom reads open sockets only
        if nr_bytes > MAXIMUM_PDU + _PDU_HEADER:
            raise OSError(EMSGSIZE, "a PDU longer than was agreed")
        data = bytearray(nr_bytes)
        view, read = memoryview(data), 0
        end = time.monotonic() + self._patience + nr_bytes / _SLOWEST
        while read < nr_bytes and time.monotonic() < end:
            count = self.socket.recv_into(view[read:])
            if not count:
                break
            read += count
            acknowledge(self.socket)
        view.release()
        del data[read:]
        if self._associating:
            _blank_titles(data)
        self._associating = nr_bytes == _PDU_HEADER and data[:1] in _ASSOCIATE
        return data

    def _shutdown_socket(self) -> None:
        if self.socket is not None:
            hang_up(self.socket)


def _blank_titles(body: bytearray) -> None:
    """Both AE titles of an A-ASSOCIATE PDU (PS3.8 9.3.2), padded with blanks where a NUL ends them.

    Some nodes pad so, and pynetdicom refuses the character.
    """
    for begin, end in _TITLES:
        title = bytes(body[begin:end])
        if len(title) == end - begin and b"\0" in title:
            body[begin:end] = title.partition(b"\0")[0].ljust(end - begin)


class DialledSocket(TunedSocket):
    """A socket that is already connected when pynetdicom asks it to connect."""

    def __init__(self, assoc: Association, client_socket: socket.socket, *, patience: float) -> None:
        super().__init__(assoc, client_socket, patience=patience)
        self.event_queue.get_nowait()  # "incoming connection": ours is an outgoing one
        self._is_connected = False  # or pynetdicom reads before its state machine has begun
        self._ready.clear()

    def connect(self, primitive: T_CONNECT) -> None:
        """Report to pynetdicom's state machine that the connection is open."""
        self._is_connected = True
        evt.trigger(self.assoc, evt.EVT_CONN_OPEN, {"address": primitive.address_info.as_tuple})
        primitive.result = "Evt2"
        self.provider_queue.put(primitive)
        self._ready.set()


class CallingEntity(AE):
    """An application entity whose association uses the one socket it was given; `prepare` sees it first."""

    def __init__(
        self, title: str, sock: socket.socket, *, patience: float, prepare: Callable[[Association], None]
    ) -> None:
        super().__init__(title)
        self._socket, self._patience, self._prepare = sock, patience, prepare

    def _create_socket(self, assoc: Association, address: AddressInformation, tls_args: Any) -> AssociationSocket:  # noqa: ARG002
        self._prepare(assoc)
        return DialledSocket(assoc, self._socket, patience=self._patience)


class TunedHandler(RequestHandler):
    """Incoming associations on tuned sockets; `prepare` sees each before it is negotiated."""

    patience = 120.0
    prepare: Callable[[Association], None] | None = None

    def _create_association(self) -> Association:
        association = super()._create_association()
        association.dul.event_queue.get_nowait()  # the socket that takes over reports it again
        association.dul.socket = TunedSocket(association, self.request, patience=self.patience)
        if self.prepare:
            self.prepare(association)
        return association


class TunedServer(ThreadedAssociationServer):
    """Accepts connections without waiting for their TLS handshake, and keeps its faults out of standard error.

    `connections` counts them. `admits`: whether one from an address is served; others are closed at once.
    """

    connections = 0
    admits: Callable[[str], bool] = staticmethod(lambda _: True)
    lent: socket.socket | None = None
    """A socket that listens already and is not ours: it is used, and closed here without ending it for its owner."""

    def server_bind(self) -> None:
        """Bind our socket, or take the one that was lent."""
        if self.lent is None:
            super().server_bind()
            return
        if self.socket is not None:
            self.socket.close()
        self.socket = self.lent.dup()
        self.socket.settimeout(self.ae.network_timeout)
        self.server_address = self.socket.getsockname()

    def server_close(self) -> None:
        """Listen no more; where the socket was lent, others go on to listen on it."""
        if self.lent is None:
            super().server_close()
        elif self.socket is not None:
            self.socket.close()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """A connection; the handshake is done by the thread that reads from it first."""
        assert self.socket is not None  # noqa: S101 - it listens
        client, address = self.socket.accept()
        if not self.admits(str(address[0])):
            hang_up(client)
            raise ConnectionRefusedError
        self.connections += 1
        if self.ssl_context:
            client = self.ssl_context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        return client, address

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log a connection that could not be served, without its content."""
        LOG.warning("an incoming connection could not be served")


def hang_up(sock: socket.socket) -> None:
    """Close the connection both ways; a reader that is waiting wakes up."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        sock.close()
