"""How a socket changes hands: pynetdicom negotiates, then lets go, then we read it ourselves.

This leans on the inside of pynetdicom, so only on versions it was tried with; others keep their own reactor.
"""

import socket
from collections.abc import Callable
from contextlib import suppress

import pynetdicom
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.pdu import A_ASSOCIATE_AC

from pacsflow.dicom import message as dimse
from pacsflow.dicom.channel import CutError, Incoming, SilenceError
from pacsflow.dicom.fastpath import Conversation, Negotiated
from pacsflow.dicom.message import Message
from pacsflow.dicom.pdu import NonsenseError, PduStream
from pacsflow.dicom.status import SUCCESS
from pacsflow.dicom.transport import MAXIMUM_PDU

TRIED = frozenset({"3.0.4"})
_THREADS_END = 5.0


def possible() -> bool:
    """Whether this pynetdicom is one whose sockets we know how to take over."""
    return pynetdicom.__version__ in TRIED


def handlers() -> list[EventHandlerType]:
    """Event handlers that end pynetdicom's reading thread with the acceptance, before it reads on."""
    return [(evt.EVT_PDU_RECV, _let_go), (evt.EVT_PDU_SENT, _let_go)]


def _let_go(event: Event) -> None:
    # Both events are told in the reading thread itself, which looks at this order before it reads again.
    if isinstance(event.pdu, A_ASSOCIATE_AC):
        event.assoc.dul.kill_dul()


def hold_back(association: Association, instead: Callable[[], None] = lambda: None) -> None:
    """Have `instead` run where pynetdicom's association thread would begin to listen for messages."""
    association._run_reactor = instead  # type: ignore[method-assign]  # noqa: SLF001


def take(association: Association) -> socket.socket:
    """The socket of an accepted association; pynetdicom does not touch it any more."""
    association.dul.join(_THREADS_END)
    sock = association.dul.socket
    if association.dul.is_alive() or sock is None or sock.socket is None:
        raise CutError("the association ended while it was opened")
    return sock.socket


def negotiated(association: Association, proposed: frozenset[str] = frozenset()) -> Negotiated:
    """What pynetdicom agreed on with the peer."""
    accepted = association.accepted_contexts
    peer = association.acceptor if association.is_requestor else association.requestor
    return Negotiated(
        syntaxes={int(cx.context_id or 0): str(cx.transfer_syntax[0]) for cx in accepted},
        asking={str(cx.abstract_syntax): int(cx.context_id or 0) for cx in accepted if cx.as_scu},
        receivable=frozenset(str(cx.abstract_syntax) for cx in accepted if cx.as_scp),
        proposed=proposed,
        longest=peer.maximum_length or 0,
        accepted=frozenset((str(cx.abstract_syntax), str(cx.transfer_syntax[0])) for cx in accepted),
    )


def serve(association: Association, deliver: Callable[[Incoming], int], *, idle: float) -> None:
    """Take C-STORE (and C-ECHO) requests on an association we accepted, until it ends."""
    with suppress(CutError):
        stream = PduStream(take(association), longest=MAXIMUM_PDU)
        talk = Conversation(stream, negotiated(association))
        try:
            while True:
                _serve_one(talk, talk.receive(idle), deliver)
        except SilenceError:
            stream.abort()
        except NonsenseError as error:
            stream.abort(error.reason)
        finally:
            stream.close()


def _serve_one(talk: Conversation, message: Message, deliver: Callable[[Incoming], int]) -> None:
    field = message.command.number(dimse.COMMAND_FIELD)
    if field == dimse.C_STORE_RQ:
        incoming = talk.incoming(message)
        talk.answer(incoming, deliver(incoming))
    elif field == dimse.C_ECHO_RQ:
        response: dict[int, int | str] = {
            dimse.AFFECTED_CLASS: message.command.text(dimse.AFFECTED_CLASS),
            dimse.COMMAND_FIELD: dimse.C_ECHO_RQ | dimse.RESPONSE,
            dimse.RESPONDED_TO: message.command.number(dimse.MESSAGE_ID),
            dimse.DATASET_TYPE: dimse.NO_DATASET,
            dimse.STATUS: SUCCESS,
        }
        talk.send(message.context_id, response)
    elif field != dimse.C_CANCEL_RQ:
        raise NonsenseError("a request that a storage SCP does not serve")
