"""Nothing but coded pictures leaves in the pixel data element, and they decode to the same pixels."""

import random
import struct
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, encapsulate_extended, generate_fragments
from pydicom.sequence import Sequence
from pydicom.uid import (
    JPEG2000,
    MPEG2MPML,
    MPEG4HP41,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from pacsflow.deid import read_part10
from pacsflow.errors import RefusalError
from unit.deid.instances import NAME, PATIENT_ID, cleaner, ct, encoded, whole
from unit.deid.instances import streamed as coming
from unit.deid.test_pixel_amounts import run_length

CASES = Path(__file__).parent / "cases"
SECRET = f"{NAME} {PATIENT_ID} zwinglius".encode()
PROFILE = cleaner(pixels={"burned_in": "keep"})
LARGE = pytest.mark.parametrize("large", [False, True])


def through(source, *, large=False, profile=PROFILE):
    """The file that comes out."""
    return whole(profile.clean(coming(source, 300, 61) if large else source))


def compressed(frames, syntax, **values):
    """An image of these frames: 16 x 16, 8 bits, gray, where values do not say otherwise."""
    values = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "Rows": 16, "Columns": 16} | values
    dataset = ct(NumberOfFrames=len(frames), PixelData=encapsulate(frames), **values)
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    return replace(encoded(dataset), transfer_syntax_uid=str(syntax))


def picture(kind, seed=1, mode="L", **options):
    """A frame of noise as Pillow codes it."""
    shape = (16, 16) if mode == "L" else (16, 16, 3)
    stream = BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, shape, np.uint8)
    Image.fromarray(pixels, mode=None).save(stream, kind, **options)
    return stream.getvalue()


JPEG = picture("JPEG")
J2K = picture("JPEG2000", no_jp2=True)
TILED = picture("JPEG2000", no_jp2=True, tile_size=(8, 8))
PROGRESSIVE = picture("JPEG", progressive=True)
RUNS = struct.pack("<16I", 1, 64, *[0] * 14) + bytes((129, 7, 129, 9))
"""An RLE frame of two runs."""


def segment(code, content):
    return bytes((0xFF, code)) + struct.pack(">H", len(content) + 2) + content


def with_segment(code, content):
    return JPEG[:2] + segment(code, content) + JPEG[2:]


def between_scans():
    place = PROGRESSIVE.rindex(b"\xff\xc4")
    return PROGRESSIVE[:place] + segment(0xFE, SECRET) + PROGRESSIVE[place:]


def jp2_box(kind, content):
    return struct.pack(">I4s", len(content) + 8, kind) + content


def in_a_file(stream):
    """A codestream as a JP2 file with boxes of text before and behind."""
    start = b"\0\0\0\x0cjP  \r\n\x87\n" + jp2_box(b"ftyp", b"jp2 \0\0\0\0jp2 ") + jp2_box(b"xml ", SECRET)
    return start + jp2_box(b"jp2c", stream) + jp2_box(b"uuid", bytes(16) + SECRET)


def tile_comment():
    """A comment in the header of the first tile-part, which is told of in its length."""
    place = J2K.index(b"\xff\x90")
    (length,) = struct.unpack_from(">I", J2K, place + 6)
    comment = segment(0x64, b"\0\1" + SECRET)
    head = J2K[place : place + 6] + struct.pack(">I", length + len(comment)) + J2K[place + 10 : place + 12]
    return J2K[:place] + head + comment + J2K[place + 12 :]


PLANTED = {
    "COM": (JPEGBaseline8Bit, with_segment(0xFE, SECRET)),
    **{f"APP{n}": (JPEGBaseline8Bit, with_segment(0xE0 + n, b"Exif\0\0" + SECRET)) for n in range(16)},
    "JFIF thumbnail": (JPEGBaseline8Bit, with_segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\1\1" + SECRET)),
    "JFXX": (JPEGBaseline8Bit, with_segment(0xE0, b"JFXX\0\x10" + SECRET)),
    "Adobe": (JPEGBaseline8Bit, with_segment(0xEE, b"Adobe\0\x64\0\0\0\0\0" + SECRET)),
    "between scans": (JPEGBaseline8Bit, between_scans()),
    "behind EOI": (JPEGBaseline8Bit, JPEG + SECRET),
    "another image behind EOI": (JPEGBaseline8Bit, JPEG + b"\0\0" + with_segment(0xFE, SECRET)),
    "longer frame header": (
        JPEGBaseline8Bit,
        JPEG.replace(
            b"\xff\xc0\0\x0b" + JPEG[JPEG.index(b"\xff\xc0") + 4 :][:9],
            segment(0xC0, JPEG[JPEG.index(b"\xff\xc0") + 4 :][:9] + SECRET),
        ),
    ),
    "longer restart interval": (JPEGBaseline8Bit, with_segment(0xDD, b"\0\0" + SECRET)),
    "J2K COM": (JPEG2000Lossless, J2K.replace(b"\xff\x52", segment(0x64, b"\0\1" + SECRET) + b"\xff\x52", 1)),
    "J2K tile COM": (JPEG2000Lossless, tile_comment()),
    "J2K behind EOC": (JPEG2000Lossless, J2K + SECRET),
    "J2K without EOC": (JPEG2000Lossless, J2K[:-2] + SECRET),
    "JP2 boxes": (JPEG2000, in_a_file(J2K)),
    "RLE slack": (RLELossless, RUNS + SECRET),
    "RLE run that is too long": (RLELossless, RUNS[:-2] + b"\x82\x09\x20\x09\x09" + SECRET[:31]),
}


@LARGE
@pytest.mark.parametrize("kind", PLANTED)
def test_text_in_a_frame_goes_and_the_pixels_stay(kind, large):
    syntax, frame = PLANTED[kind]
    source = compressed([frame], syntax)
    data = through(source, large=large)
    for word in SECRET.lower().split():
        assert word not in data.lower()
    assert np.array_equal(dcmread(BytesIO(data)).pixel_array, dcmread(BytesIO(raw(plain(kind, syntax)))).pixel_array)


def plain(kind, syntax):
    """The image without what was planted."""
    frame = {JPEGBaseline8Bit: PROGRESSIVE if kind == "between scans" else JPEG, RLELossless: RUNS}.get(syntax, J2K)
    return compressed([frame], syntax)


def raw(source):
    return through(source, profile=cleaner(base="none"))


@LARGE
def test_offset_tables_go_and_each_frame_is_one_fragment(large):
    frames = [picture("JPEG2000", seed, no_jp2=True) for seed in range(3)]
    source = compressed(frames, JPEG2000Lossless)
    pieces = ct(NumberOfFrames=3, Rows=16, Columns=16, BitsAllocated=8, BitsStored=8, HighBit=7)
    pieces.PixelData = encapsulate(frames, fragments_per_frame=3)
    pieces["PixelData"].VR, pieces["PixelData"].is_undefined_length = "OB", True
    extended = ct(NumberOfFrames=3, Rows=16, Columns=16, BitsAllocated=8, BitsStored=8, HighBit=7)
    extended.PixelData, extended.ExtendedOffsetTable, extended.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    extended["PixelData"].VR, extended["PixelData"].is_undefined_length = "OB", True
    for one in (source, *(replace(source, dataset=encoded(each).dataset) for each in (pieces, extended))):
        new = dcmread(BytesIO(through(one, large=large)))
        assert "ExtendedOffsetTable" not in new
        assert new.PixelData[:8] == b"\xfe\xff\x00\xe0\0\0\0\0"
        assert len(list(generate_fragments(new.PixelData))) == 4
        assert np.array_equal(new.pixel_array, dcmread(BytesIO(raw(source))).pixel_array)


@LARGE
@pytest.mark.parametrize("table", [SECRET, SECRET + b"\0" * (-len(SECRET) % 4), struct.pack("<2I", 0, 7)])
def test_a_false_offset_table_is_no_place_to_hide(table, large):
    source = compressed([JPEG], JPEGBaseline8Bit)
    data, empty = bytes(source.dataset), b"\xfe\xff\x00\xe0\x04\0\0\0\0\0\0\0"
    table += bytes(len(table) % 2)
    source = replace(source, dataset=data.replace(empty, b"\xfe\xff\x00\xe0" + struct.pack("<I", len(table)) + table))
    assert source.dataset != data
    new = through(source, large=large)
    assert NAME.encode() not in new
    assert dcmread(BytesIO(new)).pixel_array.shape == (16, 16)


@LARGE
@pytest.mark.parametrize("more", [SECRET[:22], b"\0\0", b"ab"])
def test_native_pixels_end_with_the_last_pixel(more, large):
    dataset = ct(PixelData=ct().PixelData + more)
    new = dcmread(BytesIO(through(encoded(dataset), large=large)))
    assert new.PixelData == ct().PixelData


@LARGE
def test_the_padding_of_an_odd_number_of_pixels_is_zero(large):
    odd = {"Rows": 3, "Columns": 3, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    new = dcmread(BytesIO(through(encoded(ct(PixelData=b"123456789Q", **odd)), large=large)))
    assert new.PixelData == b"123456789\0"


def stream(*units):
    return b"".join(b"\0\0\1" + unit for unit in units)


VIDEO = {
    "MPEG-2 user data": (MPEG2MPML, stream(b"\xb3" + bytes(8), b"\xb2" + SECRET, b"\0abc", b"\1slice"), b"\1slice"),
    "MPEG-2 behind the end": (MPEG2MPML, stream(b"\xb3" + bytes(8), b"\1slice", b"\xb7" + SECRET), b"\1slice"),
    "H.264 SEI": (MPEG4HP41, stream(b"\x67sps", b"\x06\5" + SECRET, b"\x65slice"), b"\x65slice"),
    "H.264 reserved unit": (MPEG4HP41, stream(b"\x67sps", b"\x65slice", b"\x18" + SECRET), b"\x65slice"),
}


@LARGE
@pytest.mark.parametrize("kind", VIDEO)
def test_messages_in_video_are_blanked_in_place(kind, large):
    syntax, video, slice_ = VIDEO[kind]
    source = compressed([video + bytes(len(video) % 2)], syntax)
    new = through(source, large=large)
    assert NAME.encode() not in new
    assert slice_ in new
    assert len(list(generate_fragments(dcmread(BytesIO(new)).PixelData))[1]) == len(video) + len(video) % 2


@pytest.mark.parametrize("video", [b"G" + bytes(187), b"\0\0\0\x18ftypmp42" + bytes(20), stream(b"\xba" + bytes(20))])
def test_video_in_a_container_is_refused(video):
    with pytest.raises(RefusalError, match="pixels: video"):
        through(compressed([video + bytes(len(video) % 2)], MPEG2MPML))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.999", "1.2.3.4"])
def test_transfer_syntaxes_that_are_not_known_are_refused_unless_nothing_is_cleaned(syntax):
    source = compressed([JPEG], syntax)
    with pytest.raises(RefusalError, match="transfer syntax cannot be cleaned"):
        through(source)
    assert NAME.encode() in raw(source)


@pytest.mark.parametrize("name", ["jpeg_com_segment", "bot_hidden_bytes", "native_pixels_too_long"])
def test_known_cases(name):
    data = whole(PROFILE.clean(read_part10(CASES / f"{name}.dcm")))
    assert b"zwinglius" not in data.lower()
    assert dcmread(BytesIO(data)).pixel_array.size


@LARGE
@pytest.mark.parametrize("signed", [0, 1])
def test_an_overlay_in_unused_bits_is_cleared(signed, large):
    cells = np.arange(-32, 32) if signed else np.arange(64)
    pixels = (cells.astype("<i2").view("<u2") & 0x0FFF) | (cells.astype("<i2").view("<u2") & 0x7000) | 0x8000
    dataset = ct(PixelData=pixels.tobytes(), PixelRepresentation=signed)
    dataset.add_new(0x60000100, "US", 16)
    dataset.add_new(0x60000102, "US", 15)
    new = np.frombuffer(dcmread(BytesIO(through(encoded(dataset), large=large))).PixelData, "<u2")
    assert np.array_equal(new & 0x7FFF, pixels & 0x7FFF)
    assert np.array_equal(new >> 15, (pixels >> 11 & 1) if signed else pixels * 0)


@pytest.mark.parametrize(("position", "message"), [(3, "within the bits of the image"), (16, "within the bits")])
def test_an_overlay_in_used_bits_is_refused(position, message):
    dataset = ct()
    dataset.add_new(0x60020102, "US", position)
    with pytest.raises(RefusalError, match=message):
        through(encoded(dataset))


def test_bits_of_an_overlay_with_its_own_data_are_left_alone():
    dataset = ct(PixelData=b"\xff" * 128)
    dataset.add_new(0x60000102, "US", 15)
    dataset.add_new(0x60003000, "OW", bytes(8))
    assert dcmread(BytesIO(through(encoded(dataset)))).PixelData == b"\xff" * 128


def test_the_known_overlay_case():
    data = whole(PROFILE.clean(read_part10(CASES / "overlay_text_in_unused_bits.dcm")))
    assert not (np.frombuffer(dcmread(BytesIO(data)).PixelData, "<u2") >> 12).any()


@LARGE
def test_icons_are_cleaned_too(large):
    icon = Dataset()
    icon.Rows = icon.Columns = 2
    icon.BitsAllocated, icon.SamplesPerPixel = 8, 1
    icon.PixelData = b"1234"
    icon["PixelData"].VR = "OB"
    dataset = ct(IconImageSequence=Sequence([icon]))
    keeping = cleaner(elements=[{"tag": "IconImageSequence", "action": "keep"}])
    icon.PixelData = b"1234" + b"Th"
    new = dcmread(BytesIO(through(encoded(dataset), large=large, profile=keeping)))
    assert new.IconImageSequence[0].PixelData == b"1234"


@pytest.mark.parametrize(
    ("name", "reason"), [("waveform_audio_voice", "sound"), ("encapsulated_pdf", "encapsulated document")]
)
def test_documents_and_voices_are_refused_and_not_delivered_empty(name, reason):
    with pytest.raises(RefusalError, match=f"content: .*{reason}"):
        PROFILE.clean(read_part10(CASES / f"{name}.dcm"))


def test_encrypted_attributes_go():
    data = whole(PROFILE.clean(read_part10(CASES / "digital_signature_mac_encattr.dcm")))
    assert "EncryptedAttributesSequence" not in dcmread(BytesIO(data))


MUTATED = [
    (compressed([JPEG, JPEG], JPEGBaseline8Bit)),
    (compressed([TILED], JPEG2000Lossless)),
    (compressed([in_a_file(J2K)], JPEG2000)),
    (compressed(run_length(2, segments=1), RLELossless, Rows=8, Columns=8)),
    (compressed([VIDEO["H.264 SEI"][1] + b"\0"], MPEG4HP41)),
    read_part10(Path(get_testdata_file("MR_small_jpeg_ls_lossless.dcm"))),
    read_part10(Path(get_testdata_file("SC_rgb_jpeg_dcmtk.dcm"))),
]


@LARGE
@pytest.mark.parametrize("source", MUTATED)
def test_mutated_pixels_are_refused_or_cleaned_and_crash_nothing(source, large):
    dice, data = random.Random(11), bytes(source.dataset)
    first, taken = data.index(b"\xe0\x7f\x10\0"), 0
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(dice.choice([1, 1, 2, 20])):
            broken[dice.randrange(first + 4, len(data))] = dice.choice([0, 0xFF, dice.randrange(256)])
        if dice.random() < 0.2:
            del broken[dice.randrange(first, len(broken)) :]
        kind = judgement(replace(source, dataset=bytes(broken)), large=large)
        assert kind in {"", "malformed", "pixels", "verification", "too large"}
        taken += not kind
    assert taken


def judgement(source, *, large):
    """The kind of refusal; empty where the instance is taken."""
    try:
        through(source, large=large)
    except RefusalError as error:
        return error.reason.split(":")[0]
    return ""


def test_a_value_that_is_left_in_a_table_is_found():
    name = b"quistgaard" + bytes(53)
    frame = JPEG[:2] + segment(0xDB, b"\3" + name + b"\1") + JPEG[2:]
    with pytest.raises(RefusalError, match="original value remains in the pixel data"):
        through(compressed([frame], JPEGBaseline8Bit))


def test_all_processes_are_known():
    for syntax in (JPEGExtended12Bit, JPEGLossless, JPEGLSLossless, HTJ2KLossless):
        with pytest.raises(RefusalError, match="malformed: a frame that is not"):
            through(compressed([bytes(20)], syntax))
