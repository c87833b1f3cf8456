"""The checks of a DIMSE node, in their order. Adding one is one line here and one function."""

from pacsflow.dicom.probe import amount, c_find, capacity, queries, reach, retrieval, sample, services
from pacsflow.dicom.probe.contract import Checks

ask = c_find.ask
FIRST: Checks = {"connection": reach.check, "queries": services.queries}
ASKING: Checks = {
    "sample": sample.check,
    "relational queries": queries.relational,
    "keys": queries.keys,
    "result limit": amount.check,
    "character sets": queries.character_sets,
}
FETCHING: Checks = {"retrievals": services.retrievals, "C-GET": retrieval.by_get, "C-MOVE": retrieval.by_move}
LAST: Checks = {"associations": capacity.check}
CHEAP = frozenset({"queries", "retrievals"})
