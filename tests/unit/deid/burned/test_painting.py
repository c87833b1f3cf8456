"""Boxes in pixel data of every form: what is inside is one value, and outside no pixel changes a bit."""

import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import compress
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from pacsflow.deid.burned.boxes import Box, inside, outside, regions
from pacsflow.deid.burned.brush import Brush
from pacsflow.deid.burned.painted import PaintedPassage
from pacsflow.deid.burned.predicted import predicted_jpeg
from pacsflow.deid.encoding.walked import walked
from pacsflow.deid.envelope.frame import UnclearError
from pacsflow.deid.envelope.passage import Passage
from pacsflow.deid.envelope.picture import Picture
from pacsflow.errors import RefusalError
from unit.deid.instances import ct, encoded

RANDOM = np.random.default_rng(17)
BOXES = (Box(2, 3, 9, 11), Box(20, 0, 24, 40), Box(5, 30, 36, 33))
ROWS, COLUMNS = 36, 40


def image(bits=(16, 12), *, samples=1, photometric="MONOCHROME2", frames=1, signed=False, planar=None):
    """Noise in a picture of this form; as many frames."""
    allocated, stored = bits
    size = ROWS * COLUMNS * samples * frames
    values = RANDOM.integers(-(1 << stored - 1) if signed else 0, 1 << stored - signed, size)
    kind = f"{'i' if signed else 'u'}{max(1, allocated // 8)}"
    data = np.packbits(values.astype("u1"), bitorder="little") if allocated == 1 else values.astype(f"<{kind}")
    data = data.tobytes()
    ds = ct(Rows=ROWS, Columns=COLUMNS, SamplesPerPixel=samples, PhotometricInterpretation=photometric)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = allocated, stored, stored - 1, int(signed)
    if frames > 1:
        ds.NumberOfFrames = frames
    if planar is not None:
        ds.PlanarConfiguration = planar
    ds.PixelData = data + bytes(len(data) % 2)
    ds["PixelData"].VR = "OW" if allocated > 8 else "OB"
    return ds


def painted(ds: Dataset, syntax=ExplicitVRLittleEndian, boxes=BOXES) -> Dataset:
    """The dataset with boxes painted into its pixel data."""
    if syntax != ExplicitVRLittleEndian:
        ds["PixelData"].is_undefined_length = True
    source, _, header = walked(encoded(ds, syntax))
    brush = Brush.of(header, inside(boxes, ds.Rows, ds.Columns))
    through = PaintedPassage.through(Passage(Picture.of(header), source.transfer_syntax_uid, rewrite=True), brush)
    span = header.level.elements[0x7FE00010]
    element = through.element(header.view, span[1:])
    new = dcmread(BytesIO(bytes(source.dataset[: span[1]]) + element), force=True)
    return with_meta(new, syntax)


def with_meta(ds, syntax):
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def pixels(ds) -> np.ndarray:
    """Frame, row, column, sample as stored."""
    from pydicom.pixels import pixel_array

    array = pixel_array(ds, raw=ds.PhotometricInterpretation.startswith("YBR"))
    samples = ds.SamplesPerPixel
    return array.reshape(int(ds.get("NumberOfFrames") or 1), ds.Rows, ds.Columns, samples)


def hidden(boxes=BOXES, rows=ROWS, columns=COLUMNS) -> np.ndarray:
    """Where boxes lie."""
    where = np.zeros((rows, columns), bool)
    for box in boxes:
        where[box.top : box.bottom, box.left : box.right] = True
    return where


def compared(before, after, boxes=BOXES):
    """Outside all is as it was; inside each sample is one value in all frames."""
    where = hidden(boxes)
    assert np.array_equal(before[:, ~where], after[:, ~where])
    assert not np.array_equal(before[:, where], after[:, where])
    for sample in range(after.shape[3]):
        assert len(np.unique(after[:, where, sample])) == 1


FORMS = {
    "16 bits": {},
    "8 bits": {"bits": (8, 8)},
    "signed": {"bits": (16, 16), "signed": True},
    "signed, 12 of 16": {"bits": (16, 12), "signed": True},
    "MONOCHROME1": {"photometric": "MONOCHROME1"},
    "32 bits": {"bits": (32, 32)},
    "1 bit": {"bits": (1, 1)},
    "1 bit, frames": {"bits": (1, 1), "frames": 3},
    "palette": {"bits": (8, 8), "photometric": "PALETTE COLOR"},
    "frames": {"frames": 4},
    "RGB": {"bits": (8, 8), "samples": 3, "photometric": "RGB", "planar": 0},
    "RGB by planes": {"bits": (8, 8), "samples": 3, "photometric": "RGB", "planar": 1, "frames": 2},
    "YBR": {"bits": (8, 8), "samples": 3, "photometric": "YBR_FULL", "planar": 1},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_native_pixels_outside_are_bit_equal(form):
    ds = image(**form)
    before = pixels(with_meta(ds, ExplicitVRLittleEndian)).copy()
    compared(before, pixels(painted(ds)))


def test_pairs_of_pixels_that_share_colours():
    ds = image((8, 8), samples=3, photometric="YBR_FULL_422", planar=0)
    ds.PixelData = RANDOM.integers(0, 256, ROWS * COLUMNS * 2).astype("u1").tobytes()
    before = pixels(with_meta(ds, ExplicitVRLittleEndian)).copy()
    even = tuple(Box(box.top, box.left // 2 * 2, box.bottom, -(-box.right // 2) * 2) for box in BOXES)
    compared(before, pixels(painted(ds)), even)


def test_boxes_in_floating_point():
    ds = image()
    del ds.PixelData, ds.BitsStored, ds.HighBit, ds.PixelRepresentation
    ds.BitsAllocated, ds.FloatPixelData = 32, RANDOM.normal(size=ROWS * COLUMNS).astype("<f4").tobytes()
    source, _, header = walked(encoded(ds))
    through = PaintedPassage.through(
        Passage(Picture.of(header), source.transfer_syntax_uid, rewrite=True), Brush.of(header, BOXES)
    )
    element = through.element(header.view, header.level.elements[0x7FE00008][1:])
    after = np.frombuffer(element[12:], "<f4").reshape(ROWS, COLUMNS)
    before = np.frombuffer(ds.FloatPixelData, "<f4").reshape(ROWS, COLUMNS)
    assert np.array_equal(before[~hidden()], after[~hidden()])
    assert not after[hidden()].any()


@pytest.mark.parametrize(
    "form", [f for n, f in FORMS.items() if "1 bit" not in n and "32" not in n], ids=lambda f: str(f)[:40]
)
def test_rle_outside_is_bit_equal_and_rows_without_a_box_keep_their_code(form):
    ds = image(**form | ({"planar": 0} if "planar" in form else {}))  # pydicom encodes planes wrongly
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    before = pixels(ds).copy()
    compress(ds, RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    ds.file_meta.TransferSyntaxUID = RLELossless
    assert np.array_equal(before, pixels(ds)), "before painting"
    code = next(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames") or 1)))
    after = painted(ds, RLELossless)
    compared(before, pixels(after))
    again = next(generate_frames(after.PixelData, number_of_frames=int(ds.get("NumberOfFrames") or 1)))
    first = struct.unpack_from("<2I", code)[1]
    assert again[first : first + 2 * COLUMNS] == code[first : first + 2 * COLUMNS]


def test_rle_of_runs_across_rows_is_coded_again():
    ds = image((8, 8))
    flat = np.full((ROWS, COLUMNS), 7, "u1")
    run = bytes((129, 7)) * (ROWS * COLUMNS // 128) + bytes((257 - ROWS * COLUMNS % 128, 7))
    ds.PixelData = encapsulate([struct.pack("<16I", 1, 64, *[0] * 14) + run])
    after = pixels(painted(ds, RLELossless))
    compared(flat[None, :, :, None], after)


LOSSLESS = [JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless, JPEG2000Lossless, JPEG2000]
COMPRESSED_FORMS = {
    "12 of 16": {},
    "8 bits": {"bits": (8, 8)},
    "16 bits": {"bits": (16, 16)},
    "signed": {"bits": (16, 16), "signed": True},
    "frames": {"frames": 3},
    "RGB": {"bits": (8, 8), "samples": 3, "photometric": "RGB", "planar": 0},
}


def coded(ds, syntax):
    """The frames as another encoder, or ours where there is none, writes them."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if syntax in (JPEGLossless, JPEGLosslessSV1):
        _, _, header = walked(encoded(ds))
        frames = [predicted_jpeg(frame, Picture.of(header)) for frame in pixels(ds)]
        ds.PixelData = encapsulate(frames)
    else:
        near = {JPEGLSNearLossless: JPEGLSLossless, JPEG2000: JPEG2000Lossless}.get(syntax, syntax)
        compress(ds, near, generate_instance_uid=False)
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda uid: uid.name)
@pytest.mark.parametrize("form", COMPRESSED_FORMS.values(), ids=list(COMPRESSED_FORMS))
def test_lossless_codes_are_decoded_painted_and_coded_again(form, syntax):
    ds = image(**form)
    if syntax in (JPEGLSLossless, JPEGLSNearLossless) and form.get("signed"):
        pytest.skip("the encoder at hand takes no signed pixels")
    ds = coded(ds, syntax)
    before = pixels(ds).copy()
    compared(before, pixels(painted(ds, syntax)))


@given(st.integers(2, 16), st.integers(1, 3), st.integers(0, 3))
@settings(max_examples=40)
def test_what_our_lossless_encoder_writes_others_read(stored, samples, kind):
    """Whatever the values are: noise, steps, one value, extremes."""
    import libjpeg

    rows, columns = 11, 9
    shape = (rows, columns, 3 if samples == 3 else 1)
    top = (1 << stored) - 1
    values = [
        RANDOM.integers(0, top, shape, endpoint=True),
        np.arange(np.prod(shape)).reshape(shape) & top,
        np.full(shape, top),
        RANDOM.integers(0, 2, shape) * top,
    ][kind].astype("<u2")
    picture = Picture(rows, columns, shape[2], 1, 16, stored, stored - 1, signed=False, photometric="RGB")
    frame = predicted_jpeg(values, picture)
    found = libjpeg.decode(frame)
    assert np.array_equal(np.asarray(found).reshape(shape), values)


def baseline(mode, quality, *, subsampling=0, size=(ROWS * 4, COLUMNS * 4), **how):
    """A smooth picture with noise as baseline JPEG, by libjpeg."""
    rows, columns = size
    y, x = np.mgrid[:rows, :columns]
    planes = [(x * (3 + n) + y * 2 + RANDOM.integers(0, 40, size)) % 256 for n in range(3 if mode == "RGB" else 1)]
    array = np.stack(planes, -1).astype("u1").squeeze()
    out = BytesIO()
    Image.fromarray(array).save(out, "JPEG", quality=quality, subsampling=subsampling, **how)
    return out.getvalue()


def of_jpeg(frame, size=(ROWS * 4, COLUMNS * 4)):
    colours = Image.open(BytesIO(frame)).mode == "RGB"
    ds = image((8, 8), samples=3 if colours else 1, photometric="YBR_FULL_422" if colours else "MONOCHROME2")
    ds.Rows, ds.Columns = size
    ds.PixelData = encapsulate([frame])
    return ds


LARGE = (Box(9, 17, 40, 50), Box(80, 0, 90, 160), Box(100, 150, 120, 160))
WAYS = {
    "grey": ("L", 90, {}),
    "grey, coarse": ("L", 20, {"optimize": True}),
    "grey, restarts": ("L", 75, {"restart_marker_blocks": 3}),
    "colours": ("RGB", 90, {}),
    "colours, own tables": ("RGB", 60, {"optimize": True}),
    "colours, restarts": ("RGB", 85, {"restart_marker_rows": 1}),
}


@pytest.mark.parametrize("how", WAYS.values(), ids=list(WAYS))
def test_baseline_jpeg_loses_blocks_and_nothing_else(how):
    mode, quality, more = how
    frame = baseline(mode, quality, **more)
    ds = of_jpeg(frame)
    after = next(generate_frames(painted(ds, JPEGBaseline8Bit, LARGE).PixelData, number_of_frames=1))
    old, new = (np.asarray(Image.open(BytesIO(data))) for data in (frame, after))
    blocks = tuple(Box(b.top // 8 * 8, b.left // 8 * 8, -(-b.bottom // 8) * 8, -(-b.right // 8) * 8) for b in LARGE)
    where = hidden(blocks, *old.shape[:2])
    assert np.array_equal(old[~where], new[~where])
    assert new[where].max() <= 2


def as_coded(frame):
    """Brightness and colours as the code has them."""
    picture = Image.open(BytesIO(frame))
    picture.draft("YCbCr", picture.size)
    return np.asarray(picture)


def test_baseline_jpeg_with_coarser_colours_keeps_its_brightness():
    size = (ROWS * 4 - 5, COLUMNS * 4 - 3)
    frame = baseline("RGB", 85, subsampling=2, size=size)
    ds = of_jpeg(frame, size)
    after = next(generate_frames(painted(ds, JPEGBaseline8Bit, LARGE).PixelData, number_of_frames=1))
    old, new = map(as_coded, (frame, after))
    apart = tuple(
        Box(b.top // 16 * 16 - 2, b.left // 16 * 16 - 2, -(-b.bottom // 16) * 16 + 2, -(-b.right // 16) * 16 + 2)
        for b in LARGE
    )
    where = hidden(inside(apart, *size), *size)
    assert np.array_equal(old[~where], new[~where])
    assert new[hidden(inside(LARGE, *size), *size)][:, 0].max() <= 2


def test_jpeg_of_other_processes_is_refused_with_the_reason():
    with pytest.raises(UnclearError, match="another process than sequential Huffman"):
        painted(of_jpeg(baseline("L", 80, progressive=True)), JPEGBaseline8Bit, LARGE)
    ds = of_jpeg(baseline("L", 80))
    ds.PixelData = ds.PixelData.replace(b"\xff\xc0\x00\x0b\x08", b"\xff\xc1\x00\x0b\x0c")
    with pytest.raises(UnclearError, match="lossy JPEG of 12 bits"):
        painted(ds, JPEGExtended12Bit, LARGE)


def test_what_is_cut_off_is_refused():
    frame = baseline("L", 80)
    for end in range(len(frame) // 2, len(frame) - 2, 97):
        with pytest.raises(RefusalError):
            painted(of_jpeg(frame[:end] + b"\xff\xd9"), JPEGBaseline8Bit, LARGE)


def test_video_is_refused_with_the_reason():
    _, _, header = walked(encoded(image((8, 8))))
    with pytest.raises(UnclearError, match="text in video cannot be cleaned"):
        PaintedPassage.through(
            Passage(Picture.of(header), "1.2.840.10008.1.2.4.102", rewrite=True), Brush.of(header, BOXES)
        )


@given(st.lists(st.tuples(st.integers(-3, 20), st.integers(-3, 20), st.integers(-3, 25), st.integers(-3, 25))))
def test_what_lies_outside_of_boxes_is_all_the_rest(corners):
    boxes = inside([Box(*each) for each in corners], 16, 18)
    kept = hidden(boxes, 16, 18)
    rest = outside(boxes, 16, 18)
    assert np.array_equal(hidden(rest, 16, 18), ~kept)
    assert sum(box.area for box in rest) == (~kept).sum()


def test_lines_of_a_block_are_one_region_and_what_is_far_is_not():
    lines = [Box(10, 5, 20, 90), Box(24, 5, 34, 60), Box(200, 5, 210, 60)]
    assert regions(lines, 1.0) == [lines[:2], lines[2:]]
