"""Taking the socket of an association over from pynetdicom, once it has negotiated.

pynetdicom opens the connection and exchanges A-ASSOCIATE (PS3.8 9.3.2, 9.3.3). Then its reading thread is ended before
it reads another PDU, so that no byte of the first message is lost, and `fastpath` reads the socket. This uses private
parts of pynetdicom, so it is done with the versions in `TRIED` alone; others keep their own reactor (`stock`).
"""

import socket
from collections.abc import Callable

import pynetdicom
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.pdu import A_ASSOCIATE_AC

from pacsflow.dicom.dimse.broken import CutError
from pacsflow.dicom.dimse.channel import Negotiated

TRIED = frozenset({"3.0.4"})
_THREADS_END = 5.0


def possible() -> bool:
    """Whether the installed pynetdicom is a version whose sockets can be taken over."""
    return pynetdicom.__version__ in TRIED


def handlers() -> list[EventHandlerType]:
    """Event handlers that end pynetdicom's reading thread with the acceptance, before it reads on."""
    return [(evt.EVT_PDU_RECV, _let_go), (evt.EVT_PDU_SENT, _let_go)]


def _let_go(event: Event) -> None:
    # Both events run in the reading thread itself, which checks for `kill_dul` before it reads again.
    if isinstance(event.pdu, A_ASSOCIATE_AC):
        event.assoc.dul.kill_dul()


def hold_back(association: Association, instead: Callable[[], None] = lambda: None) -> None:
    """Have `instead` run where pynetdicom's association thread would begin to listen for messages."""
    association._run_reactor = instead  # type: ignore[method-assign]  # noqa: SLF001


def take(association: Association) -> socket.socket:
    """The socket of an accepted association; pynetdicom no longer uses it.

    Raises CutError where the association ended meanwhile, or the reading thread has not ended within 5 s.
    """
    association.dul.join(_THREADS_END)
    sock = association.dul.socket
    if association.dul.is_alive() or sock is None or sock.socket is None:
        raise CutError("the association ended while it was opened")
    return sock.socket


def negotiated(association: Association, proposed: frozenset[str] = frozenset()) -> Negotiated:
    """What pynetdicom agreed on with the peer. `proposed`: SOP class UIDs that we proposed."""
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
