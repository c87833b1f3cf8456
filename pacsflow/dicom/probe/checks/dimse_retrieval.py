"""Whether images really come: a small series by C-GET, and by C-MOVE to us. They are counted and thrown away."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from operator import attrgetter

from pydicom.uid import UID

from pacsflow.dicom.contract import Level, Outcome
from pacsflow.dicom.dimse import receiver
from pacsflow.dicom.dimse.admission import FIX
from pacsflow.dicom.dimse.broken import SilenceError
from pacsflow.dicom.dimse.channel import Channel
from pacsflow.dicom.dimse.contexts import PATIENT_ROOT, STUDY_ROOT, batches, private_classes, storage_classes
from pacsflow.dicom.dimse.retrieve import Once, get, move
from pacsflow.dicom.probe.basket import WHOLE, Basket, basket_for, untried
from pacsflow.dicom.probe.results import CheckResult, Fact, Sample, Verdict, failure
from pacsflow.dicom.probe.visit import Visit
from pacsflow.dicom.probe.words import our_address
from pacsflow.dicom.status import told
from pacsflow.errors import PacsError
from pacsflow.wording import counted
from schemas.pacs import MoveTo

Wanted = tuple[Level, dict[str, str]]
"""The level of a retrieval, and its keys."""
_DESTINATION_UNKNOWN = 0xA801


def by_get(visit: Visit) -> Iterator[CheckResult]:
    """`C-GET` and `transfer syntaxes`."""
    aet, model = visit.node.calling_aet, attrgetter("get")
    if not any(visit.channel().context(model(root)) for root in (STUDY_ROOT, PATIENT_ROOT)):
        wish = f"permit C-GET to {aet} (Study Root, with SCP role selection), if the PACS can do it"
        yield CheckResult("C-GET", "no", "not accepted", {"accepted": False}, request=wish)
        return
    if (reason := untried(visit.sample)) or visit.sample is None:
        yield CheckResult("C-GET", "unknown", f"accepted; not tried: {reason}", {"accepted": True})
        return
    channel = visit.channel(visit.sample.sop_classes or batches(storage_classes())[0])
    basket, request = _asked(visit, visit.sample)
    yield _got(visit, request, channel, basket)
    visit.syntaxes["C-GET"] = basket.syntaxes
    yield _syntaxes(basket, visit.sample.sop_classes | basket.classes, channel)


def _got(visit: Visit, request: Wanted, channel: Channel, basket: Basket) -> CheckResult:
    ended = attempt(visit, request, get(channel, basket, node=visit.node))
    verdict, said = _arrived(basket, ended)
    facts = {"accepted": True, "roles": bool(channel.receivable), **_status(ended), **basket.facts()}
    wish = f"permit C-GET of images to {visit.node.calling_aet}, with SCP role selection"
    return CheckResult("C-GET", verdict, said, facts, request="" if verdict == "ok" else wish)


def _asked(visit: Visit, sample: Sample) -> tuple[Basket, Wanted]:
    """The sink, and the request whose images it expects."""
    basket = basket_for(sample, visit.requests)
    keys = {"StudyInstanceUID": sample.study_uid, "SeriesInstanceUID": sample.series_uid}
    keys |= {"PatientID": sample.patient_id} if sample.patient_id else {}
    if len(sample.sop_uids) <= WHOLE:
        return basket, ("SERIES", keys)
    return basket, ("IMAGE", {**keys, "SOPInstanceUID": sample.sop_uids[0]})


def attempt(visit: Visit, request: Wanted, once: Once) -> Outcome | PacsError:
    """How a retrieval ended."""
    visit.requests["retrievals"] += 1
    try:
        return once(*request)
    except PacsError as error:
        return error


def _status(ended: Outcome | PacsError) -> dict[str, Fact]:
    return {} if ended.status is None else {"status": f"{ended.status:04X}"}


def _arrived(basket: Basket, ended: Outcome | PacsError) -> tuple[Verdict, str]:
    came, wanted = len(basket.came), len(basket.wanted)
    if isinstance(ended, PacsError):
        if not came:
            return "no", f"accepted, but it fails: {ended}"
        return "partly", f"{came} of {counted(wanted, 'image')} arrived, then it failed: {ended}"
    if came == wanted:
        return "ok", f"works: {came} of {counted(wanted, 'image')} arrived"
    said = f"{came} of {counted(wanted, 'image')} arrived; the node ended with {told(ended.status)}"
    return ("partly" if came else "no"), f"{said}, {ended.completed} sent and {ended.failed} failed by its count"


def _syntaxes(basket: Basket, classes: AbstractSet[str], channel: Channel) -> CheckResult:
    accepted = sorted({UID(syntax).name for sop_class, syntax in channel.accepted if sop_class in classes})
    came = sorted(UID(syntax).name for syntax in basket.syntaxes)
    facts = {"accepted": accepted, "came": came}
    if not accepted:
        return CheckResult("transfer syntaxes", "unknown", "none was accepted for the images tried with", facts)
    said = f"{len(accepted)} are accepted for the images tried with{'; they came in ' if came else ''}{', '.join(came)}"
    return CheckResult("transfer syntaxes", "ok", said, facts)


def by_move(visit: Visit) -> Iterator[CheckResult]:
    """`C-MOVE`, and why images do not arrive by it."""
    move_to = visit.node.fetch.move_to
    if not any(visit.channel().context(root.move) for root in (STUDY_ROOT, PATIENT_ROOT)):
        wish = f"permit C-MOVE to {visit.node.calling_aet} (Study Root)"
        yield CheckResult("C-MOVE", "no", "not accepted", {"accepted": False}, request=wish)
    elif move_to is None:
        fix = "for C-MOVE set `fetch.move_to` to an AE title and a port of this computer"
        yield CheckResult(
            "C-MOVE", "unknown", "accepted; not tried: `fetch.move_to` is not set", {"accepted": True}, fix=fix
        )
    elif not move_to.ours:
        yield CheckResult("C-MOVE", "unknown", "accepted; not tried: another AE receives", {"accepted": True})
    elif (reason := untried(visit.sample)) or visit.sample is None:
        yield CheckResult("C-MOVE", "unknown", f"accepted; not tried: {reason}", {"accepted": True})
    else:
        yield _moved(visit, visit.sample, move_to)


def _moved(visit: Visit, sample: Sample, move_to: MoveTo) -> CheckResult:
    basket, request = _asked(visit, sample)
    try:
        ended, connected, refused = moved(visit, sample, move_to, request, basket)
    except PacsError as error:
        return failure("C-MOVE", error)
    visit.syntaxes["C-MOVE"] = basket.syntaxes
    facts = {"accepted": True, "connections": connected, **_status(ended), **basket.facts()}
    if basket.came:
        verdict, said = _arrived(basket, ended)
        return CheckResult("C-MOVE", verdict, said, facts, request="" if verdict == "ok" else _permit(visit))
    if refused:
        said = f"our storage SCP turned away {refused}"
        return CheckResult("C-MOVE", "no", said, facts, fix=FIX)
    said, wish = _why_not(visit, connected=connected, ended=ended)
    return CheckResult("C-MOVE", "no", said, facts, request=wish)


def moved(
    visit: Visit, sample: Sample, move_to: MoveTo, request: Wanted, basket: Basket
) -> tuple[Outcome | PacsError, int, str]:
    """How a C-MOVE to us ended, how many connections it opened, and whom we turned away. Raises PacsError."""
    scp = receiver.acquire(visit.node, move_to)
    scp.admit(visit.node, private_classes(sample.sop_classes))
    before = scp.connections
    try:
        with receiver.waiting(scp, visit.node, study_uid=sample.study_uid, sink=basket) as place:
            ended = attempt(visit, request, move(visit.channel(), move_to.aet, node=visit.node, waiting=place))
    finally:
        connected, refused = scp.connections - before, scp.admission.refused()
        receiver.give_back(scp)
    return ended, connected, refused


def _why_not(visit: Visit, *, connected: int, ended: Outcome | PacsError) -> tuple[str, str]:
    """Why nothing arrived, and what to ask for: the AE title, the way to our port, or the permission to send."""
    move_to, status = visit.node.fetch.move_to, ended.status
    assert move_to is not None  # noqa: S101 - seen to by the caller
    place = f"AE title {move_to.aet}, host {our_address(visit.node)}, port {move_to.port}"
    if status == _DESTINATION_UNKNOWN:
        return f"the node does not know {move_to.aet} as a destination", f"declare a C-MOVE destination: {place}"
    how = (
        "stayed silent"
        if isinstance(ended, SilenceError)
        else f"ended with {told(status)}"
        if status is not None
        else "broke off"
    )
    if connected:
        said = f"the node {how}; it connected to our port {move_to.port}, but sent no image of those asked for"
        return said, _permit(visit)
    said = f"the node {how} and never connected to our port {move_to.port}"
    wish = f"see that a C-MOVE destination is declared ({place}) and that a firewall lets the node connect to that port"
    return said, wish


def _permit(visit: Visit) -> str:
    move_to = visit.node.fetch.move_to
    aet = move_to.aet if move_to else visit.node.calling_aet
    return f"permit C-STORE to {aet} ('storeable'), in all storage SOP classes and transfer syntaxes"
