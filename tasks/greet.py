"""Greet the node: an answer before anything else, so that a wrong address or log-in ends a run at once."""

from pacsflow.dicom import receiver, ways
from pacsflow.dicom.greeting import greet
from pacsflow.dicom.probe import Capabilities, Finding, amend, keep, probe, recall, strategy
from pacsflow.dicom.ways import Way
from schemas.pacs import PacsNode
from tasks._policy import engine_task
from tasks.session import Session, session


@engine_task("greet node", "greet node")
def greet_node(project: str, node: str = "") -> float:
    """Seconds the node took to answer: a C-ECHO (PS3.4 A), or a query for one study where it is a web service.

    Raises PacsError, with what to ask the PACS administrator; SecretError.

    Of a node that is not known yet, what it accepts is found out too; what is known decides how images are fetched.
    """
    run = session(project)
    greeted = run.node(node)
    seconds = greet(greeted)
    run.traffic(node, **{"echo" if greeted.finds_by == "dimse" else "find": 1})
    known = recall(greeted) or _first_contact(run, greeted)
    limit = next((one.facts.get("limit") for one in known.findings if one.name == "result limit"), None)
    if isinstance(limit, int):
        run.lanes_to(node).ceiling.learn(limit)
    _choose(greeted, known)
    return seconds


def moves(node: PacsNode) -> bool:
    """Whether images of a node are known to come by C-MOVE to us."""
    ours = node.fetches_by == "dimse" and node.fetch.move_to is not None and node.fetch.move_to.ours
    way = ways.learnt(node) if node.fetch.method == "auto" else None
    return ours and (node.fetch.method == "c-move" or (way is not None and way.method == "c-move"))


@engine_task("listen for images", "listen for images")
def listen(project: str, node: str = "") -> None:
    """Make sure that our storage SCP can listen, before every study finds out for itself. Raises PacsError."""
    asked = session(project).node(node)
    if move_to := asked.fetch.move_to:
        receiver.give_back(receiver.acquire(asked, move_to))


def _choose(node: PacsNode, known: Capabilities) -> None:
    """Fetch images by what is known to work, where DIMSE leaves a choice."""
    plan = strategy(node, known.findings)
    if plan.method == "c-move" or (plan.method == "c-get" and plan.proven):
        roles = next((one.facts.get("roles") for one in known.findings if one.name == "C-GET"), True)
        ways.learn(node, Way(plan.method, unannounced=plan.method == "c-get" and not roles))


def _first_contact(run: Session, node: PacsNode) -> Capabilities:
    found = probe(node, whole=False)
    run.traffic(node.name, **found.traffic)
    if strategy(node, found.findings).works:
        keep(node, found)
    return found


def remarks(run: Session) -> tuple[str, ...]:
    """What a person should know of how the nodes were spoken to; remembered for later runs."""
    told = []
    for node in run.project.nodes.values():
        way = ways.learnt(node)
        if way is not None and way.remark:
            said = "accepted, but no image came by it when studies were fetched"
            amend(node, Finding("C-GET", "no", said, {"accepted": True}))
            told.append(way.remark)
    return tuple(told)
