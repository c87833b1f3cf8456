"""Large instances that are cleaned while they come give the bytes they would give as one, or are refused."""

import logging
import struct
from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom import config
from pydicom.data import get_testdata_files
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from pacsflow.deid import read_part10, streamed
from pacsflow.deid.streamed import without_pixels
from pacsflow.errors import RefusalError
from unit.deid.instances import NAME, cleaner, ct, encoded, whole
from unit.deid.instances import streamed as coming

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
PLACES = {Path(name) for name in get_testdata_files()} | set(DATA.rglob("*"))
OPTIONS = ["retain-longitudinal-modified-dates", "retain-safe-private", "clean-descriptors", "clean-structured-content"]
SIZES = [(1, 997), (132, 1), (3000, 4096), (70_001, 1 << 20)]

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),  # pydicom on the faults of its own test files
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.CRITICAL, "pydicom")
    config.logger.propagate = False
    yield
    config.logger.propagate = True


@pytest.fixture(scope="module")
def sources():
    found = {}
    for path in sorted(path for path in PLACES if path.is_file()):
        try:
            found[path] = read_part10(path)
        except RefusalError:
            continue
    return found


def outcome(profile, source):
    """The bytes, or why there are none; a reason without what differs between the ways."""
    try:
        return whole(profile.clean(source))
    except RefusalError as error:
        return error.reason.split(":")[0]


@pytest.mark.parametrize("base", ["ps3.15-basic", "none"])
def test_every_file_at_hand_comes_out_the_same(sources, base):
    options = {} if base == "none" else {"options": OPTIONS, "pixels": {"burned_in": "keep"}}
    profile, kinds = cleaner(base=base, **options), Counter()
    for number, (path, source) in enumerate(sources.items()):
        begin, piece = SIZES[number % len(SIZES)]
        piece = 1021 if piece == 1 and len(source.dataset) > 1 << 16 else piece
        cleaned = outcome(profile, source)
        if isinstance(cleaned, bytes) and not profile.clean(source).study_instance_uid:
            continue  # passed on although it cannot be read: of no study, so it does not reach the disk
        assert outcome(profile, coming(source, begin, piece)) == cleaned, path.name
        kinds[type(cleaned)] += 1
    assert kinds[bytes] > (600 if DATA.is_dir() else 80)


def test_large_files_are_not_gathered(sources, monkeypatch):
    monkeypatch.setattr(streamed, "WHOLE_AT_MOST", 0)
    profile, passed = cleaner(options=OPTIONS, pixels={"burned_in": "keep"}), 0
    for source in sources.values():
        passed += isinstance(outcome(profile, coming(source, 5000, 5000)), bytes)
    assert passed > (500 if DATA.is_dir() else 60)


PLAIN = encoded(ct(DataSetTrailingPadding=bytes(64)))


def compressed(frames):
    dataset = ct(NumberOfFrames=len(frames), PixelData=encapsulate(frames, fragments_per_frame=2))
    dataset.DataSetTrailingPadding, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bytes(8), 8, 8, 7
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return replace(encoded(dataset), transfer_syntax_uid=str(JPEG2000Lossless))


def codestream(shade):
    stream = BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) + shade).save(stream, "JPEG2000", no_jp2=True)
    return stream.getvalue()


ENCAPSULATED = compressed(list(map(codestream, range(3))))


@given(
    st.sampled_from([PLAIN, ENCAPSULATED]),
    st.integers(0, 2000),
    st.integers(1, 300),
    st.sampled_from(["none", "ps3.15-basic"]),
)
def test_wherever_it_is_cut_into_pieces(source, begin, piece, base):
    profile = cleaner(base=base)
    assert whole(profile.clean(coming(source, begin, piece))) == whole(profile.clean(source))


@given(st.sampled_from([PLAIN, ENCAPSULATED]), st.integers(0, 2000), st.integers(1, 300), st.data())
def test_what_is_cut_off_is_refused_by_both_ways(source, begin, piece, data):
    profile = cleaner()
    cut = replace(source, dataset=source.dataset[: data.draw(st.integers(0, len(source.dataset) - 1))])
    assert outcome(profile, coming(cut, begin, piece)) == outcome(profile, cut)


def test_what_the_guards_refuse_is_refused_before_a_pixel_is_read():
    source = coming(encoded(ct(BurnedInAnnotation="YES", PixelData=bytes(4000))), 1500, 100)
    with pytest.raises(RefusalError, match="may show text"):
        cleaner().clean(source)
    assert len(list(source.rest)) > 20, "the pixels are still to come"


def behind(tag, value):
    return struct.pack("<HH2s2xI", tag >> 16, tag & 0xFFFF, b"OB", len(value)) + value


def test_private_data_behind_the_pixels_goes():
    source = encoded(ct())
    block = struct.pack("<HH2sH", 0x7FE1, 0x10, b"LO", 4) + b"ACME" + behind(0x7FE11001, NAME.encode())
    source = replace(source, dataset=source.dataset + block)
    cleaned = whole(cleaner().clean(coming(source, 1500, 50)))
    assert cleaned == whole(cleaner().clean(source))
    assert b"ACME" not in cleaned[-100:]


def test_too_much_behind_the_pixels_is_refused(monkeypatch):
    monkeypatch.setattr(streamed, "BEHIND_AT_MOST", 50)
    cleaned = cleaner().clean(coming(PLAIN, 1500, 10))
    with pytest.raises(RefusalError, match="too large"):
        whole(cleaned)


def test_a_head_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(streamed, "HEAD_AT_MOST", 300)
    assert whole(cleaner().clean(coming(PLAIN, 200, 10))) == whole(cleaner().clean(PLAIN)), "held as one"
    monkeypatch.setattr(streamed, "WHOLE_AT_MOST", 600)
    with pytest.raises(RefusalError, match="too large"):
        cleaner().clean(coming(PLAIN, 200, 10))


def test_the_instance_without_its_pixels():
    for source in (PLAIN, ENCAPSULATED):
        empty = without_pixels(coming(source, 100, 7))
        assert empty.rest is None
        assert len(empty.dataset) < len(source.dataset)
        assert bytes(source.dataset).startswith(bytes(empty.dataset)[:-24])
