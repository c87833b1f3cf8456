"""Protocol data units on a socket (PS3.8 9.3): read through one large buffer, sent in one piece."""

import select
import socket
import ssl
import struct
import time
from math import inf

from pacsflow.dicom.budget import Budget
from pacsflow.dicom.dimse.broken import INVALID_PARAMETER, CutError, NonsenseError, SilenceError
from pacsflow.dicom.dimse.transport import acknowledge, hang_up
from pacsflow.errors import PacsTransientError

P_DATA, RELEASE_REQUEST, RELEASE_RESPONSE, ABORT = 4, 5, 6, 7
_KNOWN = range(1, 8)
_HEADER = struct.Struct(">BxI")
_PDV = struct.Struct(">IBB")
_ABORT_BY_PROVIDER = 2
_UNRECOGNIZED = 1


class PduStream:
    """PDUs of at most `longest` bytes from and to a connected socket, which it closes.

    `budget`: that of the conversation that is under way, which all that is read spends from.
    """

    budget: Budget | None = None

    def __init__(self, sock: socket.socket, *, longest: int) -> None:
        self._sock = sock
        self._longest = longest
        self._buffer = bytearray(2 * longest + _HEADER.size)
        self._view = memoryview(self._buffer)
        self._begin = self._end = 0
        self._patience: float | None = None
        self._until = inf
        """Monotonic time after which nothing more is read."""
        self.closed = False

    def receive(self, seconds: float) -> tuple[int, memoryview]:
        """Type and content of the next PDU; the content holds until the next call.

        Raises SilenceError where no byte came for `seconds` (what has come is kept), EndlessError where the budget is
        spent, CutError at the end of the connection, NonsenseError for what is not a PDU.
        """
        while True:
            have = self._end - self._begin
            if have >= _HEADER.size:
                kind, length = _HEADER.unpack_from(self._buffer, self._begin)
                self._check(kind, length)
                if have >= _HEADER.size + length:
                    begin = self._begin + _HEADER.size
                    self._begin = begin + length
                    return kind, self._view[begin : self._begin]
            self._fill(seconds)

    def _check(self, kind: int, length: int) -> None:
        if kind not in _KNOWN:
            raise NonsenseError("an unknown kind of PDU", reason=_UNRECOGNIZED)
        if length > self._longest:
            raise NonsenseError("a PDU longer than was agreed", reason=INVALID_PARAMETER)

    def _fill(self, seconds: float) -> None:
        if self._begin == self._end:
            self._begin = self._end = 0
        elif len(self._buffer) - self._begin < self._longest + _HEADER.size:
            rest = self._end - self._begin
            self._view[:rest] = self._view[self._begin : self._end]
            self._begin, self._end = 0, rest
        if time.monotonic() > self._until:
            raise SilenceError("the node did not come to an end in time")
        count = self._read_into(self._view[self._end :], seconds)
        if not count:
            raise CutError("the node ended the connection")
        self._end += count
        if self.budget is not None:
            self.budget.spend(count)

    def _read_into(self, free: memoryview, seconds: float) -> int:
        try:
            if seconds != self._patience:
                self._sock.settimeout(seconds)
                self._patience = seconds
            count = self._sock.recv_into(free)
            acknowledge(self._sock)
        except TimeoutError:
            raise SilenceError(f"the node said nothing for {seconds:g} s") from None
        except OSError as error:
            raise CutError(f"the connection to the node was lost: {error.strerror or 'TLS'}") from None
        return count

    def send(self, data: bytes) -> None:
        """All of `data`. Raises CutError."""
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise CutError(f"the connection to the node was lost: {error.strerror or 'timed out'}") from None

    def pending(self) -> bool:
        """Whether something is there to be read, the end of the connection included."""
        if self._end > self._begin or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
            return True
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))

    def abort(self, reason: int | None = None) -> None:
        """A-ABORT, as the user or (with a `reason`) as the provider, and the end of the connection."""
        source = 0 if reason is None else _ABORT_BY_PROVIDER
        self._last_word(ABORT, bytes((0, 0, source, reason or 0)))

    def _last_word(self, kind: int, content: bytes) -> None:
        if not self.closed:
            self.closed = True
            try:
                self._sock.settimeout(1)
                self._sock.sendall(_HEADER.pack(kind, len(content)) + content)
            except OSError:
                pass
            finally:
                hang_up(self._sock)

    def release(self, seconds: float) -> None:
        """A-RELEASE: asked, answered (also where both ask at once), and the end of the connection (PS3.8 7.2).

        `seconds` are for all of it: where the peer goes on to send something else, the association is aborted.
        """
        if self.closed:
            return
        self.budget, self._until = None, time.monotonic() + seconds
        try:
            self.send(_HEADER.pack(RELEASE_REQUEST, 4) + bytes(4))
            while (kind := self.receive(seconds)[0]) not in (RELEASE_RESPONSE, ABORT):
                if kind == RELEASE_REQUEST:
                    self.send(_HEADER.pack(RELEASE_RESPONSE, 4) + bytes(4))
        except PacsTransientError:
            self.abort()
        self.close()

    def released(self) -> None:
        """Answer the peer's A-RELEASE, and end the connection."""
        self._last_word(RELEASE_RESPONSE, bytes(4))

    def close(self) -> None:
        """Close the connection without an A-ABORT."""
        if not self.closed:
            self.closed = True
            hang_up(self._sock)


def data_units(context_id: int, parts: tuple[bytes, bytes], *, longest: int) -> bytes:
    """P-DATA-TF PDUs of a command set and a dataset (may be empty), none longer than `longest` (0: no limit)."""
    room = (longest or 1 << 30) - _PDV.size
    units = []
    for data, kind in zip(parts, (1, 0), strict=True):
        for begin in range(0, len(data), room):
            fragment = data[begin : begin + room]
            last = 2 if begin + room >= len(data) else 0
            head = _HEADER.pack(P_DATA, _PDV.size + len(fragment))
            units += [head, _PDV.pack(len(fragment) + 2, context_id, kind | last), fragment]
    return b"".join(units)
