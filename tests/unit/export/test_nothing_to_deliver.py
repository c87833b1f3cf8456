"""Every target takes a study of which little or nothing goes out, and says what it holds of it."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from factory import make_study, write_files
from pacsflow.export import StudyFolder, open_target, read_series
from peers.ports import free_port
from schemas.export import Archive, BidsDataset, Dicom, Dicomdir, Dicomweb, Folder, Karnak, Storage, Xnat


def targets(root):
    path = str(root)
    yield Folder(kind="folder", path=path)
    yield Archive(kind="archive", path=path, format="zip", password="${env:ARCHIVE_WORD}")
    yield Archive(kind="archive", path=path, format="7z", password="${env:ARCHIVE_WORD}")
    yield BidsDataset(kind="bids", path=path, name="Set")
    yield Dicomdir(kind="dicomdir", path=path)
    yield Storage(kind="storage", url=root.as_uri())
    yield Folder(kind="folder", path=path, layout="nnunet")
    yield Folder(kind="folder", path=path, layout="monai")


NODE = {"host": "127.0.0.1", "called_aet": "NOBODY"}
ELSEWHERE = {
    "dicom": lambda port: Dicom(kind="dicom", port=port, **NODE),
    "dicomweb": lambda port: Dicomweb(kind="dicomweb", url=f"https://127.0.0.1:{port}/dicom-web"),
    "karnak": lambda port: Karnak(kind="karnak", port=port, album="lung", **NODE),
    "xnat": lambda port: Xnat(kind="xnat", url=f"https://127.0.0.1:{port}", project="LUNG", username="reader",
                              password="${env:ARCHIVE_WORD}"),
}  # fmt: skip


@pytest.fixture
def series(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIVE_WORD", "Rund-um-die-Uhr-5")
    (tmp_path / "out").mkdir()
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), "i2"), np.eye(4)), tmp_path / "image.nii.gz")
    files = write_files(make_study(series=1, images=2), tmp_path / "staged")
    return read_series(files, [tmp_path / "image.nii.gz"])


@pytest.mark.parametrize(
    "number", range(8), ids=["folder", "zip", "7z", "bids", "dicomdir", "storage", "nnunet", "monai"]
)
@pytest.mark.parametrize("left", ["no series", "no file", "NIfTI only", "an empty series beside"])
def test_what_is_not_there_is_not_delivered(tmp_path, series, number, left):
    nothing = replace(series, dicom=(), converted=())
    study = StudyFolder(
        {
            "no series": (),
            "no file": (nothing,),
            "NIfTI only": (replace(series, dicom=()),),
            "an empty series beside": (replace(nothing, series_uid="1.2.9"), series),
        }[left]
    )
    target = open_target(list(targets(tmp_path / "out"))[number], tmp_path)
    delivered = target.deliver(study)
    assert target.verify(delivered) == []
    assert delivered.files or left != "an empty series beside" or number == 3, "BIDS takes named images only"
    assert not delivered.files or left not in ("no series", "no file")


@pytest.mark.parametrize("kind", ELSEWHERE)
@pytest.mark.parametrize("left", ["no series", "no file", "NIfTI only"])
def test_where_there_is_nothing_to_send_nobody_is_asked(tmp_path, series, kind, left):
    """Nobody listens there."""
    nothing = {"no series": (), "no file": (replace(series, dicom=(), converted=()),),
               "NIfTI only": (replace(series, dicom=()),)}  # fmt: skip
    target = open_target(ELSEWHERE[kind](free_port()), tmp_path)
    assert target.deliver(StudyFolder(nothing[left])).files == ()
