"""Pixel data that is less than its header promises is refused with the numbers, whichever way it comes."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, RLELossless

from pacsflow.deid.envelope import encapsulated
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaner, ct, encoded, whole
from unit.deid.instances import streamed as coming

PROFILES = {"none": cleaner(base="none"), "ps3.15-basic": cleaner(pixels={"burned_in": "keep"})}
WAYS = [(base, large) for base in PROFILES for large in (False, True)]


def refusal(source, base, large):
    """Why an instance is refused; empty where it is taken."""
    try:
        whole(PROFILES[base].clean(coming(source, 200, 97) if large else source))
    except RefusalError as error:
        return error.reason
    return ""


def image(pixels, **values):
    """An image with these bytes as its pixel data."""
    return encoded(ct(PixelData=pixels, **values))


NATIVE = [
    ({"BitsAllocated": 16}, 128),
    ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, 64),
    ({"BitsAllocated": 8, "NumberOfFrames": 3}, 192),
    ({"BitsAllocated": 1, "Rows": 7, "Columns": 3, "NumberOfFrames": 5}, 14),
    ({"BitsAllocated": 8, "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}, 192),
    ({"BitsAllocated": 8, "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 1}, 192),
    ({"BitsAllocated": 8, "SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL_422"}, 128),
    ({"BitsAllocated": 32}, 256),
]


@pytest.mark.parametrize(("base", "large"), WAYS)
@pytest.mark.parametrize(("values", "size"), NATIVE)
def test_native_pixels_are_as_many_as_the_header_promises(values, size, base, large):
    assert refusal(image(bytes(size), **values), base, large) == ""
    for less in (0, 2, size // 4 * 2, size - 2):
        reason = refusal(image(bytes(less), **values), base, large)
        assert reason.startswith(f"malformed: {less} bytes of pixel data where the header promises {size}")


@pytest.mark.parametrize(("base", "large"), WAYS)
@pytest.mark.parametrize(("keyword", "bits"), [("FloatPixelData", 32), ("DoubleFloatPixelData", 64)])
def test_floating_point_pixels_too(keyword, bits, base, large):
    for size, taken in ((64 * bits // 8, True), (32 * bits // 8, False), (0, False)):
        dataset = ct(BitsAllocated=bits)
        del dataset.PixelData
        setattr(dataset, keyword, bytes(size))
        assert (refusal(encoded(dataset), base, large) == "") is taken


@pytest.mark.parametrize(("base", "large"), WAYS)
def test_more_frames_than_the_header_promises_are_no_silent_loss(base, large):
    reason = refusal(image(bytes(256)), base, large)
    assert "no more than 128" in reason if base != "none" else reason == ""


@pytest.mark.parametrize(("base", "large"), WAYS)
@pytest.mark.parametrize("values", [{"Rows": 0}, {"NumberOfFrames": None, "BitsAllocated": 0}])
def test_pixels_of_no_size_are_refused(values, base, large):
    assert refusal(image(bytes(128), **values), base, large).startswith("malformed: pixel data without Rows")


@pytest.mark.parametrize(("base", "large"), WAYS)
def test_two_elements_of_pixel_data_are_refused(base, large):
    dataset = ct()
    dataset.FloatPixelData = bytes(128)
    assert "two elements of pixel data" in refusal(encoded(dataset), base, large)


def run_length(frames, *, segments=2, pixels=64):
    """RLE frames of 8 x 8 x 16 bits; fewer `segments` or `pixels` than it takes, where a test wants that."""
    made = []
    for _ in range(frames):
        runs = bytes((257 - pixels & 0xFF, 7)) if pixels else b"\x80\x80"
        offsets = [64 + number * len(runs) for number in range(segments)] + [0] * (15 - segments)
        made.append(struct.pack("<16I", segments, *offsets) + runs * segments)
    return made


def packed(frames, syntax, *, has_bot=True, promised=None):
    """An encapsulated image of these frames."""
    dataset = ct(NumberOfFrames=promised or len(frames), PixelData=encapsulate(frames, has_bot=has_bot))
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    return replace(encoded(dataset), transfer_syntax_uid=str(syntax))


@pytest.mark.parametrize(("base", "large"), WAYS)
@pytest.mark.parametrize("has_bot", [True, False])
def test_each_frame_has_its_fragment(base, large, has_bot):
    assert refusal(packed(run_length(3), RLELossless, has_bot=has_bot), base, large) == ""
    reason = refusal(packed(run_length(2), RLELossless, has_bot=has_bot, promised=3), base, large)
    assert reason == "malformed: 2 coded frames where the header promises 3"


@pytest.mark.parametrize(("base", "large"), WAYS)
def test_no_fragment_at_all(base, large):
    source = packed(run_length(1), RLELossless)
    head = bytes(source.dataset)[: bytes(source.dataset).index(b"\xfe\xff\x00\xe0")]
    for end in (b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"):
        assert refusal(replace(source, dataset=head + end), base, large).startswith("malformed")


@pytest.mark.parametrize(("base", "large"), WAYS)
@pytest.mark.parametrize(
    "frame",
    [
        run_length(1, segments=1)[0],
        run_length(1, pixels=20)[0],
        run_length(1, pixels=0)[0],
        bytes(64),
        b"\x02",
        run_length(1)[0][:-3],
    ],
)
def test_rle_frames_hold_all_their_segments_and_pixels(frame, base, large):
    assert refusal(packed([frame], RLELossless), base, large).startswith("malformed")


@pytest.mark.parametrize(("base", "large"), WAYS)
def test_what_is_no_codestream_is_refused(base, large):
    assert "not JPEG 2000" in refusal(packed([bytes(100)], JPEG2000Lossless), base, large)


SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]), st.integers(1, 4))


@given(SIZES, st.sampled_from([1, 8, 16, 32]), st.integers(0, 80), st.sampled_from(WAYS))
def test_any_size_at_any_length(size, bits, length, way):
    rows, columns, samples, frames = size
    values = {"Rows": rows, "Columns": columns, "SamplesPerPixel": samples, "NumberOfFrames": frames}
    need = -(-rows * columns * samples * frames * bits // 8)
    reason = refusal(image(bytes(2 * length), BitsAllocated=bits, **values), *way)
    assert reason.startswith("malformed") is (2 * length < need) or (
        reason != "" and 2 * length > need and way[0] != "none"
    )


SYNTAXES = [JPEG2000Lossless, RLELossless, "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.999"]


@pytest.mark.parametrize("size", [0, 2, 1 << 16])
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("base", PROFILES)
def test_fragments_without_end_are_refused_before_they_fill_the_disk(monkeypatch, base, syntax, size):
    monkeypatch.setattr(encapsulated, "_SLACK", 1 << 22)
    monkeypatch.setattr(encapsulated, "PARTS_AT_MOST", 1000)
    dataset = ct(Rows=64, Columns=64, PixelData=encapsulate([b"\0\0\1\xb3" + bytes(60)]))
    dataset["PixelData"].is_undefined_length = True
    whole_one = encoded(dataset)
    fragment = memoryview(struct.pack("<HHI", 0xFFFE, 0xE000, size) + (b"\xff\x4f\xff\x51" + bytes(size))[:size])
    came = 0

    def rest():
        nonlocal came
        while came < 1 << 26:
            came += len(fragment)
            yield fragment

    head = bytes(whole_one.dataset)[:-8]
    endless = replace(whole_one, transfer_syntax_uid=syntax, dataset=memoryview(head), rest=rest())
    with pytest.raises(RefusalError):
        whole(PROFILES[base].clean(endless))
    assert came < 1 << 25
