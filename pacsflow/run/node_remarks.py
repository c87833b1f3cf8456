"""What was learnt of the nodes on the way: for the report, and for later runs."""

from pacsflow.dicom import retrieve_methods
from pacsflow.dicom.probe.memory import amend
from pacsflow.dicom.probe.results import CheckResult
from pacsflow.run.session import Session


def remarks(run: Session) -> tuple[str, ...]:
    """What a person should know of how the nodes were spoken to; remembered for later runs."""
    told = []
    for node in run.project.nodes.values():
        way = retrieve_methods.remembered(node)
        if way is not None and way.remark:
            said = "accepted, but no image came by it when studies were fetched"
            amend(node, CheckResult("C-GET", "no", said, {"accepted": True}))
            told.append(way.remark)
    return tuple(told)
