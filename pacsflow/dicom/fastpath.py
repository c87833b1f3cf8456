"""A channel that reads and writes the socket itself once pynetdicom has negotiated the association.

pynetdicom's own reactor waits in sleeps of 1 ms, reads 4 KB at a time and copies each PDU several times.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from pacsflow.dicom import message as dimse
from pacsflow.dicom.channel import Ask, CutError, Incoming, Response, SilenceError
from pacsflow.dicom.contract import Received
from pacsflow.dicom.message import Assembler, Command, End, Message, command_set
from pacsflow.dicom.pdu import ABORT, P_DATA, RELEASE_REQUEST, NonsenseError, PduStream, data_units
from pacsflow.errors import PacsTransientError

_REQUESTS = {
    "C-ECHO": dimse.C_ECHO_RQ,
    "C-FIND": dimse.C_FIND_RQ,
    "C-GET": dimse.C_GET_RQ,
    "C-MOVE": dimse.C_MOVE_RQ,
}
_PRIORITY_LOW = 2
_WITH_DATASET = 1
_MOMENT = 0.05
STREAMED_FROM = 8 << 20
"""Instances of more bytes than this are handed on while they come."""


@dataclass(frozen=True)
class Negotiated:
    """What the two sides agreed on: transfer syntax by context id, contexts we ask in, classes we take."""

    syntaxes: Mapping[int, str]
    asking: Mapping[str, int]
    receivable: frozenset[str]
    proposed: frozenset[str]
    longest: int
    """Longest PDU the peer takes, in bytes; 0: no limit."""
    accepted: frozenset[tuple[str, str]] = frozenset()


class Conversation:
    """Messages both ways on one association, whoever asked for it."""

    def __init__(self, stream: PduStream, negotiated: Negotiated) -> None:
        self.stream = stream
        self.negotiated = negotiated
        self._assembler = Assembler(negotiated.syntaxes, most=STREAMED_FROM)
        self._heard: deque[Message | memoryview | End] = deque()
        self._patience = 0.0
        self._open = False

    def receive(self, seconds: float) -> Message:
        """The next message. Raises SilenceError, CutError; aborts, and raises NonsenseError, on broken protocol."""
        for _ in self._rest():
            pass
        message = self._next(seconds)
        assert isinstance(message, Message)  # noqa: S101 - fragments come behind an open message only
        self._patience, self._open = seconds, message.open
        return message

    def _next(self, seconds: float) -> Message | memoryview | End:
        try:
            while not self._heard:
                self._take(*self.stream.receive(seconds))
        except NonsenseError as error:
            self.stream.abort(error.reason)
            raise
        except CutError:
            self.stream.close()
            raise
        return self._heard.popleft()

    def _rest(self) -> Iterator[memoryview]:
        """What is still to come of an open message, waiting as long for each piece as for its beginning."""
        while self._open:
            piece = self._next(self._patience)
            if isinstance(piece, memoryview):
                yield piece
            else:
                self._open = False

    def _take(self, kind: int, content: memoryview) -> None:
        if kind == P_DATA:
            self._heard.extend(self._assembler.feed(content))
        elif kind == RELEASE_REQUEST:
            self.stream.released()
            raise CutError("the node released the association")
        elif kind == ABORT:
            raise CutError("the node aborted the association")
        else:
            raise NonsenseError("a PDU that has no place on an established association")

    def send(self, context_id: int, command: Mapping[int, int | str], dataset: bytes = b"") -> None:
        """A message of ours. Raises CutError."""
        self.stream.send(data_units(context_id, (command_set(command), dataset), longest=self.negotiated.longest))

    def incoming(self, message: Message) -> Incoming:
        """A C-STORE request, its dataset undecoded. Raises NonsenseError."""
        command, syntax = message.command, self.negotiated.syntaxes[message.context_id]
        sop_class, instance = command.text(dimse.AFFECTED_CLASS), command.text(dimse.AFFECTED_INSTANCE)
        if not sop_class or not instance or not command.has_dataset:
            raise NonsenseError("a C-STORE request without an instance")
        return Incoming(
            Received(sop_class, instance, syntax, message.dataset, self._rest() if message.open else None),
            message.context_id,
            command.number(dimse.MESSAGE_ID),
            command.text(dimse.ORIGINATOR),
            command.number(dimse.ORIGINATOR_ID, -1) if dimse.ORIGINATOR_ID in command else None,
            self.stream.abort,
        )

    def answer(self, incoming: Incoming, status: int) -> None:
        """The C-STORE response to `incoming`, once all of it has come."""
        for _ in self._rest():
            pass
        response: dict[int, int | str] = {
            dimse.AFFECTED_CLASS: incoming.received.sop_class_uid,
            dimse.COMMAND_FIELD: dimse.C_STORE_RQ | dimse.RESPONSE,
            dimse.RESPONDED_TO: incoming.message_id,
            dimse.DATASET_TYPE: dimse.NO_DATASET,
            dimse.STATUS: status,
            dimse.AFFECTED_INSTANCE: incoming.received.sop_instance_uid,
        }
        self.send(incoming.context_id, response)


class FastChannel:
    """A Channel over a socket that pynetdicom has given up."""

    def __init__(self, stream: PduStream, negotiated: Negotiated, *, patience: float) -> None:
        self._talk = Conversation(stream, negotiated)
        self._negotiated = negotiated
        self._patience = patience
        self._asked: Ask | None = None
        self.proposed = negotiated.proposed
        self.receivable = negotiated.receivable
        self.accepted = negotiated.accepted

    @property
    def usable(self) -> bool:
        """Whether a request can be sent; what the peer said since the last one is read here."""
        stream = self._talk.stream
        if not stream.closed and self._asked is None and stream.pending():
            self._hear_out()
        return not stream.closed

    def _hear_out(self) -> None:
        try:
            self._talk.receive(_MOMENT)
        except SilenceError:  # not a message: TLS speaks for itself now and then
            return
        except PacsTransientError:
            pass
        self._talk.stream.abort()

    def context(self, sop_class: str) -> tuple[int, str] | None:
        """Presentation context id and transfer syntax for asking `sop_class`."""
        number = self._negotiated.asking.get(sop_class)
        return None if number is None else (number, self._negotiated.syntaxes[number])

    def ask(self, ask: Ask) -> None:
        """Send a request."""
        if not self.usable:
            raise CutError("the node ended the association")
        self._asked = ask
        echo = ask.operation == "C-ECHO"
        command: dict[int, int | str] = {
            dimse.AFFECTED_CLASS: ask.sop_class,
            dimse.COMMAND_FIELD: _REQUESTS[ask.operation],
            dimse.MESSAGE_ID: ask.message_id,
            dimse.DATASET_TYPE: dimse.NO_DATASET if echo else _WITH_DATASET,
        }
        if not echo:
            command[dimse.PRIORITY] = _PRIORITY_LOW
        if ask.destination:
            command[dimse.DESTINATION] = ask.destination
        self._talk.send(ask.context_id, command, ask.identifier)

    def hear(self, seconds: float) -> Response | Incoming:
        """The next message."""
        message = self._talk.receive(seconds)
        try:
            if message.command.number(dimse.COMMAND_FIELD) == dimse.C_STORE_RQ:
                return self._talk.incoming(message)
            return self._response(message)
        except NonsenseError as error:
            self._talk.stream.abort(error.reason)
            raise

    def _response(self, message: Message) -> Response:
        command, asked = message.command, self._asked
        expected = _REQUESTS[asked.operation] | dimse.RESPONSE if asked else None
        if asked is None or command.number(dimse.COMMAND_FIELD) != expected:
            raise NonsenseError("a message that has no place in the conversation")
        if command.number(dimse.RESPONDED_TO) != asked.message_id:
            raise NonsenseError("a response to another request")
        number = partial(_suboperations, command)
        return Response(
            command.number(dimse.STATUS),
            message.dataset,
            remaining=number(dimse.REMAINING),
            completed=number(dimse.COMPLETED),
            failed=number(dimse.FAILED),
            warning=number(dimse.WARNING),
        )

    def answer(self, incoming: Incoming, status: int) -> None:
        """Send the C-STORE response to `incoming`."""
        self._talk.answer(incoming, status)

    def rest(self) -> None:
        """The request has ended."""
        self._asked = None

    def release(self) -> None:
        """End the association as PS3.8 7.2 says."""
        self._talk.stream.release(self._patience)

    def abort(self) -> None:
        """End the association at once."""
        self._talk.stream.abort()


def _suboperations(command: Command, element: int) -> int:
    return command.number(element, 0)
