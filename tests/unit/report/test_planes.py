"""Three planes of a volume on the report's page: by the patient's axes, in their proportions, or not at all."""

import io

import numpy as np
import pytest
from PIL import Image

from factory import make_instance, write_files
from pacsflow.report.pictures import EDGE
from pacsflow.report.pictures_process import _look
from pacsflow.report.planes import FEWEST, NoVolumeError, three_planes

SIZE = 16
AXIAL, CORONAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]


def head(orientation, *, slices=SIZE, gap=1.0, **more):
    """Slices of a cube that is brightest at the head, in front and at the right, in equal parts, as scanned so."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    normal = np.cross(row, column)
    for number in range(slices):
        down, along = np.mgrid[:SIZE, :SIZE]
        place = number * gap * normal[:, None, None] + along * row[:, None, None] + down * column[:, None, None]
        x, y, z = (_from_low(place[axis]) for axis in range(3))
        bright = 100 * (x < SIZE / 2) + 200 * (y < SIZE / 2) + 400 * (z >= SIZE / 2)
        yield _slice(bright, orientation, number * gap * normal, number, more)


def _from_low(values):
    return values + (SIZE - 1 if values.min() < 0 else 0)


def _slice(pixels, orientation, position, number, more):
    facts = {"Rows": SIZE, "Columns": SIZE, "PixelSpacing": [1, 1], "InstanceNumber": number + 1}
    facts |= {"WindowCenter": 350, "WindowWidth": 701, "RescaleSlope": 1, "RescaleIntercept": 0}
    made = make_instance(
        PixelData=pixels.astype("<u2").tobytes(),
        ImageOrientationPatient=[float(one) for one in orientation],
        ImagePositionPatient=[float(one) for one in position],
        **{**facts, **more},
    )
    made["PixelData"].VR = "OW"
    return made


def planes(png):
    image = np.asarray(Image.open(io.BytesIO(png)))
    assert image.shape[0] == EDGE
    return [image[:, left : left + EDGE] for left in (0, EDGE + 6, 2 * EDGE + 12)]


def corners(plane):
    """Brightness of the corners in steps of 1/7 of the window: top left, top right, bottom left, bottom right."""
    near = EDGE // 8
    return [round(7 * int(plane[y, x]) / 255) for y in (near, -near) for x in (near, -near)]


@pytest.mark.parametrize("orientation", [AXIAL, CORONAL, SAGITTAL], ids=["axial", "coronal", "sagittal"])
def test_planes_stand_by_the_patients_axes_however_they_were_scanned(tmp_path, orientation):
    files = write_files(list(head(orientation)), tmp_path)
    axial, coronal, sagittal = planes(three_planes(files))
    top, front, right = 4, 2, 1
    inner_z, inner_y, inner_x = (int(one) for one in _middle(axial, coronal, sagittal))
    assert corners(axial) == [inner_z + front + right, inner_z + front, inner_z + right, inner_z]
    assert corners(coronal) == [top + inner_y + right, top + inner_y, inner_y + right, inner_y]
    assert corners(sagittal) == [top + front + inner_x, top + inner_x, front + inner_x, inner_x]


def _middle(axial, coronal, sagittal):
    """Which half the middle plane of each axis is in: of an even number of slices it is either."""
    return corners(axial)[3], corners(coronal)[3], corners(sagittal)[3]


def test_thick_slices_are_shown_in_their_proportions(tmp_path):
    _, coronal, _ = planes(three_planes(write_files(list(head(AXIAL, slices=FEWEST, gap=1.0)), tmp_path)))
    lit = np.flatnonzero(coronal.max(axis=1))
    assert EDGE * 0.4 < len(lit) < EDGE * 0.6, "8 mm high, 16 mm wide"


@pytest.mark.parametrize(
    "made",
    [
        lambda: list(head(AXIAL, slices=FEWEST - 1)),
        lambda: [one for number, one in enumerate(head(AXIAL)) if number != 5],
        lambda: list(head(AXIAL, PhotometricInterpretation="PALETTE COLOR")),
        lambda: [*list(head(AXIAL))[:-1], _slice(np.zeros((SIZE, SIZE)), AXIAL, (0, 0, 15), 15, {"Rows": 8})],
        lambda: list(head([0.6, 0.6, 0.53, -0.7, 0.7, 0.0])),
    ],
    ids=["few", "gap", "colour", "sizes", "oblique"],
)
def test_what_is_no_volume_is_shown_by_its_middle_slice(tmp_path, made):
    files = write_files(made(), tmp_path)
    with pytest.raises((NoVolumeError, ValueError)):
        three_planes(files)
    assert _look({"files": [str(one) for one in files], "picture": True})["planes"] == ""


def test_the_process_says_that_a_picture_is_of_planes(tmp_path):
    files = write_files(list(head(AXIAL)), tmp_path)
    seen = _look({"files": [str(one) for one in files], "picture": True})
    assert seen["planes"] == "yes"
    assert len(seen["picture"]) > 100
