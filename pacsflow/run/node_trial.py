"""A node as pacs.yaml would say it, asked for an answer before anything is saved."""

from dataclasses import dataclass
from pathlib import Path

from pacsflow.dicom.lanes import greet
from pacsflow.projects.trial import model_tried
from schemas.pacs import PacsNode

FILE = "pacs.yaml"


@dataclass(frozen=True)
class EchoAnswer:
    """That a node answered: where it is, how it was asked, after how many seconds."""

    place: str
    protocol: str
    seconds: float


def node_of(folder: Path, text: str) -> PacsNode:
    """The node of a project with another text of pacs.yaml. Raises ProjectError with the mistakes in it."""
    with model_tried(folder, FILE, text, PacsNode) as node:
        return node


def echo_of(folder: Path, text: str) -> EchoAnswer:
    """Ask for an answer: C-ECHO (PS3.4 A), or a query for one study where the node is a web service.

    Raises ProjectError where the text is not right, or the machine's policy does not allow the node; PacsError, with
    what to do; SecretError.
    """
    node = node_of(folder, text)
    return EchoAnswer(node.place, node.finds_by, greet(node))
