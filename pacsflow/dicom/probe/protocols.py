"""The checks of each protocol, in their order. Adding a check is one line here and one function; a protocol none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import chain
from typing import Final

from pydicom import Dataset

from pacsflow.dicom.contract import Lane, Level
from pacsflow.dicom.probe import c_find
from pacsflow.dicom.probe.basket import WHOLE
from pacsflow.dicom.probe.checks import (
    capacity,
    dimse_compressed,
    dimse_connection,
    dimse_retrieval,
    dimse_services,
    queries,
    result_limit,
    sample,
    web_connection,
    web_levels,
    web_matching,
    web_paging,
    web_retrieval,
)
from pacsflow.dicom.probe.visit import Answers, Asker, Check, Checks, Visit, first
from pacsflow.dicom.web import mint, qido
from schemas.pacs import Protocol
from schemas.protocols import PROTOCOLS

SINGLES: Final = 3


def _unasked(visit: Visit, level: Level, keys: Mapping[str, str], *, most: int) -> Answers:
    raise NotImplementedError("this protocol cannot be queried")


@dataclass(frozen=True)
class Prober:
    """The checks of a protocol. What a protocol cannot do has no checks.

    Of a node that is queried by it, `first` and then `asking`; of one that is fetched from by it, `fetching`; of
    both, at the end, `last`. `cheap` names the checks that ask for next to nothing. `ask` puts a query.
    """

    ask: Asker = _unasked
    first: Checks = field(default_factory=dict)
    asking: Checks = field(default_factory=dict)
    fetching: Checks = field(default_factory=dict)
    last: Checks = field(default_factory=dict)
    cheap: frozenset[str] = frozenset()


def _qido(visit: Visit, level: Level, keys: Mapping[str, str], *, most: int) -> Answers:
    """The first `most` answers of QIDO-RS and one more, page by page (PS3.18 10.6)."""
    size = min(qido.PAGE, most + 1)
    return first(chain.from_iterable(qido.pages(visit.connection("dicomweb"), level, keys, size=size)), most)


def _mint(visit: Visit, level: Level, keys: Mapping[str, str], *, most: int) -> Answers:
    """The first `most` answers of MINT's search and one more, of so many studies at most."""

    def found() -> Iterator[Dataset]:
        yield from mint.MintLane(visit.connection("mint")).find(level, keys, limit=most + 1)

    return first(found(), most)


def _retrieval(protocol: Protocol) -> Checks:
    """The checks of the ways of the web by which images come; of single images three at most (PS3.18 9.4)."""
    spec, module = PROTOCOLS[protocol], import_module(PROTOCOLS[protocol].module)
    ways = [
        web_retrieval.WebRetrieval(
            method,
            protocol,
            module.over,
            most=SINGLES if spec.single else WHOLE,
            listed=spec.listed,
            single=spec.single,
        )
        for method in spec.methods
    ]
    return {way.name: partial(web_retrieval.check, way=way) for way in ways}


def _connection(protocol: Protocol) -> Check:
    """The first check of a web service that is queried: its module asks for one study."""
    return partial(web_connection.check, protocol=protocol, greet=import_module(PROTOCOLS[protocol].module).one)


def _asked(protocol: Protocol, visit: Visit, level: Level, keys: Mapping[str, str], *, most: int) -> Answers:
    """The first `most` answers of a web service and one more."""
    lane: Lane = import_module(PROTOCOLS[protocol].module).over(visit.connection(protocol))
    return first(iter(lane.find(level, keys)), most)


PROBERS: Final[Mapping[Protocol, Prober]] = {
    "dimse": Prober(
        ask=c_find.ask,
        first={"connection": dimse_connection.check, "queries": dimse_services.queries},
        asking={
            "sample": sample.check,
            "relational queries": queries.relational,
            "keys": queries.keys,
            "result limit": result_limit.check,
            "character sets": queries.character_sets,
        },
        fetching={
            "retrievals": dimse_services.retrievals,
            "C-GET": dimse_retrieval.by_get,
            "C-MOVE": dimse_retrieval.by_move,
            "compressed images": dimse_compressed.check,
        },
        last={"associations": capacity.check},
        cheap=frozenset({"queries", "retrievals"}),
    ),
    "dicomweb": Prober(
        ask=_qido,
        first={"connection": _connection("dicomweb")},
        asking={
            "sample": sample.check,
            "queries": partial(web_levels.check, service="QIDO-RS"),
            "relational queries": queries.relational,
            "keys": queries.keys,
            "matching": web_matching.check,
            "pages": web_paging.check,
            "result limit": result_limit.check,
        },
        fetching=_retrieval("dicomweb"),
        cheap=frozenset({"connection", "queries"}),
    ),
    "mint": Prober(
        ask=_mint,
        first={"connection": _connection("mint")},
        asking={
            "sample": sample.check,
            "queries": partial(web_levels.check, service="MINT"),
            "relational queries": queries.relational,
            "keys": queries.keys,
            "matching": web_matching.check,
            "result limit": result_limit.check,
        },
        cheap=frozenset({"connection", "queries"}),
    ),
}
"""The protocols with checks of their own; see `prober_of`."""


def prober_of(protocol: Protocol) -> Prober:
    """The checks of a protocol: its own where `PROBERS` has some, else those that each protocol of the web has."""
    if protocol in PROBERS:
        return PROBERS[protocol]
    spec = PROTOCOLS[protocol]
    if not spec.finds:
        return Prober(fetching=_retrieval(protocol))
    return Prober(
        ask=partial(_asked, protocol),
        first={"connection": _connection(protocol)},
        asking={
            "sample": sample.check,
            "queries": partial(web_levels.check, service=protocol.upper()),
            "relational queries": queries.relational,
            "keys": queries.keys,
            "matching": web_matching.check,
            "result limit": result_limit.check,
        },
        fetching=_retrieval(protocol),
        cheap=frozenset({"connection", "queries"}),
    )
