"""The door of the room: a node's protocols decide which modules open the lane."""

import time
from collections.abc import Mapping
from importlib import import_module
from typing import Protocol as Contract

from pydicom import Dataset

from pacsflow.dicom.contract import Lane, Level, Outcome, Request, Sink
from pacsflow.dicom.itemized import by_instance
from pacsflow.errors import PacsPermanentError
from schemas.pacs import PacsNode, Protocol
from schemas.protocols import FETCHING, FINDING, PROTOCOLS


class ProtocolModule(Contract):
    """What the module of a protocol gives. One that finds nothing needs no `greet`.

    A module of the web also gives `over(connection)`, a lane over a connection that is there, by which it is probed;
    and `one(connection)` where it finds, which asks for one study and gives the number of answers.
    """

    def open_lane(self, node: PacsNode) -> Lane:
        """A lane to `node`; the first request connects."""

    def greet(self, node: PacsNode) -> float | None:
        """Have the node answer. Seconds, where the protocol counts them; None: all the call took.

        Raises PacsError, SecretError.
        """


def open_lane(node: PacsNode, *, calling_aet: str = "") -> Lane:
    """A lane to `node`, with another calling AE title where one is given.

    Nothing is sent before the first request. Raises PacsPermanentError where a protocol cannot do what is asked.
    """
    called_by = node.model_copy(update={"calling_aet": calling_aet}) if calling_aet else node
    if node.finds_by not in FINDING or node.fetches_by not in FETCHING:
        raise PacsPermanentError(
            f"node {node.name} cannot be queried by {node.finds_by} and fetched from by {node.fetches_by}",
            fix=f"set `find` in pacs.yaml to one of {', '.join(FINDING)}, and `fetch.method`",
        )
    finding = _opened(called_by, node.finds_by)
    if node.finds_by == node.fetches_by:
        return finding
    return Apart(finding, _opened(called_by, node.fetches_by), one_by_one=node.fetches_listed)


def _opened(node: PacsNode, protocol: Protocol) -> Lane:
    return protocol_module(protocol).open_lane(node)


def protocol_module(protocol: Protocol) -> ProtocolModule:
    """The module of a protocol, imported when it is first needed."""
    module: ProtocolModule = import_module(PROTOCOLS[protocol].module)
    return module


class Apart:
    """A lane that asks in one protocol and fetches in another."""

    def __init__(self, finding: Lane, fetching: Lane, *, one_by_one: bool) -> None:
        self._finding, self._fetching, self._one_by_one = finding, fetching, one_by_one

    def find(self, level: Level, keys: Mapping[str, str]) -> list[Dataset]:
        """All answers to a query, or an error."""
        return self._finding.find(level, keys)

    def fetch(self, request: Request, sink: Sink) -> Outcome:
        """Have the instances of `request` sent into `sink`, listed first where only single ones can be asked for."""
        if not self._one_by_one:
            return self._fetching.fetch(request, sink)
        return by_instance(request, self.find, lambda listed: self._fetching.fetch(listed, sink))

    def close(self) -> None:
        """Release both."""
        self._finding.close()
        self._fetching.close()


def greet(node: PacsNode) -> float:
    """Seconds until the node answered: a C-ECHO (PS3.4 A), or a query for one study.

    Raises PacsTransientError, PacsPermanentError, SecretError.
    """
    begin = time.perf_counter()
    seconds = protocol_module(node.finds_by).greet(node)
    return time.perf_counter() - begin if seconds is None else seconds
