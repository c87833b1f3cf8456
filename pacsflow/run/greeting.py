"""Greet the node: an answer before anything else, so that a wrong address or log-in ends a run at once."""

from pacsflow.dicom import retrieve_methods
from pacsflow.dicom.dimse import receiver
from pacsflow.dicom.lanes import greet
from pacsflow.dicom.probe import Capabilities, keep, probe, recall, strategy
from pacsflow.dicom.retrieve_methods import RetrieveMethod
from pacsflow.run.session import Session, session
from schemas.pacs import PacsNode


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
    way = retrieve_methods.remembered(node) if node.fetch.method == "auto" else None
    return ours and (node.fetch.method == "c-move" or (way is not None and way.method == "c-move"))


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
        retrieve_methods.remember(node, RetrieveMethod(plan.method, unannounced=plan.method == "c-get" and not roles))


def _first_contact(run: Session, node: PacsNode) -> Capabilities:
    found = probe(node, whole=False)
    run.traffic(node.name, **found.traffic)
    if strategy(node, found.findings).works:
        keep(node, found)
    return found
