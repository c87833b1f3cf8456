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


@dataclass(frozen=True)
class Model:
    """The SOP classes of one query/retrieve information model (PS3.4 C.6)."""

    find: str
    move: str
    get: str


STUDY_ROOT = Model(*(f"1.2.840.10008.5.1.4.1.2.2.{part}" for part in (1, 2, 3)))
PATIENT_ROOT = Model(*(f"1.2.840.10008.5.1.4.1.2.1.{part}" for part in (1, 2, 3)))
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
KNOWN_CLASSES = _PLACES // (len(_UNCOMPRESSED) + len(_OFTEN) + 1)
"""Storage classes that fit into one association with a context for each usual transfer syntax."""
GUESSED_CLASSES = _PLACES // 2
"""Storage classes that fit into one association with two contexts each: uncompressed, compressed."""


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


def batches(classes: Iterable[str], size: int) -> list[frozenset[str]]:
    """`classes` in groups of at most `size`."""
    ordered = sorted(set(classes))
    return [frozenset(ordered[start : start + size]) for start in range(0, len(ordered), size)]


def proposal(
    classes: Collection[str],
) -> tuple[list[PresentationContext], list[SCP_SCU_RoleSelectionNegotiation]]:
    """Presentation contexts and roles of an association that asks, and takes `classes` by C-GET."""
    queries = [build_context(uid, _QUERY_SYNTAXES) for uid in _MODELS]
    groups = _groups(_PLACES // len(classes)) if classes else []
    storage = [build_context(uid, list(group)) for uid in sorted(classes) for group in groups]
    return queries + storage, [build_role(uid, scu_role=False, scp_role=True) for uid in sorted(classes)]


def _groups(places: int) -> list[tuple[str, ...]]:
    """The transfer syntaxes in at most `places` groups: the usual ones alone, the others together."""
    if places >= len(TRANSFER_SYNTAXES):
        return [(syntax,) for syntax in TRANSFER_SYNTAXES]
    if places <= len(_UNCOMPRESSED) + len(_OFTEN):
        return [_UNCOMPRESSED, (*_OFTEN, *_SELDOM)]
    return [*((syntax,) for syntax in TRANSFER_SYNTAXES[: places - 1]), TRANSFER_SYNTAXES[places - 1 :]]


def acceptance(private: Collection[str]) -> list[PresentationContext]:
    """What our storage SCP takes: every storage class, `private` ones too, in every transfer syntax; and C-ECHO."""
    storage = [build_context(uid, list(TRANSFER_SYNTAXES)) for uid in {*storage_classes(), *private}]
    return [build_context(VERIFICATION, _QUERY_SYNTAXES), *storage]
