"""The checks of DICOMweb, in their order: QIDO-RS and WADO-RS (PS3.18 10.4, 10.6)."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from pacsflow.dicom.contract import Level
from pacsflow.dicom.probe import amount, queries, sample
from pacsflow.dicom.probe.contract import Checks
from pacsflow.dicom.probe.visit import Answers, Visit
from pacsflow.dicom.probe.web import arrival, levels, matching, pages, reach
from pacsflow.dicom.web import qido
from pacsflow.dicom.web.dicomweb import DicomwebLane
from pacsflow.errors import PacsPermanentError

if TYPE_CHECKING:
    from pydicom import Dataset

_WADO_RS = arrival.Way("wado-rs", "dicomweb", DicomwebLane, listed=False)


def ask(visit: Visit, level: Level, keys: Mapping[str, str], *, most: int) -> Answers:
    """The first `most` answers and one more, page by page; a refusal that will last is told, not raised."""
    found: list[Dataset] = []
    try:
        pages = qido.pages(visit.connection("dicomweb"), level, keys, size=min(qido.PAGE, most + 1))
        for page in pages:
            found += page
            if len(found) > most:
                break
    except PacsPermanentError as error:
        return Answers(tuple(found), refusal=str(error), status=error.status)
    return Answers(tuple(found[: most + 1]), whole=len(found) <= most)


FIRST: Checks = {"connection": partial(reach.check, protocol="dicomweb", greet=qido.one)}
ASKING: Checks = {
    "sample": sample.check,
    "queries": partial(levels.check, service="QIDO-RS"),
    "relational queries": queries.relational,
    "keys": queries.keys,
    "matching": matching.check,
    "pages": pages.check,
    "result limit": amount.check,
}
FETCHING: Checks = {"WADO-RS": partial(arrival.check, way=_WADO_RS)}
LAST: Checks = {}
CHEAP = frozenset({"connection", "queries"})
