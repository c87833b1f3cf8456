"""Faces removed from phantoms whose truth is known: `python -m bench.faces` prints one line of JSON.

Part of the face's voxels that is gone, Dice of the brain before and after, processor seconds per head. The phantoms are
those of the tests, so it runs from a checkout. MR phantoms are too plain for the limit of likeness: it is told.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))


def measured(modality: str, turn: float, wide: float) -> dict[str, Any]:
    """What becomes of one phantom."""
    import SimpleITK

    from head_phantom import HOUNSFIELD, T1, T2, head
    from pacsflow.deid.faces import head_atlas, head_ct

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    phantom = head(96, 2.5, turn=turn, wide=wide)
    values = phantom.image({"CT": HOUNSFIELD, "T1": T1, "T2": T2}[modality])
    image = SimpleITK.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing([phantom.spacing] * 3)
    image.SetOrigin(phantom.origin)
    began, likeness = time.process_time(), None
    if modality == "CT":
        region = head_ct.region_of_ct(head_atlas.on_grid(image, head_ct.GRID))
    else:
        with patch.object(head_atlas, "LEAST_LIKENESS", 0.0):
            region, fit = head_atlas.region_of(image)
        likeness = round(fit.likeness, 3)
    seconds = time.process_time() - began
    to_index = region.to_index @ np.linalg.inv(head_atlas.to_index_of(image))
    face, _ = head_atlas.carried(region.face, to_index, values.shape)
    kept = phantom.brain & ~face
    return {
        "modality": modality,
        "turn": turn,
        "face_removed": round(float(face[phantom.face].mean()), 4),
        "brain_dice": round(2 * float(kept.sum()) / float(phantom.brain.sum() + kept.sum()), 4),
        "likeness": likeness,
        "cpu_seconds": round(seconds, 1),
    }


def main() -> None:
    """Print the measurements."""
    poses = ((0.0, 1.0), (12.0, 1.05), (-10.0, 0.93))
    print(json.dumps({"faces": [measured(kind, *pose) for kind in ("CT", "T1", "T2") for pose in poses]}))


if __name__ == "__main__":
    main()
