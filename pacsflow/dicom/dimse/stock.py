"""A channel over pynetdicom's own reading thread: the path that works with any pynetdicom 3."""

import queue
from contextlib import suppress
from io import BytesIO
from typing import Any

from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_ECHO, C_FIND, C_GET, C_MOVE, C_STORE

from pacsflow.dicom.contract import Received
from pacsflow.dicom.dimse.broken import CutError, SilenceError
from pacsflow.dicom.dimse.channel import Incoming, PduExchange, Response
from pacsflow.dicom.dimse.transport import hang_up
from pacsflow.errors import PacsTransientError

_REQUESTS = {"C-ECHO": C_ECHO, "C-FIND": C_FIND, "C-GET": C_GET, "C-MOVE": C_MOVE}
_ABORT = b"\x07\x00\x00\x00\x00\x04\x00\x00\x00\x00"
_PRIORITY_LOW = 2
SUBOPERATIONS = ("remaining", "completed", "failed", "warning")


class StockChannel:
    """pynetdicom's association, its listening for requests held back: that thread would take messages of ours."""

    def __init__(self, association: Association, proposed: frozenset[str]) -> None:
        self._association = association
        self.proposed = proposed
        accepted = association.accepted_contexts
        self._syntaxes = {int(cx.context_id or 0): str(cx.transfer_syntax[0]) for cx in accepted}
        self._asking = {str(cx.abstract_syntax): int(cx.context_id or 0) for cx in accepted if cx.as_scu}
        self.receivable = frozenset(str(cx.abstract_syntax) for cx in accepted if cx.as_scp)
        self.accepted = frozenset((str(cx.abstract_syntax), str(cx.transfer_syntax[0])) for cx in accepted)

    @property
    def usable(self) -> bool:
        """Whether a request can be sent; a release the peer asked for meanwhile is answered here."""
        if self._association.is_established and self._association.acse.is_release_requested():
            self._association.acse.send_release(is_response=True)
            self._association.is_established = False
        ended = self._association.acse.is_aborted() or not self._association.dul.is_alive()
        return self._association.is_established and not ended

    def context(self, sop_class: str) -> tuple[int, str] | None:
        """Presentation context id and transfer syntax for asking `sop_class`."""
        number = self._asking.get(sop_class)
        return None if number is None else (number, self._syntaxes[number])

    def ask(self, ask: PduExchange) -> None:
        """Send a request. Raises CutError where the association has ended."""
        if not self.usable:
            raise CutError("the node ended the association")
        request: Any = _REQUESTS[ask.operation]()
        request.MessageID = ask.message_id
        request.AffectedSOPClassUID = ask.sop_class
        if ask.operation != "C-ECHO":
            request.Priority = _PRIORITY_LOW
            request.Identifier = BytesIO(ask.identifier)
        if ask.operation == "C-MOVE":
            request.MoveDestination = ask.destination
        self._association.dimse.send_msg(request, ask.context_id)

    def hear(self, seconds: float) -> Response | Incoming:
        """The next message.

        Raises SilenceError after `seconds` without one, CutError where the association has ended, PacsTransientError
        where the message is neither a response to us nor a C-STORE request.
        """
        try:
            context_id, message = self._association.dimse.msg_queue.get(timeout=seconds)
        except queue.Empty:
            raise SilenceError(f"the node said nothing for {seconds:g} s") from None
        if message is None or context_id is None:
            raise CutError("the node ended the association before its final response")
        if isinstance(message, C_STORE) and message.is_valid_request:
            return incoming(message, context_id, self._syntaxes.get(context_id, ""))
        if isinstance(message, tuple(_REQUESTS.values())) and message.is_valid_response:
            return _response(message)
        raise PacsTransientError("the node sent a message that has no place in the conversation")

    def answer(self, incoming: Incoming, status: int) -> None:
        """Send the C-STORE response to `incoming`."""
        response = C_STORE()
        response.MessageIDBeingRespondedTo = incoming.message_id
        response.AffectedSOPClassUID = incoming.received.sop_class_uid
        response.AffectedSOPInstanceUID = incoming.received.sop_instance_uid
        response.Status = status
        self._association.dimse.send_msg(response, incoming.context_id)

    def rest(self) -> None:
        """The request has ended."""

    def release(self) -> None:
        """End the association as PS3.8 7.2 says."""
        if self.usable:
            self._association.acse.negotiate_release()
        self._hang_up()

    def abort(self) -> None:
        """End the association at once; also where pynetdicom waits in the middle of a PDU."""
        sock = self._association.dul.socket
        if sock is not None and sock.socket is not None and self.usable:
            with suppress(OSError):
                sock.socket.sendall(_ABORT)
        self._hang_up()

    def _hang_up(self) -> None:
        sock = self._association.dul.socket
        if sock is not None and sock.socket is not None:
            hang_up(sock.socket)
        self._association.kill()


def incoming(message: C_STORE, context_id: int, syntax: str) -> Incoming:
    """What pynetdicom has assembled of a C-STORE request, its dataset undecoded."""
    dataset = message.DataSet.getbuffer() if isinstance(message.DataSet, BytesIO) else b""
    return Incoming(
        Received(str(message.AffectedSOPClassUID), str(message.AffectedSOPInstanceUID), syntax, dataset),
        context_id,
        int(message.MessageID or 0),
        str(message.MoveOriginatorApplicationEntityTitle or "").strip(),
        message.MoveOriginatorMessageID,
    )


def _response(message: Any) -> Response:
    identifier = getattr(message, "Identifier", None)
    numbers = {name: getattr(message, f"NumberOf{name.capitalize()}Suboperations", None) or 0 for name in SUBOPERATIONS}
    return Response(int(message.Status), identifier.getbuffer() if identifier else b"", **numbers)
