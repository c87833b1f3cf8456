"""A channel that reads and writes the socket itself once pynetdicom has negotiated the association.

pynetdicom's own reactor waits in sleeps of 1 ms, reads 4 KB at a time and copies each PDU several times. Here a thread
that waits for a message reads the socket, takes the PDUs apart (PS3.8 9.3, P-DATA-TF) and hands messages (PS3.7 6.3)
on as they end; an instance of more than `STREAMED_FROM` bytes while it comes. One thread at a time uses an association.
What breaks the protocol is answered with A-ABORT (PS3.8 9.3.8) and raised as NonsenseError; the end of the connection
is CutError, a peer that stays silent SilenceError. All three are transient.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial

from pacsflow.dicom.budget import EndlessError
from pacsflow.dicom.contract import STREAMED_FROM, Received
from pacsflow.dicom.dimse import message as dimse
from pacsflow.dicom.dimse.broken import CutError, NonsenseError, SilenceError
from pacsflow.dicom.dimse.channel import Incoming, Negotiated, PduExchange, Response
from pacsflow.dicom.dimse.message import Assembler, Command, End, Message, command_set
from pacsflow.dicom.dimse.pdu import ABORT, P_DATA, RELEASE_REQUEST, PduStream, data_units
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
_LONGEST_UID = 64
"""PS3.5 9.1. A longer one that a peer sent is not repeated to it: the element is optional in a C-STORE response
(PS3.7 9.1.1.1), and some peers cannot read such a response and wait for it without end."""


class Conversation:
    """Messages both ways on one association, whichever side asked for it.

    Invariant: while a message is `open`, its fragments are read before the next message; `receive` and `answer` read
    and drop what a caller left.
    """

    def __init__(self, stream: PduStream, negotiated: Negotiated) -> None:
        self.stream = stream
        self.negotiated = negotiated
        self._assembler = Assembler(negotiated.syntaxes, most=STREAMED_FROM)
        self._heard: deque[Message | memoryview | End] = deque()
        self._patience = 0.0
        self._open = False
        self._wanted = True

    def receive(self, seconds: float) -> Message:
        """The next message; an `open` one where more than `STREAMED_FROM` bytes of its dataset have come.

        `seconds`: time without a byte after which SilenceError is raised. Raises CutError where the connection or the
        association has ended; aborts, and raises NonsenseError, where the protocol is broken, EndlessError where the
        budget of the conversation is spent.
        """
        self._throw_away()
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
        except EndlessError:
            self.stream.abort()
            raise
        except CutError:
            self.stream.close()
            raise
        heard = self._heard.popleft()
        if self.stream.budget is not None and not (isinstance(heard, memoryview) or getattr(heard, "open", False)):
            self.stream.budget.whole()
        return heard

    def _rest(self) -> Iterator[memoryview]:
        """The further fragments of an open message, waiting as long for each as for its beginning."""
        while self._open:
            piece = self._next(self._patience)
            if isinstance(piece, memoryview):
                with self.stream.budget.ours() if self.stream.budget is not None else nullcontext():
                    yield piece
            else:
                self._open = False

    @property
    def under_way(self) -> Command:
        """The command of the message whose dataset is coming; empty where none is."""
        return self._assembler.command

    def _throw_away(self) -> None:
        """What is still to come of an open message, which nobody wants: it is no progress."""
        self._wanted = False
        if self.stream.budget is not None:
            self.stream.budget.coming("")
        for _ in self._rest():
            pass
        self._wanted = True

    def _take(self, kind: int, content: memoryview) -> None:
        if kind == P_DATA:
            self._heard.extend(self._assembler.feed(content))
            if self.stream.budget is not None:
                self.stream.budget.coming(self._assembler.instance if self._wanted else "")
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
        """Send the C-STORE response to `incoming`, once all of it has come. Raises CutError."""
        self._throw_away()
        response: dict[int, int | str] = {
            dimse.AFFECTED_CLASS: incoming.received.sop_class_uid,
            dimse.COMMAND_FIELD: dimse.C_STORE_RQ | dimse.RESPONSE,
            dimse.RESPONDED_TO: incoming.message_id,
            dimse.DATASET_TYPE: dimse.NO_DATASET,
            dimse.STATUS: status,
        }
        if len(incoming.received.sop_instance_uid) <= _LONGEST_UID:
            response[dimse.AFFECTED_INSTANCE] = incoming.received.sop_instance_uid
        self.send(incoming.context_id, response)


class FastChannel:
    """A Channel over a socket that pynetdicom has given up."""

    def __init__(self, stream: PduStream, negotiated: Negotiated, *, patience: float) -> None:
        self._talk = Conversation(stream, negotiated)
        self._negotiated = negotiated
        self._patience = patience
        self._asked: PduExchange | None = None
        self.proposed = negotiated.proposed
        self.receivable = negotiated.receivable
        self.accepted = negotiated.accepted

    @property
    def usable(self) -> bool:
        """Whether a request can be sent; what the peer has sent since the last one is read here."""
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

    def ask(self, ask: PduExchange) -> None:
        """Send a request, of low priority (PS3.7 9.1). Raises CutError where the association has ended."""
        if not self.usable:
            raise CutError("the node ended the association")
        self._asked = ask
        self._talk.stream.budget = ask.budget
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
        """The next message: a response to what was asked, or a C-STORE request of a C-GET. Raises as `receive`."""
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
        self._talk.stream.budget = None

    def release(self) -> None:
        """End the association as PS3.8 7.2 says."""
        self._talk.stream.release(self._patience)

    def abort(self) -> None:
        """End the association at once."""
        self._talk.stream.abort()


def _suboperations(command: Command, element: int) -> int:
    return command.number(element, 0)
