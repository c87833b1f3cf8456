"""The checks of MINT, in their order: its search for studies. Images come by another protocol."""

from collections.abc import Mapping
from functools import partial

from pacsflow.dicom.contract import Level
from pacsflow.dicom.probe import amount, queries, sample
from pacsflow.dicom.probe.contract import Checks
from pacsflow.dicom.probe.visit import Answers, Visit
from pacsflow.dicom.probe.web import levels, matching, reach
from pacsflow.dicom.web.mint import MintLane, one
from pacsflow.errors import PacsPermanentError


def ask(visit: Visit, level: Level, keys: Mapping[str, str], *, most: int) -> Answers:
    """The first `most` answers and one more; a refusal that will last is told, not raised."""
    try:
        found = MintLane(visit.connection("mint")).find(level, keys, limit=most + 1)
    except PacsPermanentError as error:
        return Answers((), refusal=str(error), status=error.status)
    return Answers(tuple(found[: most + 1]), whole=len(found) <= most)


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
