"""The checks of a DIMSE node, in their order. Adding one is one line here and one function."""

from collections.abc import Iterator, Sequence

from pacsflow.dicom.probe import amount, capacity, queries, reach, retrieval, sample, services
from pacsflow.dicom.probe.contract import Check, Finding, failure
from pacsflow.dicom.probe.visit import Visit
from pacsflow.errors import PacsError

FIRST: dict[str, Check] = {"connection": reach.check, "queries": services.check}
"""Without these there is nothing more to ask."""
FURTHER: dict[str, Check] = {
    "sample": sample.check,
    "relational queries": queries.relational,
    "keys": queries.keys,
    "result limit": amount.check,
    "character sets": queries.character_sets,
    "C-GET": retrieval.by_get,
    "C-MOVE": retrieval.by_move,
    "associations": capacity.check,
}


def look(visit: Visit) -> Iterator[Finding]:
    """All findings; after a `no` of the first checks none of the further ones."""
    for name in ("connection", "queries"):
        found = list(run(visit, name))
        yield from found
        if any(one.name == name and one.verdict == "no" for one in found):
            return
    for name in FURTHER:
        yield from run(visit, name)


def glance(visit: Visit) -> Sequence[Finding]:
    """What one association tells: the first contact of a run."""
    return list(run(visit, "queries"))


def run(visit: Visit, name: str) -> Iterator[Finding]:
    """The findings of one check; an association that is lost in it is a finding too."""
    check = (FIRST | FURTHER)[name]
    try:
        yield from check(visit)
    except PacsError as error:
        visit.close()
        yield failure(name, error, verdict="unknown")
