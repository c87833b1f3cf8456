"""What is small and grows, what takes long, what nobody thought of: one instance is refused, and no other."""

import re
import struct
import zlib
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from pacsflow.deid import cleaner as cleaning
from pacsflow.deid import pixels, streamed
from pacsflow.deid.encoding import normalize, walk
from pacsflow.deid.rules import actions
from pacsflow.deid.rules.free_text import Scrubber
from pacsflow.errors import RefusalError
from unit.deid.instances import NAME, cleaner, ct, encoded, whole
from unit.deid.instances import streamed as coming

DEFLATED = "1.2.840.10008.1.2.1.99"


def deflated(data):
    compressor = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("base", ["ps3.15-basic", "none"])
def test_a_deflated_instance_is_inflated_no_further_than_the_ceiling(monkeypatch, large, base):
    monkeypatch.setattr(normalize, "WHOLE_AT_MOST", 100_000)
    monkeypatch.setattr(streamed, "WHOLE_AT_MOST", 100_000)
    source = encoded(ct(DataSetTrailingPadding=bytes(1 << 20)))
    bomb = replace(source, transfer_syntax_uid=DEFLATED, dataset=deflated(source.dataset))
    assert len(bomb.dataset) < 5000
    bomb = coming(bomb, 100, 100) if large else bomb
    if base == "none":  # passed on unread, of no study: nobody takes it
        assert cleaner(base=base).clean(bomb).study_instance_uid == ""
        return
    with pytest.raises(RefusalError, match="too large"):
        cleaner().clean(bomb)


def test_a_deflated_instance_comes_out_as_the_plain_one():
    source = encoded(ct())
    packed = replace(source, transfer_syntax_uid=DEFLATED, dataset=deflated(source.dataset))
    assert whole(cleaner().clean(packed)) == whole(cleaner().clean(source))
    for broken in (packed.dataset[:-5], b"\xff" * 50, b""):
        with pytest.raises(RefusalError, match="malformed"):
            cleaner().clean(replace(packed, dataset=broken))


@pytest.mark.parametrize("unit", ["a", "1", "x.", "a@", "/", "\\a", "://", "漢", "é", "1-", "a1", "é ", "- "])
def test_long_text_without_a_blank_is_cleaned(unit):
    text = ("chest " + unit * 300_000 + " head").encode()
    assert Scrubber().clean(text, ["utf-8"]).startswith(b"chest")


def test_a_word_of_any_length_is_dropped_or_kept_whole():
    for length in range(2, 200):
        assert Scrubber().clean(b"chest " + b"q" * length, ["utf-8"]) == b"chest"


def test_an_instance_has_a_budget_of_text(monkeypatch):
    profile = cleaner(options=["clean-descriptors"])
    source = encoded(ct(ImageComments="chest " * 900, StudyDescription="head " * 900))
    assert profile.clean(source)
    monkeypatch.setattr(actions, "TEXT_AT_MOST", 6000)
    with pytest.raises(RefusalError, match="MB of free text"):
        profile.clean(source)


class UnforeseenError(Exception):
    pass


STAGES = [
    (normalize, "inflated"),
    (cleaning.guards, "refuse_without_pixels"),
    (cleaning.guards, "refuse_risky"),
    (cleaning, "file_head"),
    (pixels, "pixels_of"),
    (cleaning.Splicer, "dataset"),
    (cleaning.Verifier, "check"),
]


@pytest.mark.parametrize("error", [UnforeseenError, MemoryError, RecursionError, KeyError, AssertionError])
@pytest.mark.parametrize(("owner", "name"), STAGES)
def test_any_exception_is_the_refusal_of_one_instance_with_type_and_place(monkeypatch, owner, name, error):
    def fails(*_, **__):
        raise error(NAME)

    source = encoded(ct())
    if name == "inflated":
        source = replace(source, transfer_syntax_uid=DEFLATED)
    monkeypatch.setattr(owner, name, fails)
    with pytest.raises(RefusalError) as caught:
        cleaner().clean(source)
    assert re.fullmatch(rf"fault of pacsflow: {error.__name__} \(\w+:\d+\)", caught.value.reason)
    assert NAME not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_exception_while_pixels_pass_by_too(monkeypatch):
    def fails(*_):
        raise UnforeseenError(NAME)

    cleaned = cleaner().clean(coming(encoded(ct()), 300, 50))
    monkeypatch.setattr("pacsflow.deid.envelope.picture.Picture.native", fails)
    with pytest.raises(RefusalError, match=r"fault of pacsflow: UnforeseenError \(passage:\d+\)"):
        whole(cleaned)


@given(
    st.binary(max_size=200),
    st.sampled_from([DEFLATED, "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]),
)
def test_any_bytes_are_refused_or_cleaned(data, syntax):
    source = replace(encoded(ct()), dataset=data, transfer_syntax_uid=syntax)
    try:
        new = whole(cleaner().clean(source))
    except RefusalError as error:
        assert not error.reason.startswith("fault of pacsflow")  # noqa: PT017
    else:
        assert dcmread(BytesIO(new)).PatientIdentityRemoved == "YES"


SEQUENCE, OPEN = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF), b"\xfe\xff\x00\xe0\0\0\0\0"
OUT_OF_ORDER = struct.pack("<HH2sH", 8, 0x90, b"PN", 2) + b"X "
CLOSED = b"\xfe\xff\xdd\xe0\0\0\0\0"
EMPTY = b"".join(struct.pack("<HH2sH", 9, 0x1000 + number, b"LO", 0) for number in range(90))


@pytest.mark.parametrize(
    ("syntax", "data", "behind"),
    [
        ("1.2.840.10008.1.2.1", SEQUENCE + OPEN * 90 + CLOSED, b""),
        ("1.2.840.10008.1.2.1", struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 720) + OPEN * 90, b""),
        ("1.2.840.10008.1.2", struct.pack("<HHI", 8, 0x1140, 720) + OPEN * 90, b""),
        ("1.2.840.10008.1.2.1", EMPTY, b""),
        ("1.2.840.10008.1.2.1", SEQUENCE + OPEN * 90 + CLOSED, OUT_OF_ORDER),
        ("1.2.840.10008.1.2.1", struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 720) + OPEN * 90, OUT_OF_ORDER),
        ("1.2.840.10008.1.2.1", EMPTY, OUT_OF_ORDER),
    ],
)
def test_elements_and_items_have_a_ceiling(monkeypatch, syntax, data, behind):
    monkeypatch.setattr(walk, "PARTS_AT_MOST", 100)
    monkeypatch.setattr(normalize, "PARTS_AT_MOST", 100)
    source = encoded(ct(), syntax)
    at = source.dataset.index(b"\x10\x00\x10\x00")
    bomb = replace(source, dataset=source.dataset[:at] + data + source.dataset[at:] + behind)
    with pytest.raises(RefusalError, match="too large: more elements and items than 100"):
        cleaner().clean(bomb)


def test_a_frame_of_very_many_fragments_is_read_once():
    fragment = OPEN[:4] + struct.pack("<I", 2) + b"xx"
    source = encoded(ct())
    at = source.dataset.index(b"\xe0\x7f\x10\x00")
    element = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF)
    bomb = replace(source, transfer_syntax_uid="1.2.840.10008.1.2.4.50",
                   dataset=source.dataset[:at] + element + OPEN + fragment * 100_000 + CLOSED)  # fmt: skip
    with pytest.raises(RefusalError):
        cleaner().clean(bomb)


@pytest.mark.parametrize("between", ["^", "\\"])
def test_a_name_of_very_many_words_is_refused_before_it_is_searched_for(between):
    with pytest.raises(RefusalError, match="too large: a name or id"):
        cleaner().clean(encoded(ct(OtherPatientNames=between.join(f"quist{number}" for number in range(6000)))))
