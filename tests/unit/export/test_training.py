"""Layouts nnunet and monai: cases, channels, labels, dataset.json; nnU-Net's own check where it is installed."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from pydantic import TypeAdapter

from factory import make_study, write_files
from pacsflow.errors import TargetError
from pacsflow.export import StudyFolder, open_target, read_series
from schemas.export import Folder

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])
LABELS = {"liver": 1, "tumor*": 2}


def series(folder, patient, number, *, description="", modality="MR", segments=None, values=None, affine=AFFINE):
    made = make_study(
        series=1, images=1, PatientID=patient, SeriesNumber=number, SeriesDescription=description, Modality=modality
    )
    files = write_files(made, folder / str(number))
    image = folder / str(number) / "image.nii.gz"
    nib.save(
        nib.Nifti1Image(values if values is not None else np.arange(24, dtype="i2").reshape(2, 3, 4), affine), image
    )
    told = {"Segments": {str(n): {"Name": name} for n, name in segments.items()}} if segments else {"EchoTime": 1}
    image.with_name("image.json").write_text(json.dumps(told))
    return read_series(files, [image, image.with_name("image.json")])


def mask(*, tumor=True):
    values = np.zeros((2, 3, 4), dtype="u2")
    values[0], values[0, 0, 0] = 7, 9 if tumor else 7
    values[1, 0] = 3
    return {"segments": {7: "Liver", 9: "Tumor of it", 3: "Spleen"}, "values": values}


def study(folder, patient, *, label=True):
    found = [
        series(folder / patient, patient, 1, description="t2 tra"),
        series(folder / patient, patient, 2, description="adc"),
    ]
    if label:
        found.append(series(folder / patient, patient, 3, modality="SEG", **mask()))
    return StudyFolder(tuple(found))


def target(tmp_path, layout, **fields):
    channels = [{"name": "T2", "series_description": "t2*"}, {"name": "ADC", "series_description": "adc"}]
    path = str(tmp_path / "Dataset001_Liver")
    settings = {"kind": "folder", "path": path, "layout": layout, "channels": channels, "labels": LABELS, **fields}
    return open_target(Folder.model_validate(settings), tmp_path), tmp_path / "Dataset001_Liver"


def names(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.nii.gz"))


@pytest.mark.parametrize("layout", ["nnunet", "monai"])
def test_cases_have_channels_labels_and_a_description(layout, tmp_path):
    place, root = target(tmp_path, layout)
    first = place.deliver(study(tmp_path, "A"))
    place.deliver(study(tmp_path, "B", label=False))
    session = "20200102101112"
    assert names(root) == [
        *(f"imagesTr/A_{session}_000{n}.nii.gz" for n in (0, 1)), *(f"imagesTs/B_{session}_000{n}.nii.gz" for n in (0, 1)),
        f"labelsTr/A_{session}.nii.gz",
    ]  # fmt: skip
    values = np.asanyarray(nib.load(root / f"labelsTr/A_{session}.nii.gz").dataobj)
    assert (values[0, 0, 0], set(np.unique(values[0])), values[1].max()) == (2, {1, 2}, 0)
    told = json.loads((root / "dataset.json").read_text())
    if layout == "nnunet":
        assert told == {"channel_names": {"0": "T2", "1": "ADC"}, "labels": {"background": 0, "liver": 1, "tumor": 2},
                        "numTraining": 1, "file_ending": ".nii.gz"}  # fmt: skip
    else:
        assert (told["numTraining"], told["numTest"], told["labels"]["2"]) == (1, 1, "tumor")
        every = [*told["training"][0]["image"], told["training"][0]["label"], *told["test"][0]]
        assert sorted(path.removeprefix("./") for path in every) == names(root)
    assert place.verify(first) == []
    assert place.deliver(study(tmp_path, "A")) == first, "again: the same"
    (root / "dataset.json").write_text(json.dumps(told | {"licence": "ours"}))
    place.remove([path for path, *_ in first.files])
    left = json.loads((root / "dataset.json").read_text())
    assert (left["numTraining"], left["licence"]) == (0, "ours")
    assert [name for name in names(root) if "/A_" in name] == []


def test_what_is_no_case_says_why(tmp_path):
    place, root = target(tmp_path, "nnunet")
    t2, adc, label = study(tmp_path, "A").series
    far = replace(label, converted=series(tmp_path / "far", "A", 3, **mask(), affine=AFFINE * 2).converted)
    long = series(tmp_path / "long", "A", 2, description="adc", values=np.zeros((2, 3, 4, 5), "i2"))
    apart = series(tmp_path / "apart", "A", 2, description="adc", affine=AFFINE * 2)
    for every, words in (
        ((t2,), "no image for channel ADC"),
        ((t2, adc, replace(t2, series_uid="1.2")), "2 images for channel T2"),
        ((t2, long), "no single volume"),
        ((t2, apart), "different grids"),
        ((t2, adc, far), "grid of another image"),
    ):
        with pytest.raises(TargetError, match=words) as error:
            place.deliver(StudyFolder(every))
        assert error.value.fix
    assert place.deliver(StudyFolder((replace(t2, converted=()),))).files == ()
    assert not root.exists() or names(root) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"labels": {"a": 1, "b": 3}}, "gaps"),
        ({"path": "/tmp/liver"}, "no name of a dataset"),
        ({"layout": "{series}"}, "goes with `layout"),
    ],
)
def test_settings_that_do_not_go_together_are_mistakes(fields, words):
    known = {"kind": "folder", "path": "/x/Dataset002_A", "layout": "nnunet", "labels": {"a": 1}}
    [mistake] = TypeAdapter(Folder).validate_python({**known, **fields}).mistakes()
    assert words in mistake.message


def test_nnunets_own_check_finds_nothing(tmp_path):
    python = os.environ.get("NNUNET_PYTHON", sys.executable if importlib.util.find_spec("nnunetv2") else "")
    if not python:
        pytest.skip("nnU-Net is not installed (NNUNET_PYTHON: a Python that has it)")
    place, root = target(tmp_path, "nnunet")
    for patient in ("A", "B"):
        place.deliver(study(tmp_path, patient))
    check = "from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity as check; import sys\nif __name__ == '__main__': check(sys.argv[1], 1)"
    (tmp_path / "check.py").write_text(check)
    done = subprocess.run(
        [python, tmp_path / "check.py", root], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "verify_dataset_integrity Done" in done.stdout
