"""JPEG-LS whose frames lie in several fragments (PS3.5 A.4): dcm2niix reads one fragment a frame, so it is decoded."""

import warnings
from pathlib import Path

from pydicom import dcmread
from pydicom.encaps import parse_fragments
from pydicom.uid import UID, JPEGLSLossless, JPEGLSNearLossless

from pacsflow.errors import RefusalError

_SYNTAXES = frozenset({str(JPEGLSLossless), str(JPEGLSNearLossless)})


def written_whole(source: Path, place: Path) -> bool:
    """Write an image in fragments to `place`, decoded; False, and nothing written, where it is none.

    Raises RefusalError: compressed-in-fragments, where it cannot be decoded.
    """
    meta = dcmread(source, specific_tags=["NumberOfFrames"], stop_before_pixels=True)
    if str(UID(str(meta.file_meta.get("TransferSyntaxUID", "")))) not in _SYNTAXES:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values in them may be anybody's
            image = dcmread(source)
            fragments, _ = parse_fragments(image.PixelData)
            offsets = 1  # the first item is the Basic Offset Table
            if fragments - offsets <= int(image.get("NumberOfFrames") or 1):
                return False
            image.decompress(generate_instance_uid=False)
            image.save_as(place, enforce_file_format=True)
    except Exception as error:  # noqa: BLE001 what is spoilt fails in many ways, in words that may be anybody's
        told = f"JPEG-LS in several fragments, which cannot be decoded: {type(error).__name__}"
        raise RefusalError("compressed-in-fragments", told, fix="have the archive send it uncompressed") from None
    return True
