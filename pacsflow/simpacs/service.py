"""The query and retrieve service (PS3.4 Annex C): what each request does, on the association it came by."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, cast

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE
from pynetdicom.dsutils import decode, encode
from pynetdicom.presentation import PresentationContext

from pacsflow.simpacs.faults import HOLLOW, FaultInjector
from pacsflow.simpacs.find import LEVELS, FindRequest, answer_dataset, answers, instances, read_query
from pacsflow.simpacs.host import Host
from pacsflow.simpacs.retrieve import (
    PLAIN,
    UNKNOWN_DESTINATION,
    Retrieval,
    RetrievalPlan,
    RetrieveRequest,
    planned,
    run_quietly,
)
from pacsflow.simpacs.wire import FIND_RSP, GET_RSP, MOVE_RSP, Gone, Wire, alone, nul_titles, quicken
from schemas.simpacs import EndlessAnswers, ServeTls

if TYPE_CHECKING:
    from io import BytesIO
    from threading import RLock

    from pacsflow.simpacs.archive import StudyArchive

RESPONSES = {C_FIND: FIND_RSP, C_GET: GET_RSP, C_MOVE: MOVE_RSP}
UNIQUE = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
PENDING, CANCELLED, MISMATCH, NO_SUBOPERATIONS = 0xFF00, 0xFE00, 0xA900, 0xA702
MOST_CONTEXTS = 128


class QueriedHost(Host, Protocol):
    """A PACS with studies that are asked for, and faults; C-MOVE sends to its `destinations`: AE title -> address."""

    archive: "StudyArchive"
    injector: FaultInjector
    lock: "RLock"
    aet: str
    destinations: dict[str, tuple[str, int]]


class Service:
    """Answers C-FIND, C-GET and C-MOVE for one PACS; the rest stays with pynetdicom."""

    def __init__(self, pacs: QueriedHost) -> None:
        self.pacs = pacs

    def attach(self, association: Association) -> None:
        """Take over the requests of `association`."""
        stock = association._serve_request  # noqa: SLF001, the one place where pynetdicom hands requests out

        def serve(message: Any, context_id: int) -> None:
            if type(message) in RESPONSES and context_id in association._accepted_cx:  # noqa: SLF001
                self._serve(association, message, association._accepted_cx[context_id])  # noqa: SLF001
            else:
                stock(message, context_id)

        association._serve_request = serve  # type: ignore[method-assign, assignment]  # noqa: SLF001

    def _serve(self, association: Association, message: Any, context: PresentationContext) -> None:
        asked = RetrieveRequest(RESPONSES[type(message)], message.MessageID, str(message.AffectedSOPClassUID), context)
        wire = Wire(association)
        association.dimse.cancel_req = {}
        association._is_paused = True  # noqa: SLF001, so that C-STORE responses are left to us
        with suppress(Gone), _aborting(association):
            asking = replace(read_query(_identifier(message, context)), finding=type(message) is C_FIND)
            query = self.pacs.injector.ask(asking)
            if type(message) is C_FIND:
                self._find(asked, wire, query)
            else:
                self._retrieve(asked, wire, query, str(getattr(message, "MoveDestination", "") or ""))
        association._is_paused = False  # noqa: SLF001

    def _find(self, asked: RetrieveRequest, wire: Wire, query: FindRequest) -> None:
        self.pacs.count("finds", f"finds {query.level}")
        if query.level not in LEVELS:
            _respond(asked, wire, MISMATCH)
            return
        found = self._answers(query)
        made, status = self.pacs.injector.answer(query, found)
        for fault in self.pacs.injector.of("endless-answers") if made else ():
            self._answer_for_ever(asked, wire, fault, made[0])
        last = made.pop() if made and not status and self.pacs.injector.of("final-answer") else None
        for answer in made:
            for fault in self.pacs.injector.of("slow"):
                self.pacs.wait(fault.answer)
            if wire.cancelled(asked.message_id):
                _respond(asked, wire, CANCELLED)
                return
            _respond(asked, wire, PENDING, answer)
        if status == HOLLOW:
            _respond(asked, wire, HOLLOW)
            status = 0
        _respond(asked, wire, status, last)

    def _answer_for_ever(self, asked: RetrieveRequest, wire: Wire, fault: EndlessAnswers, answer: Dataset) -> None:
        """Until the association ends."""
        first = {name: str(answer[name].value) for name in UNIQUE if name in answer and name.endswith("UID")}
        for number in count(1):
            self.pacs.wait(fault.seconds)
            if fault.new:
                for keyword, uid in first.items():
                    setattr(answer, keyword, f"{uid}.{number}")
            _respond(asked, wire, PENDING, answer)

    def _answers(self, query: FindRequest) -> list[Dataset]:
        archive, injector = self.pacs.archive, self.pacs.injector
        found = []
        with self.pacs.lock:
            for each in answers(archive, query):
                each["InstanceAvailability"] = injector.available(archive, each["StudyInstanceUID"])
                found.append(answer_dataset(query, each))
        return found

    def _retrieve(self, asked: RetrieveRequest, wire: Wire, query: FindRequest, destination: str) -> None:
        moving = asked.response == MOVE_RSP
        self.pacs.count("moves" if moving else "gets")
        plan = self._plan(query)
        if plan is None:
            Retrieval(self.pacs, asked, asker=wire, carrier=wire).respond(MISMATCH, {})
        elif moving:
            self._move(asked, wire, plan, destination.strip())
        else:
            run_quietly(Retrieval(self.pacs, asked, asker=wire, carrier=wire), self.pacs.injector.by_get(plan))

    def _plan(self, query: FindRequest) -> RetrievalPlan | None:
        if query.level not in LEVELS or not any(query.keys.get(key) for key in UNIQUE):
            return None
        with self.pacs.lock:
            return self.pacs.injector.plan(self.pacs.archive, planned(instances(self.pacs.archive, query)))

    def _move(self, asked: RetrieveRequest, wire: Wire, plan: RetrievalPlan, destination: str) -> None:
        failed = {0x1021: 0, 0x1022: len(plan.deliveries), 0x1023: 0}
        retrieval = Retrieval(self.pacs, asked, asker=wire, carrier=wire)
        if destination not in self.pacs.destinations:
            retrieval.respond(UNKNOWN_DESTINATION, failed)
        elif not plan.deliveries:
            run_quietly(retrieval, plan)
        elif carrier := self._call(destination, plan):
            with alone(carrier) as store:
                retrieval.carrier = store
                retrieval.extra = {0x1030: wire.association.requestor.ae_title, 0x1031: asked.message_id}
                run_quietly(retrieval, plan)
            carrier.release()
        else:
            retrieval.respond(NO_SUBOPERATIONS, failed)

    def _call(self, destination: str, plan: RetrievalPlan) -> Association | None:
        """An association to a move's destination, or None."""
        entity = AE(ae_title=self.pacs.aet)
        deliveries = (*plan.deliveries, *plan.late)
        pairs = sorted({(each.instance.sop_class, each.instance.transfer_syntax) for each in deliveries})
        contexts = [_proposal(*pair) for pair in pairs[:MOST_CONTEXTS]]
        host, port = self.pacs.destinations[destination]
        opened = nul_titles if self.pacs.injector.of("nul-titles") else quicken
        handlers: list[evt.EventHandlerType] = [(evt.EVT_CONN_OPEN, lambda event: opened(event.assoc))]
        tls = calling_tls(self.pacs.injector.of("tls"), host)
        association = entity.associate(
            host, port, contexts=contexts, ae_title=destination, evt_handlers=handlers, tls_args=tls
        )
        return association if association.is_established else None


def calling_tls(faults: list[ServeTls], host: str) -> tuple[ssl.SSLContext, str] | None:
    """How a PACS that speaks DICOM TLS calls a move's destination: its certificate shown, the other's verified."""
    for fault in faults:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=fault.ca)
        context.load_cert_chain(fault.certificate, fault.key)
        if fault.ca is None:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context, host
    return None


@contextmanager
def _aborting(association: Association) -> Iterator[None]:
    """Abort at an error of ours, so that it does not look like a slow PACS, and raise it."""
    try:
        yield
    except Gone:
        raise
    except Exception:
        association.abort(block=False)
        raise


def _proposal(sop_class: str, syntax: str) -> PresentationContext:
    context = PresentationContext()
    others = PLAIN if syntax in PLAIN else ()
    context.abstract_syntax = UID(sop_class)
    context.transfer_syntax = [UID(each) for each in dict.fromkeys((syntax, *others))]
    return context


def _identifier(message: Any, context: PresentationContext) -> Dataset:
    syntax = context.transfer_syntax[0]
    return decode(cast("BytesIO", message.Identifier), syntax.is_implicit_VR, syntax.is_little_endian)


def _respond(asked: RetrieveRequest, wire: Wire, status: int, answer: Dataset | None = None) -> None:
    syntax = asked.context.transfer_syntax[0]
    encoded = (encode(answer, syntax.is_implicit_VR, syntax.is_little_endian) or b"") if answer else b""
    wire.respond(asked.context, asked.head(status), encoded)
