"""Which images may show a face that can be recognised, by what their headers say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pacsflow.deid.encoding.header import Header
from pacsflow.deid.rules.guards import MODALITY, DropRule, has_pixels
from pacsflow.errors import RefusalError

BODY_PART: Final = 0x00180015
LIKELY: Final = "likely"
UNLIKELY: Final = "unlikely"
ELSEWHERE: Final = frozenset(
    """
    ABDOMEN ABDOMENPELVIS ANKLE AORTA ARM BLADDER BREAST CALF CHEST CHESTABDOMEN CHESTABDPELVIS CLAVICLE COCCYX COLON
    ELBOW EXTREMITY FINGER FOOT FOREARM HAND HEART HIP HUMERUS KIDNEY KNEE LEG LIVER LSPINE LSSPINE PANCREAS PELVIS
    PROSTATE RIB SHOULDER SSPINE STERNUM THIGH THUMB TOE TSPINE UTERUS WRIST
    """.split()  # noqa: SIM905
)
"""Defined terms of Body Part Examined (PS3.16 Annex L) of what lies away from the head. The cervical spine does not."""


@dataclass(frozen=True)
class FaceGuard:
    """What a profile says of faces: modalities of which they are removed, and rules for images that show none."""

    remove: frozenset[str] = frozenset()
    no_face: Sequence[DropRule] = ()

    def seen(self, header: Header) -> str:
        """LIKELY where a face must be expected, '' where none is looked for.

        UNLIKELY: the header names another part of the body, which in CT and PET is not believed without a look, as
        the field of view of a chest often begins at the nose. MR cannot be told by a look, and there it is believed.
        """
        modality = header.text(MODALITY).strip().upper()
        if modality not in self.remove or not has_pixels(header) or any(rule.fits(header) for rule in self.no_face):
            return ""
        if header.text(BODY_PART).strip().upper() not in ELSEWHERE:
            return LIKELY
        return "" if modality == "MR" else UNLIKELY


def refuse_single() -> RefusalError:
    """What is said of an image that comes without its series."""
    return RefusalError(
        "face: may show one, which is found in whole series only",
        fix="fetch the series by `pacsflow run`, or name images without a face in `pixels: {faces: {no_face: …}}`",
    )
