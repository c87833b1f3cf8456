"""How much of a web service's answers is heard: enough, and not what a wide query would bring."""

from collections.abc import Iterable
from itertools import islice

from pydicom import Dataset

from pacsflow.dicom.probe.visit import Answers
from pacsflow.errors import PacsPermanentError


def first(answers: Iterable[Dataset], most: int) -> Answers:
    """The first `most` answers and one more; a refusal that will last is told, not raised."""
    found: list[Dataset] = []
    try:
        for answer in islice(answers, most + 1):
            found.append(answer)  # noqa: PERF402 - what came before a refusal counts
    except PacsPermanentError as error:
        return Answers(tuple(found), refusal=str(error), status=error.status)
    return Answers(tuple(found), whole=len(found) <= most)
