"""Greet the node: an answer to C-ECHO before anything else, so that a wrong address ends a run at once."""

from pacsflow.dicom.query import echo
from tasks._policy import engine_task
from tasks.session import session


@engine_task("greet node", "greet node")
def greet_node(project: str, node: str = "") -> float:
    """Seconds the node took to answer (PS3.4 A). Raises PacsError, with what to ask the PACS administrator."""
    run = session(project)
    seconds = echo(run.node(node))
    run.traffic(node, echo=1)
    return seconds
