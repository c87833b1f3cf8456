"""Associations: opened with a reason where they are not (PS3.8 7.1, 9.3.4)."""

import socket
from collections.abc import Collection

from pynetdicom import build_context
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ASSOCIATE

from pacsflow.dicom.contract import CrowdedError, RejectedError
from pacsflow.dicom.dimse import takeover
from pacsflow.dicom.dimse.channel import Channel
from pacsflow.dicom.dimse.contexts import VERIFICATION, proposal
from pacsflow.dicom.dimse.dialling import dial, run_out
from pacsflow.dicom.dimse.fastpath import FastChannel
from pacsflow.dicom.dimse.pdu import PduStream
from pacsflow.dicom.dimse.stock import StockChannel
from pacsflow.dicom.dimse.transport import MAXIMUM_PDU, CallingEntity
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from pacsflow.rejections import PERMANENT, TRANSIENT, Rejection
from schemas.pacs import PacsNode


def associate(node: PacsNode, classes: Collection[str] = (), *, verify: bool = False) -> Channel:
    """An association that can query and retrieve, and takes `classes` by C-GET; or (`verify`) only C-ECHO.

    Raises PacsTransientError, PacsPermanentError with what to ask the PACS administrator for.
    """
    contexts, roles = ([build_context(VERIFICATION)], []) if verify else proposal(classes)
    sock, address = dial(node)
    fast = takeover.possible()
    entity = CallingEntity(node.calling_aet, sock, patience=node.timeouts.response, prepare=takeover.hold_back)
    entity.acse_timeout = entity.dimse_timeout = node.timeouts.response
    entity.network_timeout = None
    association = entity.associate(
        address,
        node.port,
        contexts,
        ae_title=node.called_aet,
        max_pdu=MAXIMUM_PDU,
        ext_neg=[*roles],
        evt_handlers=takeover.handlers() if fast else [],
    )
    if not association.is_established:
        sock.close()
        raise _refusal(association, node)
    # A peer that does not answer our release is not worth waiting for.
    association.acse_timeout = node.timeouts.connect
    return _fast(association, node, classes) if fast else StockChannel(association, frozenset(classes))


def _fast(association: Association, node: PacsNode, classes: Collection[str]) -> Channel:
    stream = PduStream(takeover.take(association), longest=MAXIMUM_PDU)
    return FastChannel(stream, takeover.negotiated(association, frozenset(classes)), patience=node.timeouts.connect)


def _refusal(association: Association, node: PacsNode) -> PacsError:
    answer = _answer(association)
    if answer is not None and answer.result in (PERMANENT, TRANSIENT):
        return _rejection(answer, node)
    if answer is not None and answer.result == 0:
        return PacsPermanentError(
            f"node {node.name} accepts none of the services asked for",
            fix=f"ask the PACS administrator to permit {node.calling_aet} to query and retrieve",
        )
    said = f"node {node.name} ended the connection or stayed silent when asked for an association"
    if run_out(node.tls):
        fix = "have `tls.certificate` in pacs.yaml renewed"
        return PacsTransientError(f"{said}; our own certificate has expired", fix=fix)
    return PacsTransientError(
        said,
        fix="check that `port` is the node's DICOM port, with or without TLS as pacs.yaml says, "
        "and whether it asks for `tls.certificate`",
    )


def _answer(association: Association) -> A_ASSOCIATE | None:
    """What the node answered. pynetdicom leaves it unread where the connection ended before it began to wait."""
    unread = list(association.dul.to_user_queue.queue)
    return association.acceptor.primitive or next((one for one in unread if isinstance(one, A_ASSOCIATE)), None)


def _rejection(answer: A_ASSOCIATE, node: PacsNode) -> PacsError:
    rejection = Rejection.of(answer, calling=node.calling_aet, called=node.called_aet)
    transient = CrowdedError if rejection.crowded else RejectedError
    kind = transient if rejection.passes else PacsPermanentError
    said = f"node {node.name} rejected the association: {rejection.why}"
    return kind(said, fix=rejection.fix(socket.gethostname()))
