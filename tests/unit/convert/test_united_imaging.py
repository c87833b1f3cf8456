"""Diffusion of United Imaging in sheets of slices: the same NIfTI after the shipped profile for MR as before it."""

import nibabel as nib
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.uid import MRImageStorage

from factory import make_instance, write_files
from pacsflow.convert import convert_series
from pacsflow.deid import read_part10
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaner, whole
from unit.deid.test_nifti_is_unharmed import shipped

SLICES, TILE = 4, 16
GRADIENTS = [(1.25, (0.0, 0.0, 0.0)), (928.3, (0.6, 0.8, 0.0)), (928.3, (0.0, -0.6, 0.8))]


def place(number):
    item = Dataset()
    item.ImagePositionPatient = [-8, -8, 4.2 * number]
    item.AcquisitionDate, item.AcquisitionTime = "20200102", f"1011{number:02}.5"
    item.AcquisitionDateTime = f"202001021011{number:02}.5"
    return item


def sheet(number):
    """A volume: four slices side by side in two rows."""
    b_value, direction = GRADIENTS[number]
    pixels = np.random.default_rng(number).integers(0, 500, (2 * TILE, 2 * TILE), dtype=np.uint16)
    one = make_instance(SOPClassUID=MRImageStorage, Modality="MR", Manufacturer="UIH", InstanceNumber=number + 1,
                        ManufacturerModelName="uMR 770", ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"],
                        AcquisitionNumber=number + 1, SequenceName="epi_dti", Rows=2 * TILE, Columns=2 * TILE,
                        ImagePositionPatient=None, ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[2, 2],
                        SpacingBetweenSlices=4.2, SliceThickness=4, ScanningSequence="EP", RepetitionTime=5865,
                        EchoTime=71.5, RescaleSlope=None, RescaleIntercept=None)  # fmt: skip
    one.PixelData = pixels.tobytes()
    block = one.private_block(0x0065, "Image Private Header", create=True)
    for element, vr, value in ((0x07, "OB", b"Quistgaard"), (0x09, "FD", b_value), (0x37, "FD", list(direction)),
                               (0x41, "LT", "Quistgaard"), (0x50, "DS", str(SLICES)),
                               (0x51, "SQ", Sequence(map(place, range(SLICES))))):  # fmt: skip
        block.add_new(element, vr, value)
    return one


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The originals, and what the profile of projects/mr-nifti makes of them."""
    place = tmp_path_factory.mktemp("united")
    originals = write_files([sheet(number) for number in range(len(GRADIENTS))], place / "before")
    cleaned = []
    (place / "after").mkdir()
    for file in originals:
        cleaned.append(place / "after" / file.name)
        cleaned[-1].write_bytes(whole(shipped().clean(read_part10(file))))
    return originals, cleaned


def test_voxels_places_and_gradients_are_the_same(files, tmp_path):
    made = [convert_series("dcm2niix", some, tmp_path / str(n), geometry="refuse") for n, some in enumerate(files)]
    for gave in made:
        assert [path.name for path in gave.files] == ["image.bval", "image.bvec", "image.json", "image.nii.gz"]
        assert not [text for text in gave.warnings if "b-value" in text]
    before, after = (nib.load(gave.files[-1]) for gave in made)
    assert before.shape == (TILE, TILE, SLICES, len(GRADIENTS))
    np.testing.assert_array_equal(np.asanyarray(before.dataobj), np.asanyarray(after.dataobj))
    np.testing.assert_array_equal(before.affine, after.affine)
    for first, second in zip(made[0].files[:2], made[1].files[:2], strict=True):
        np.testing.assert_array_equal(np.loadtxt(first), np.loadtxt(second))
    np.testing.assert_allclose(np.loadtxt(made[1].files[0]), [b for b, _ in GRADIENTS], rtol=1e-3)


def test_of_the_private_elements_those_that_conversion_reads_stay_and_no_others(files):
    for file in files[1]:
        header = dcmread(file)
        assert [element.tag & 0xFFFF for element in header if element.tag.group == 0x0065] == [
            0x0010, 0x1009, 0x1037, 0x1050, 0x1051]  # fmt: skip
        assert header.ImageType[3] == "VFRAME"
        assert "20200102" not in {item.AcquisitionDate for item in header[0x0065, 0x1051].value}
        assert b"Quistgaard" not in file.read_bytes()


def test_without_them_the_series_is_refused_and_the_set_is_named(files, tmp_path):
    bare = cleaner(options=["clean-descriptors"])
    (tmp_path / "in").mkdir()
    for file in files[0]:
        (tmp_path / "in" / file.name).write_bytes(whole(bare.clean(read_part10(file))))
    with pytest.raises(RefusalError) as caught:
        convert_series("dcm2niix", sorted((tmp_path / "in").iterdir()), tmp_path / "out", geometry="warn")
    assert (caught.value.reason, "uih-for-nifti" in caught.value.fix) == ("grid", True)
