"""C-GET and C-MOVE (PS3.4 C.4.2, C.4.3): a plan of deliveries, carried out on a wire."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dsutils import encode
from pynetdicom.presentation import PresentationContext

from pacsflow.simpacs.archive import Encoded, StoredInstance, StoredStudy
from pacsflow.simpacs.encoding import other_syntax
from pacsflow.simpacs.host import Host
from pacsflow.simpacs.wire import Gone, Wire

SUCCESS, PENDING, CANCELLED, SOME_FAILED = 0x0000, 0xFF00, 0xFE00, 0xB000
ALL_FAILED, UNKNOWN_DESTINATION = 0xA702, 0xA801
PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)

Hook = Callable[["Retrieval", "SentInstance"], bool | None]
"""Done in place of or before a delivery: True, False: counted as completed, failed, nothing sent; None: go on."""


@dataclass(frozen=True)
class SentInstance:
    """One instance to be sent, and what is done to it first."""

    instance: StoredInstance
    spoil: tuple[Callable[[Encoded], Encoded], ...] = ()
    hooks: tuple[Hook, ...] = ()
    mislabelled: bool = False


@dataclass(frozen=True)
class RetrievalPlan:
    """What a retrieval will do. `status` and `failed` override the final response."""

    study: str
    deliveries: tuple[SentInstance, ...]
    status: int | None = None
    failed: int | None = None
    late: tuple[SentInstance, ...] = ()
    silent: bool = False


@dataclass
class SubOperations:
    """Sub-operations so far (PS3.4 C.4.2.1.6 to C.4.2.1.9)."""

    remaining: int
    completed: int = 0
    failed: int = 0
    warning: int = 0
    lost: list[str] = field(default_factory=list)

    def add(self, uid: str, status: int) -> None:
        """Count the C-STORE of `uid` by its status: B000 to BFFF are warnings (PS3.4 B.2.3)."""
        self.remaining -= 1
        if status == SUCCESS:
            self.completed += 1
        elif status & 0xF000 == 0xB000:  # noqa: PLR2004
            self.warning += 1
        else:
            self.failed += 1
            self.lost.append(uid)

    def elements(self, *, final: bool) -> dict[int, int]:
        """The counts as elements of a response's command set."""
        counts = {0x1021: self.completed, 0x1022: self.failed, 0x1023: self.warning}
        return counts if final else {0x1020: self.remaining, **counts}


@dataclass(frozen=True)
class RetrieveRequest:
    """The request: the command field of its responses, its message id, SOP class and presentation context."""

    response: int
    message_id: int
    sop_class: str
    context: PresentationContext

    def head(self, status: int) -> dict[int, str | int]:
        """What every response's command set begins with."""
        return {0x0002: self.sop_class, 0x0100: self.response, 0x0120: self.message_id, 0x0900: status}


class Retrieval:
    """One C-GET or C-MOVE under way: responses go by `asker`, instances by `carrier` (a C-GET's are the same)."""

    def __init__(self, pacs: Host, asked: RetrieveRequest, *, asker: Wire, carrier: Wire) -> None:
        self.pacs, self.asked, self.asker, self.carrier = pacs, asked, asker, carrier
        self.extra: Mapping[int, str | int] = {}

    def run(self, plan: RetrievalPlan) -> None:
        """Carry out `plan` and send the final response. Raises Gone when an association ends before that."""
        tally = SubOperations(len(plan.deliveries))
        for delivery in plan.deliveries:
            if self.asker.cancelled(self.asked.message_id):
                self.respond(CANCELLED, {0x1020: tally.remaining, **tally.elements(final=True)}, tally.lost)
                return
            tally.add(delivery.instance.uid, self._deliver(delivery))
            self.respond(PENDING, tally.elements(final=False))
        tally.completed += len(plan.late)
        if not plan.silent:
            self._finish(plan, tally)
        for delivery in plan.late:
            self._deliver(delivery)

    def respond(self, status: int, counts: Mapping[int, int], lost: Iterable[str] = ()) -> None:
        """Send a response; `lost` becomes its Failed SOP Instance UID List."""
        identifier = b""
        if lost:
            dataset = Dataset()
            dataset.FailedSOPInstanceUIDList = list(lost)
            syntax = self.asked.context.transfer_syntax[0]
            identifier = encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian) or b""
        self.asker.respond(self.asked.context, {**self.asked.head(status), **counts}, identifier)

    def message(self, delivery: SentInstance, name: str = "") -> Iterator[Encoded] | None:
        """The C-STORE request of a delivery, or None where no context fits its transfer syntax.

        `name`: another SOP Instance UID to call it by.
        """
        instance = delivery.instance
        held = instance.transfer_syntax
        syntaxes = (held, *(each for each in PLAIN if held in PLAIN and each != held))
        context = self.carrier.context_for(instance.sop_class, syntaxes)
        if context is None:
            return None
        data = instance.encoded()
        if (context.transfer_syntax[0] != held) != (delivery.mislabelled and held in PLAIN):
            data = other_syntax(data, held)
        for spoil in delivery.spoil:
            data = spoil(data)
        return self.carrier.store(context, (instance.sop_class, name or instance.uid), data, extra=self.extra)

    def _deliver(self, delivery: SentInstance) -> int:
        for deed in delivery.hooks:
            done = deed(self, delivery)
            if done is not None:
                return SUCCESS if done else ALL_FAILED
        message = self.message(delivery)
        if message is None:
            return ALL_FAILED
        self.carrier.send(message)
        self.pacs.count("images sent")
        return self.carrier.stored()

    def _finish(self, plan: RetrievalPlan, tally: SubOperations) -> None:
        if plan.failed is not None:
            tally.failed, tally.completed = plan.failed, 0
        elif tally.failed and plan.status is None:
            self.respond(
                SOME_FAILED if tally.completed or tally.warning else ALL_FAILED, tally.elements(final=True), tally.lost
            )
            return
        status = SUCCESS if plan.status is None else plan.status
        self.respond(SOME_FAILED if status == SUCCESS and tally.warning else status, tally.elements(final=True))


def planned(pairs: Iterable[tuple[StoredStudy, StoredInstance]]) -> RetrievalPlan:
    """The honest plan: every instance once."""
    pairs = list(pairs)
    return RetrievalPlan(pairs[0][0].uid if pairs else "", tuple(SentInstance(instance) for _, instance in pairs))


def run_quietly(retrieval: Retrieval, plan: RetrievalPlan) -> None:
    """Run, although an association may end at any time; the client of a C-MOVE learns of the end of its C-STOREs."""
    try:
        retrieval.run(plan)
    except Gone:
        if retrieval.carrier is not retrieval.asker:
            with suppress(Gone):
                retrieval.respond(ALL_FAILED, {0x1021: 0, 0x1022: len(plan.deliveries), 0x1023: 0})
