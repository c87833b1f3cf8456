"""The storage SCP on a socket that was taken over: C-STORE and C-ECHO requests, answered until the peer ends."""

from collections.abc import Callable
from contextlib import suppress

from pynetdicom.association import Association

from pacsflow.dicom.budget import Budget, EndlessError
from pacsflow.dicom.dimse import message as dimse
from pacsflow.dicom.dimse.broken import CutError, NonsenseError, SilenceError
from pacsflow.dicom.dimse.channel import Incoming
from pacsflow.dicom.dimse.fastpath import Conversation
from pacsflow.dicom.dimse.message import Command, Message
from pacsflow.dicom.dimse.pdu import PduStream
from pacsflow.dicom.dimse.storage import Desk
from pacsflow.dicom.dimse.takeover import negotiated, take
from pacsflow.dicom.dimse.transport import MAXIMUM_PDU
from pacsflow.dicom.status import SUCCESS
from schemas.pacs import Timeouts


def serve(association: Association, desk: Desk, *, timeouts: Timeouts) -> None:
    """Take C-STORE (and C-ECHO) requests on an association we accepted, until it ends.

    Where the peer sends almost nothing, the association is aborted.
    """
    with suppress(CutError):
        stream = PduStream(take(association), longest=MAXIMUM_PDU)
        talk = Conversation(stream, negotiated(association))
        stream.budget = Budget(timeouts, lasting=True, alive=lambda: _touch(desk, talk.under_way))
        try:
            while True:
                _serve_one(talk, talk.receive(timeouts.idle), desk.deliver)
        except EndlessError as error:
            stream.abort()
            desk.ended(error)
        except SilenceError:
            stream.abort()
        except NonsenseError as error:
            stream.abort(error.reason)
        finally:
            stream.close()


def _touch(desk: Desk, command: Command) -> None:
    desk.touch(
        command.text(dimse.AFFECTED_INSTANCE), command.text(dimse.ORIGINATOR), command.number(dimse.ORIGINATOR_ID, -1)
    )


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
