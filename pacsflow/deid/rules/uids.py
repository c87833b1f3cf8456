"""What may leave as a UID (PS3.5 9.1): one grammar for all of them, and the classes and syntaxes that are known."""

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pacsflow.attributes import registered_uids
from pacsflow.deid.rules import iod_types
from pacsflow.deid.rules.actions import KEPT, Answer, Case
from pacsflow.errors import RefusalError

LONGEST: Final = 64
_UID: Final = re.compile(rb"[0-2](?:\.(?:0|[1-9][0-9]*))+")
CLASSES: Final = (
    frozenset(uid for uid, entry in registered_uids().items() if entry[1] in ("SOP Class", "Meta SOP Class"))
    | iod_types.classes()
)
SYNTAXES: Final = frozenset(uid for uid, entry in registered_uids().items() if entry[1] == "Transfer Syntax") | {
    "1.2.840.113619.5.2"  # GE, implicit VR with pixel data in big endian
}
PRIVATE_CLASSES: Final = re.compile(
    r"1\.3\.12\.2\.1107\.5\.9\.1"  # Siemens CSA Non-Image
    r"|1\.3\.12\.2\.1107\.5\.99\.3\.1[01]"  # Siemens AX frame sets, volumes
    r"|1\.3\.46\.670589\.(?:2\.[345]\.1\.1|5\.0\.[0-9]{1,2}(?:\.[0-9])?|11\.0\.0\.12\.[0-9])"  # Philips
    r"|1\.2\.840\.113619\.4\.[0-9]{1,2}"  # GE
    r"|1\.2\.392\.200036\.9116\.7\.8\.1\.1\.1"  # Toshiba ultrasound
    r"|1\.2\.840\.113543\.6\.6\.1\.3\.10002|1\.2\.840\.113543\.6\.6\.1\.4\.1"  # Philips 3D volumes
)
"""SOP classes that vendors publish in their conformance statements."""


@lru_cache(4096)
def legal(value: bytes) -> bool:
    """Whether a UI value holds UIDs and padding, and nothing else: each by the grammar of PS3.5 9.1, 64 at most."""
    return all(len(uid) <= LONGEST and _UID.fullmatch(uid) for uid in value.rstrip(b" \0").split(b"\\"))


@dataclass(frozen=True)
class LegalUid:
    """A UID that is kept, if it is one."""

    says: str = "kept where they are UIDs"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """KEPT; nothing where the value is anything but UIDs."""
        return KEPT if legal(value) else b""


def refuse_unknown(sop_class: str, syntax: str, uids: Iterable[str], private: AbstractSet[str]) -> None:
    """Raise RefusalError for a SOP class or transfer syntax that nobody registered, and for UIDs that are none.

    `private` are classes and syntaxes that the profile names.
    """
    fix = "if it is a private one of your devices, name it under `uids: {private: …}` in deid.yaml"
    if sop_class not in CLASSES and sop_class not in private and not PRIVATE_CLASSES.fullmatch(sop_class):
        raise RefusalError("uid: the SOP class is not a known one", fix=fix)
    if syntax not in SYNTAXES and syntax not in private:
        raise RefusalError("uid: the transfer syntax is not a known one", fix=fix)
    if not all(legal(uid.encode("latin-1", "replace")) for uid in uids if uid):
        raise RefusalError("uid: what stands as UID of study, series or instance is not a UID (PS3.5 9.1)")
