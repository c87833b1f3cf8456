"""Label maps as NIfTI files: one label per voxel, segments that overlap in further files."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from nibabel import Nifti1Image

from pacsflow.convert.masks.contract import Mask, VoxelGrid
from pacsflow.errors import RefusalError
from pacsflow.wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST = np.iinfo(np.uint16).max


class Layers:
    """Label maps of one object on one grid."""

    def __init__(self, grid: VoxelGrid) -> None:
        self._grid = grid
        self._maps: list[NDArray[np.uint16]] = []
        self._labels: list[dict[str, dict[str, Any]]] = []

    def filled(self, masks: Iterable[Mask]) -> Iterator[str]:
        """Put each mask into the first map where it covers nothing of another; warnings.

        Raises RefusalError: no-mask where no voxel is covered at all.
        """
        for position, mask in enumerate(masks, 1):
            yield from mask.warnings
            if len(mask.voxels):
                self._put(mask, position)
            else:
                yield "a segment covers no voxel of the image"
        if not self._maps:
            raise RefusalError("no-mask", "no segment covers a voxel of the image")
        if len(self._maps) > 1:
            yield f"segments overlap: they are in {counted(len(self._maps), 'file')}"

    def _put(self, mask: Mask, position: int) -> None:
        where = tuple(mask.voxels.T)
        free = next((n for n, each in enumerate(self._maps) if not each[where].any()), None)
        if free is None:
            self._maps.append(np.zeros(self._grid.shape, dtype=np.uint16))
            self._labels.append({})
            free = len(self._maps) - 1
        value = mask.number if 0 < mask.number <= _MOST else position
        while str(value) in self._labels[free]:
            value += 1
        self._maps[free][where] = value
        self._labels[free][str(value)] = {"Name": mask.name, **mask.codes, "Voxels": len(mask.voxels)}

    def write(self, folder: Path, stem: str, modality: str) -> None:
        """Write the maps and their sidecars: `STEM.nii.gz`, `STEM_o2.nii.gz`, …."""
        for number, (values, labels) in enumerate(zip(self._maps, self._labels, strict=True), 1):
            name = stem if number == 1 else f"{stem}_o{number}"
            image = Nifti1Image(values, self._grid.world)  # type: ignore[no-untyped-call]
            image.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]
            image.to_filename(folder / f"{name}.nii.gz")
            told = {"Modality": modality, "Segments": labels}
            (folder / f"{name}.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
