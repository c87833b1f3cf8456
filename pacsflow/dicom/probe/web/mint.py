"""The checks of MINT, in their order: its search for studies. Images come by another protocol."""

from collections.abc import Iterator, Mapping
from functools import partial

from pydicom import Dataset

from pacsflow.dicom.contract import Level
from pacsflow.dicom.probe import amount, queries, sample
from pacsflow.dicom.probe.contract import Checks
from pacsflow.dicom.probe.visit import Answers, Visit
from pacsflow.dicom.probe.web import levels, matching, reach
from pacsflow.dicom.probe.web.hearing import first
from pacsflow.dicom.web.mint import MintLane, one


def ask(visit: Visit, level: Level, keys: Mapping[str, str], *, most: int) -> Answers:
    """The first `most` answers and one more, of so many studies at most."""

    def found() -> Iterator[Dataset]:
        yield from MintLane(visit.connection("mint")).find(level, keys, limit=most + 1)

    return first(found(), most)


FIRST: Checks = {"connection": partial(reach.check, protocol="mint", greet=one)}
ASKING: Checks = {
    "sample": sample.check,
    "queries": partial(levels.check, service="MINT"),
    "relational queries": queries.relational,
    "keys": queries.keys,
    "matching": matching.check,
    "result limit": amount.check,
}
FETCHING: Checks = {}
LAST: Checks = {}
CHEAP = frozenset({"connection", "queries"})
