"""Instances out of web answers into a sink, counted: what a retrieval gave, and what it said it could not give."""

from collections.abc import Iterator

from pacsflow.dicom.contract import BrokenError, Outcome, Sink
from pacsflow.dicom.status import SUCCESS
from pacsflow.dicom.web.multipart import Part
from pacsflow.dicom.web.part10 import NoFileError, received

WARNING = 0xB000
"""Sub-operations complete, one or more failures (PS3.4 C.4.2.1.5)."""


def take(parts: Iterator[Part], sink: Sink) -> Outcome:
    """Each part that is a DICOM file goes into `sink`; what is none counts as failed.

    Raises BrokenError where the answer ends too early, and where the sink takes no more.
    """
    completed = failed = 0
    for part in parts:
        try:
            status = sink(received(part.content))
        except NoFileError:
            failed += 1
            continue
        if status != SUCCESS:
            raise BrokenError("our side takes no more images")  # without a status: that is the node's word
        completed += 1
    return Outcome(WARNING if failed else SUCCESS, completed, failed)
