"""Layouts `nnunet` and `monai` of a folder: a dataset to train on, one case per study.

imagesTr/CASE_0000.nii.gz with labelsTr/CASE.nii.gz where the study has a label, imagesTs/CASE_0000.nii.gz where it has
none, dataset.json. nnU-Net: documentation/dataset_format.md; MONAI: the Medical Segmentation Decathlon's format.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import numpy as np
from nibabel import Nifti1Image

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, SeriesFiles, StudyFolder
from pacsflow.export.disk import opened, own_words, put, sweep
from pacsflow.export.names import alphanumeric, short_digest
from pacsflow.export.parcels import Parcels, alone
from pacsflow.export.placing import claimed, claims_below
from pacsflow.projects.patterns import alike
from pacsflow.wording import counted
from schemas.export import Folder
from schemas.training import CaseChannel

_ENDING = ".nii.gz"
_PLACES: Final = {"imagesTr": "labelsTr", "imagesTs": ""}
"""Folder of images -> of their labels."""
_FILE = "dataset.json"
_DIMENSIONS = 3
Facts = tuple[str, str, int]


class TrainingTarget(Parcels):
    """Studies as cases of one dataset. Any number of processes may deliver at once."""

    kind = "folder"

    def __init__(self, settings: Folder) -> None:
        super().__init__(settings)
        self._settings = settings
        self._channels = settings.channels or [CaseChannel(name="image")]

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`. A study without a converted image is no case; one without a channel raises TargetError."""
        images = [series for series in study.series if series.converted]
        if not images:
            return Delivered(())
        with own_words(self.kind):
            chosen = [self._image(channel, images) for channel in self._channels]
            grid = _same_grid(chosen)
            labels = self._labels(images, grid)
            self._root.mkdir(parents=True, exist_ok=True)
            case = self._case(study)
            with self._alone():
                files = list(self._put_case(case, chosen, grid, labels, study.written))
                self._tell()
        return Delivered(tuple(sorted(files)))

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`. The dataset's own file follows."""
        super().remove(paths)
        with own_words(self.kind):
            if paths and self._root.is_dir():
                with self._alone():
                    self._tell()

    def _alone(self) -> AbstractContextManager[None]:
        """A lock: cases of all studies share folders, in which each delivery sweeps away what killed ones left half."""
        return alone(self._root, "training.lock")

    def _case(self, study: StudyFolder) -> str:
        first = study.first
        name = f"{alphanumeric(first.patient) or 'unknown'}_{first.session or short_digest(first.study_uid, 8)}"
        return claimed(("case", name), first.study_uid, claims_below(self._root))[-1]

    def _image(self, channel: CaseChannel, series: Sequence[SeriesFiles]) -> Path:
        """The one image of a channel. Raises TargetError where there is none, or there are several."""
        fitting = [
            path
            for one in series
            if alike(channel.modality, one.modality) and alike(channel.series_description, one.series_description)
            for path in one.converted
            if path.name.endswith(_ENDING) and _segments(path) is None
        ]
        if len(fitting) == 1:
            return fitting[0]
        what = "no image" if not fitting else f"{counted(len(fitting), 'image')}"
        fix = "let `modality` and `series_description` of the channel fit one image of each study"
        raise TargetError(f"folder: the study has {what} for channel {channel.name}", fix=fix)

    def _labels(self, series: Sequence[SeriesFiles], grid: Nifti1Image) -> Any:
        """Values of the label file; None where no segment of those that are wanted is in the study."""
        values = np.zeros(grid.shape, dtype=np.uint16)
        found = False
        for name, value in sorted(self._settings.labels.items(), key=lambda label: label[1]):
            for path in (path for one in series for path in one.converted if path.name.endswith(_ENDING)):
                for number in _numbers(path, name):
                    values[_on(path, grid) == number] = value
                    found = True
        return values if found else None

    def _put_case(
        self, case: str, images: Sequence[Path], grid: Nifti1Image, labels: Any, ours: frozenset[str]
    ) -> Iterator[Facts]:
        place = "imagesTs" if labels is None else "imagesTr"
        for number, image in enumerate(images):
            yield self._put(place, f"{case}_{number:04}{_ENDING}", image, ours)
        if labels is not None:
            with tempfile.TemporaryDirectory(prefix="pacsflow-") as scratch:
                path = Path(scratch, f"label{_ENDING}")
                Nifti1Image(labels, grid.affine).to_filename(path)  # type: ignore[no-untyped-call]
                yield self._put(_PLACES[place], f"{case}{_ENDING}", path, ours)

    def _put(self, place: str, name: str, source: Path, ours: frozenset[str] | None) -> Facts:
        with opened(self._root, (place,) if place else ()) as folder:
            sweep(folder)
            digest, size = put(folder, name, source, ours=ours)
            os.fsync(folder)
        return f"{place}/{name}" if place else name, digest, size

    def _tell(self) -> None:
        """Write dataset.json for the cases that are there; keys of others in it stay."""
        path = self._root / _FILE
        try:
            before = dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}
        except (TypeError, ValueError):
            raise TargetError(f"folder: {_FILE} cannot be read", fix="delete it: it is written again") from None
        told = self._of_nnunet() if self._settings.layout == "nnunet" else self._of_monai()
        with tempfile.TemporaryDirectory(prefix="pacsflow-") as scratch:
            source = Path(scratch, _FILE)
            source.write_text(json.dumps(before | told, indent=2) + "\n", "utf-8")
            self._put("", _FILE, source, None)

    def _cases(self, place: str) -> list[str]:
        last = f"_{len(self._channels) - 1:04}{_ENDING}"
        return sorted(path.name.removesuffix(last) for path in (self._root / place).glob(f"*{last}"))

    def _of_nnunet(self) -> dict[str, Any]:
        return {
            "channel_names": {str(number): channel.name for number, channel in enumerate(self._channels)},
            "labels": {"background": 0, **{_plain(name): value for name, value in self._settings.labels.items()}},
            "numTraining": len(self._cases("imagesTr")),
            "file_ending": _ENDING,
        }

    def _of_monai(self) -> dict[str, Any]:
        training, test = self._cases("imagesTr"), self._cases("imagesTs")
        return {
            "modality": {str(number): channel.name for number, channel in enumerate(self._channels)},
            "labels": {
                "0": "background",
                **{str(value): _plain(name) for name, value in self._settings.labels.items()},
            },
            "tensorImageSize": "3D",
            "numTraining": len(training),
            "numTest": len(test),
            "training": [
                {"image": self._paths("imagesTr", case), "label": f"./labelsTr/{case}{_ENDING}"} for case in training
            ],
            "test": [self._paths("imagesTs", case) for case in test],
        }

    def _paths(self, place: str, case: str) -> str | list[str]:
        paths = [f"./{place}/{case}_{number:04}{_ENDING}" for number in range(len(self._channels))]
        return paths[0] if len(paths) == 1 else paths


def _plain(pattern: str) -> str:
    """What a label is called by whose name may hold * and ?."""
    return re.sub(r"[^\w -]+", "", pattern).strip()


def _segments(image: Path) -> Mapping[str, Any] | None:
    """The labels of a label map, by its sidecar; None of any other image."""
    sidecar = image.with_name(image.name.removesuffix(_ENDING) + ".json")
    try:
        found: Mapping[str, Any] | None = dict(json.loads(sidecar.read_text("utf-8"))).get("Segments")
    except (OSError, TypeError, ValueError):
        return None
    return found


def _numbers(image: Path, name: str) -> list[int]:
    """The values of a label map that go by a name; by the code of what was segmented where it has none."""
    return [
        int(value)
        for value, told in (_segments(image) or {}).items()
        if alike(name, str(told.get("Name") or told.get("Type") or ""))
    ]


def _same_grid(images: Sequence[Path]) -> Nifti1Image:
    """The grid of a case's images. Raises TargetError where they are no volumes, or lie apart."""
    known = [Nifti1Image.from_filename(path) for path in images]
    if any(len(image.shape) != _DIMENSIONS for image in known):
        raise TargetError("folder: a channel is no single volume", fix="let the channel fit a series of one volume")
    first = known[0]
    if any(one.shape != first.shape or not np.allclose(one.affine, first.affine, atol=1e-3) for one in known):
        raise TargetError(
            "folder: the channels of a study lie on different grids", fix="register them first, or make datasets of one"
        )
    return first


def _on(path: Path, grid: Nifti1Image) -> Any:
    """The values of a label map. Raises TargetError where it is of another image."""
    image = Nifti1Image.from_filename(path)
    if image.shape != grid.shape or not np.allclose(image.affine, grid.affine, atol=1e-3):
        raise TargetError(
            "folder: a label lies on the grid of another image than the channels",
            fix="let the channel fit the image that the segmentation refers to",
        )
    return np.asanyarray(image.dataobj)
