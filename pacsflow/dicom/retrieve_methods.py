"""Whether C-GET or C-MOVE works with a node: known from a probe or the first retrieval, for all lanes of a process."""

import hashlib
import json
import logging
import threading
from dataclasses import dataclass

from schemas.pacs import PacsNode

LOG = logging.getLogger(__name__)
_VERSION = 1
_FIELDS = {"protocol", "find", "host", "port", "called_aet", "calling_aet", "tls", "character_set", "sop_classes"}
_FIELDS_OF_THE_WEB = {"url", "urls", "auth", "ca"}


@dataclass(frozen=True)
class RetrieveMethod:
    """`method`: c-get or c-move. `remark`: what to tell a person about it; empty where there is nothing to tell.

    `unannounced`: they come by C-GET although the node does not agree to it by role selection (PS3.7 D.3.3.4).
    """

    method: str
    remark: str = ""
    unannounced: bool = False


_ways: dict[str, RetrieveMethod] = {}
_lock = threading.Lock()


def fingerprint(node: PacsNode) -> str:
    """Digest of all settings that decide what a node can do for us: another node, or another way to it, is unknown."""
    settings = node.model_dump(mode="json", include=_FIELDS)
    if node.protocols != ("dimse",):
        settings |= node.model_dump(mode="json", include=_FIELDS_OF_THE_WEB) | {"fetched by": node.fetches_by}
    settings |= {"move_to": node.fetch.model_dump(mode="json")["move_to"], "associations": node.limits.associations}
    return hashlib.sha256(json.dumps([_VERSION, settings], sort_keys=True).encode()).hexdigest()[:32]


def remembered(node: PacsNode) -> RetrieveMethod | None:
    """The method by which images of `node` come; None where none came yet."""
    return _ways.get(fingerprint(node))


def remember(node: PacsNode, way: RetrieveMethod) -> None:
    """From now on images of `node` are fetched by `way`. Its remark goes to the log, once."""
    with _lock:
        before = _ways.get(fingerprint(node))
        _ways[fingerprint(node)] = way
    if way.remark and before != way:
        LOG.warning("%s", way.remark)


def forget(node: PacsNode) -> None:
    """Nothing is known of `node` any more."""
    with _lock:
        _ways.pop(fingerprint(node), None)
