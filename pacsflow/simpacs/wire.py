"""Messages on an association, whole or in part: what PS3.7 and PS3.8 put around a dataset.

pynetdicom negotiates and receives. Sending goes straight to the socket, so that encoded datasets leave as they are
and a fault can stop in the middle of one.
"""

import socket
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import cast

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.presentation import PresentationContext

from pacsflow.simpacs.archive import Encoded

LARGEST = 1 << 20
"""Length of a PDU for peers that set no limit."""
STORE_RQ, GET_RSP, FIND_RSP, MOVE_RSP = 0x0001, 0x8010, 0x8020, 0x8021
NO_DATASET, DATASET = 0x0101, 0x0001


class Gone(Exception):  # noqa: N818, an ending, not always an error
    """The association has ended, by either side."""


def command(elements: Mapping[int, str | int]) -> bytes:
    """A command set (PS3.7 6.3.1): element number of group 0000 -> text or unsigned short."""
    body = b""
    for number, value in sorted(elements.items()):
        data = struct.pack("<H", value) if isinstance(value, int) else value.encode("ascii")
        pad = b" " if number == 0x1030 else b"\0"  # noqa: PLR2004, Move Originator AE is the only AE sent
        data += pad * (len(data) % 2)
        body += struct.pack("<HHI", 0, number, len(data)) + data
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def pdus(context_id: int, command_set: bytes, dataset: Encoded, limit: int) -> Iterator[Encoded]:
    """The P-DATA-TF PDUs (PS3.8 9.3.5) of a message, in pieces; `limit` is the peer's maximum length, 0 for none."""
    room = min(limit or LARGEST, LARGEST) - 6
    for data, more, last in ((command_set, 1, 3), (dataset, 0, 2)):
        for begin in range(0, len(data), room):
            piece = data[begin : begin + room]
            control = last if begin + room >= len(data) else more
            yield struct.pack(">BBIIBB", 4, 0, len(piece) + 6, len(piece) + 2, context_id, control)
            yield piece


def joined(pieces: Iterable[Encoded]) -> Iterator[bytes]:
    """The pieces, small ones together: a message in one go, but of a large one never all."""
    batch = bytearray()
    for piece in pieces:
        batch += piece
        if len(batch) >= LARGEST:
            yield bytes(batch)
            batch.clear()
    yield bytes(batch)


def quicken(association: Association) -> None:
    """Switch off Nagle's algorithm on the association's socket, and have it closed at the end.

    pynetdicom leaves a socket open that the peer, or `Wire.cut`, has shut down before.
    """
    raw = _socket(association)
    if raw is not None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        association.bind(evt.EVT_CONN_CLOSE, lambda _: raw.close())


def nul_titles(association: Association) -> None:
    """Have an association ask with AE titles padded with NUL, bytes 10 to 41 of its first PDU (PS3.8 9.3.2)."""
    quicken(association)
    carrier = association.dul.socket
    send = carrier.send if carrier else None

    def padded(bytestream: bytes) -> None:
        if bytestream[:1] == b"\x01":
            titles = b"".join(bytestream[at : at + 16].rstrip(b" ").ljust(16, b"\0") for at in (10, 26))
            bytestream = bytestream[:10] + titles + bytestream[42:]
        if send:
            send(bytestream)

    if carrier:
        carrier.send = padded  # type: ignore[method-assign]


class Wire:
    """One association to send on. All methods raise Gone once it has ended."""

    def __init__(self, association: Association) -> None:
        self.association = association
        self._message = 0

    def send(self, message: Encoded | Iterable[Encoded]) -> None:
        """Send PDUs, or a part of one."""
        for piece in (message,) if isinstance(message, Encoded) else joined(message):
            self._send(piece)

    def _send(self, message: Encoded) -> None:
        raw = _socket(self.association)
        try:
            if raw is None or not self.association.is_established:
                raise Gone
            raw.sendall(message)
        except OSError as error:
            raise Gone from error

    def respond(self, context: PresentationContext, command_set: Mapping[int, str | int], dataset: bytes = b"") -> None:
        """Send a response to a C-GET or C-MOVE."""
        kind = {0x0800: DATASET if dataset else NO_DATASET}
        self.send(self._pdus(context, {**command_set, **kind}, dataset))

    def store(
        self,
        context: PresentationContext,
        instance: tuple[str, str],
        dataset: Encoded,
        *,
        extra: Mapping[int, str | int],
    ) -> Iterator[Encoded]:
        """The C-STORE request for `instance` (SOP class, SOP instance); `extra`: elements about the C-MOVE."""
        self._message = self._message % 0xFFFF + 1
        request: dict[int, str | int] = {
            0x0002: instance[0],
            0x0100: STORE_RQ,
            0x0110: self._message,
            0x0700: 0,
            0x0800: DATASET,
        }
        return self._pdus(context, {**request, 0x1000: instance[1], **extra}, dataset)

    def stored(self) -> int:
        """Status of the C-STORE response that comes next."""
        _, message = self.association.dimse.get_msg(block=True)
        if not isinstance(message, C_STORE) or message.Status is None:
            raise Gone
        return int(message.Status)

    def cancelled(self, message_id: int) -> bool:
        """Whether the peer has cancelled its request (PS3.7 9.3.2.3)."""
        return message_id in self.association.dimse.cancel_req

    def abort(self) -> None:
        """Send an A-ABORT."""
        self.association.abort(block=False)

    def cut(self) -> None:
        """Close the connection without an A-ABORT."""
        raw = _socket(self.association)
        if raw is not None:
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)

    def context_for(self, sop_class: str, syntaxes: tuple[str, ...]) -> PresentationContext | None:
        """The accepted context under which we may send `sop_class`, in the first of `syntaxes` there is."""
        for syntax in syntaxes:
            for context in self.association.accepted_contexts:
                if context.abstract_syntax == sop_class and context.transfer_syntax[0] == syntax and context.as_scu:
                    return context
        return None

    def _pdus(
        self, context: PresentationContext, command_set: Mapping[int, str | int], dataset: Encoded
    ) -> Iterator[Encoded]:
        limit = self.association.dimse.maximum_pdu_size
        return pdus(cast("int", context.context_id), command(command_set), dataset, limit)


@contextmanager
def alone(association: Association) -> Iterator[Wire]:
    """A wire whose responses are not taken away by pynetdicom's own loop."""
    association._reactor_checkpoint.clear()  # noqa: SLF001, as pynetdicom's send_c_store does
    pause = threading.Event()
    while not association._is_paused and association.is_alive():  # noqa: SLF001
        pause.wait(0.001)
    try:
        yield Wire(association)
    finally:
        association._reactor_checkpoint.set()  # noqa: SLF001


def _socket(association: Association) -> socket.socket | None:
    wrapper = association.dul.socket
    return None if wrapper is None else wrapper.socket
