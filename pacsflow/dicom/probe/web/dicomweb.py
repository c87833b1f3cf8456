"""The checks of DICOMweb, in their order: QIDO-RS and WADO-RS (PS3.18 10.4, 10.6)."""

from collections.abc import Mapping
from functools import partial
from itertools import chain

from pacsflow.dicom.contract import Level
from pacsflow.dicom.probe import amount, queries, sample
from pacsflow.dicom.probe.contract import Checks
from pacsflow.dicom.probe.visit import Answers, Visit
from pacsflow.dicom.probe.web import arrival, levels, matching, pages, reach
from pacsflow.dicom.probe.web.hearing import first
from pacsflow.dicom.web import qido
from pacsflow.dicom.web.dicomweb import DicomwebLane

_WADO_RS = arrival.Way("wado-rs", "dicomweb", DicomwebLane, listed=False)


def ask(visit: Visit, level: Level, keys: Mapping[str, str], *, most: int) -> Answers:
    """The first `most` answers and one more, page by page."""
    size = min(qido.PAGE, most + 1)
    return first(chain.from_iterable(qido.pages(visit.connection("dicomweb"), level, keys, size=size)), most)


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
