"""What is proposed to a node: query and retrieve models, and storage classes with their transfer syntaxes.

An association has 128 presentation contexts at most (PS3.8 9.3.2.2). For C-GET each storage class is
proposed once per transfer syntax, so that the node can send every instance as it holds it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context, build_role
from pynetdicom._globals import ALL_TRANSFER_SYNTAXES
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import AllStoragePresentationContexts, PresentationContext
from pynetdicom.service_class import StorageServiceClass
from pynetdicom.sop_class import register_uid, uid_to_service_class


@dataclass(frozen=True)
class InformationModel:
    """The SOP classes of one query/retrieve information model (PS3.4 C.6)."""

    find: str
    move: str
    get: str


STUDY_ROOT = InformationModel(*(f"1.2.840.10008.5.1.4.1.2.2.{part}" for part in (1, 2, 3)))
PATIENT_ROOT = InformationModel(*(f"1.2.840.10008.5.1.4.1.2.1.{part}" for part in (1, 2, 3)))
VERIFICATION = "1.2.840.10008.1.1"
_QUERY_SYNTAXES: list[str | UID] = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
_MODELS = [uid for model in (STUDY_ROOT, PATIENT_ROOT) for uid in (model.find, model.move, model.get)]

_UNCOMPRESSED = tuple(f"1.2.840.10008.1.2{end}" for end in (".1", "", ".2", ".1.99"))
_OFTEN = tuple(
    f"1.2.840.10008.1.2.{end}" for end in ("4.50", "4.51", "4.57", "4.70", "4.80", "4.81", "4.90", "4.91", "5")
)
_SELDOM = tuple(sorted(set(map(str, ALL_TRANSFER_SYNTAXES)) - {*_UNCOMPRESSED, *_OFTEN}))
TRANSFER_SYNTAXES = (*_UNCOMPRESSED, *_OFTEN, *_SELDOM)

_PLACES = 128 - len(_MODELS)
MOST_CLASSES = _PLACES // 2
"""Storage classes that fit into one association, with a context for uncompressed and one for compressed syntaxes."""

_USUAL_ENDS = (
    "1 1.1 1.1.1 1.2 1.2.1 1.3 1.3.1 2 2.1 2.2 4 4.1 4.2 4.3 4.4 3.1 6.1 6.2 7 7.1 7.2 7.3 7.4 12.1 "
    "12.1.1 12.2 12.2.1 13.1.1 13.1.2 13.1.3 20 30 66 66.1 66.4 67 77.1.1 77.1.4 77.1.5.1 77.1.5.4 77.1.6 "
    "88.11 88.22 88.33 88.34 88.50 88.59 88.67 104.1 11.1 11.2 128 128.1 130 481.1 481.2 481.3 481.5 "
    "481.8 9.1.1 66.7 "
)
_USUAL = {f"1.2.840.10008.5.1.4.1.1.{end}" for end in _USUAL_ENDS.split()}


_STANDARD, _STORAGE = "1.2.840.10008.", "1.2.840.10008.5.1.4.1.1."
_MOST_NAMED = 64
"""Private classes of one study that are taken on the node's word."""


def private_classes(named: Iterable[str]) -> list[str]:
    """Those of the SOP classes that a node names which the standard does not have, or not yet: valid UIDs only."""
    unknown = {uid for uid in named if uid not in storage_classes() and UID(uid).is_valid}
    return sorted(uid for uid in unknown if uid.startswith(_STORAGE) or not uid.startswith(_STANDARD))[:_MOST_NAMED]


@cache
def storage_classes() -> tuple[str, ...]:
    """Every standard storage SOP class, retired ones too."""
    current = {str(context.abstract_syntax) for context in AllStoragePresentationContexts}
    retired = {
        uid
        for uid, (name, kind, *_) in UID_dictionary.items()
        if kind == "SOP Class" and "Storage" in name and uid.startswith("1.2.840.10008.5.1.4.1.1.")
    }
    return tuple(sorted(current | retired))


def batches(classes: Iterable[str]) -> list[frozenset[str]]:
    """`classes` in groups that fit into an association, the usual ones first."""
    ordered = sorted(set(classes), key=lambda uid: (uid not in _USUAL, uid))
    return [frozenset(ordered[start : start + MOST_CLASSES]) for start in range(0, len(ordered), MOST_CLASSES)]


def proposal(
    classes: Collection[str],
) -> tuple[list[PresentationContext], list[SCP_SCU_RoleSelectionNegotiation]]:
    """Presentation contexts and roles of an association that asks, and takes `classes` by C-GET."""
    queries = [build_context(uid, _QUERY_SYNTAXES) for uid in _MODELS]
    groups = _groups(_PLACES // len(classes)) if classes else []
    storage = [build_context(uid, list(group)) for uid in sorted(classes) for group in groups]
    return queries + storage, [build_role(uid, scu_role=False, scp_role=True) for uid in sorted(classes)]


def _groups(places: int) -> list[tuple[str, ...]]:
    """The transfer syntaxes in at most `places` groups: as many of the usual ones as possible alone.

    Some nodes give up a whole retrieval at the first class that was not proposed, so all classes of a
    study share one association and the number of contexts per class gives way.
    """
    if places >= len(TRANSFER_SYNTAXES):
        return [(syntax,) for syntax in TRANSFER_SYNTAXES]
    if places > len(_UNCOMPRESSED) + len(_OFTEN):
        return [*((syntax,) for syntax in TRANSFER_SYNTAXES[: places - 1]), TRANSFER_SYNTAXES[places - 1 :]]
    compressed = (*_OFTEN, *_SELDOM)
    return [_UNCOMPRESSED, *((syntax,) for syntax in compressed[: places - 2]), compressed[places - 2 :]]


def acceptance(private: Collection[str]) -> list[PresentationContext]:
    """What our storage SCP takes: every storage class, `private` ones too, in every transfer syntax; and C-ECHO."""
    classes = {*storage_classes(), *private}
    for uid in sorted(classes):
        if uid_to_service_class(uid) is not StorageServiceClass:
            register_uid(uid, f"Storage_{uid.replace('.', '_')}", StorageServiceClass)
    storage = [build_context(uid, list(TRANSFER_SYNTAXES)) for uid in sorted(classes)]
    return [build_context(VERIFICATION, _QUERY_SYNTAXES), *storage]
