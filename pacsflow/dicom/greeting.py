"""A greeting: the smallest request that tells whether a node can be asked at all."""

import time
from importlib import import_module

from pacsflow.dicom.lanes import PROTOCOLS
from pacsflow.dicom.query import echo
from schemas.pacs import PacsNode


def greet(node: PacsNode) -> float:
    """Seconds until the node answered: a C-ECHO (PS3.4 A), or a query for one study.

    Raises PacsTransientError, PacsPermanentError, SecretError.
    """
    if node.finds_by == "dimse":
        return echo(node)
    begin = time.perf_counter()
    import_module(PROTOCOLS[node.finds_by]).greet(node)
    return time.perf_counter() - begin
