"""Numbers that hold words go, whoever they name; tables of colours and gray values, and colour profiles, do their work."""

import io
import random
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from pacsflow.deid.rules import icc
from pacsflow.deid.rules.spelled import ANY, spells
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaned, ct

NAMES = ("Zwingelstein", "OSTERWALDER", "papadopoulos", "Bratschi")
WAYS = {
    "letters": lambda name: name,
    "turned": lambda name: np.frombuffer(name[: len(name) // 2 * 2], "<u2").byteswap().tobytes(),
    "US": lambda name: np.frombuffer(name, "u1").astype("<u2").tobytes(),
    "big endian": lambda name: np.frombuffer(name, "u1").astype(">u2").tobytes(),
    "UL": lambda name: np.frombuffer(name, "u1").astype("<u4").tobytes(),
    "UV": lambda name: np.frombuffer(name, "u1").astype("<u8").tobytes(),
    "FL": lambda name: np.frombuffer(name, "u1").astype("<f4").tobytes(),
    "FD": lambda name: np.frombuffer(name, "u1").astype("<f8").tobytes(),
}


def ramps():
    """Tables as devices write them: straight, curved, inverted, of either width, packed or not, and their like."""
    level = np.arange(256)
    yield from (level.astype(kind) for kind in ("u1", "<u2", ">u2", "<u4", "<f4", "<f8"))
    yield from ((level * 257).astype("<u2"), (level[::-1] * 257).astype("<u2"), np.arange(65536).astype("<u2"))
    yield from (np.arange(65536).astype(kind) for kind in (">u2", "<u4", "<f4"))
    yield from ((np.arange(4096) ** gamma).astype("<u2") for gamma in (0.5, 0.8, 1.2))
    yield from (np.repeat(np.arange(64, 128), times).astype("u1") for times in (2, 3, 4))
    yield (128 + 60 * np.sin(np.arange(1024) / 40)).astype("u1")
    yield np.tile(np.arange(60, 130), 20).astype("<u2")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_numbers_is_seen_wherever_it_begins(way, name):
    written = WAYS[way](name.encode())
    for before in range(0, 16, 2):
        value = bytes(before) + written + bytes(40)
        assert ANY.search(value)
        assert spells(value)


def measures():
    """Numbers around 110, as indices of meshes, coordinates of outlines and signals have them."""
    dice = np.random.default_rng(3)
    walk = 110 + np.cumsum(dice.integers(-1, 2, 4000)).clip(-12, 12)
    zigzag = np.arange(60, 130).repeat(3) + np.tile([0, 2, 1], 70)
    for values in (walk, zigzag, dice.integers(0, 400, 6000)):
        yield from (values.astype(kind) for kind in ("<u2", "<u4", "<f4", "<f8"))
    yield dice.integers(-30000, 30000, 60000).astype("<i2")
    yield dice.normal(0, 4000, 60000).astype("<i2")
    yield dice.normal(20, 9, 60000).astype("<f4")


@pytest.mark.parametrize("numbers", list(measures()), ids=lambda numbers: f"{numbers.dtype.str}-{len(numbers)}")
def test_indices_coordinates_and_signals_spell_nothing(numbers):
    assert not spells(numbers.tobytes())


@pytest.mark.parametrize("table", list(ramps()), ids=lambda table: f"{table.dtype.str}-{len(table)}")
def test_tables_of_values_spell_nothing(table):
    assert not spells(table.tobytes())
    assert not spells(table[::-1].tobytes())


def test_numbers_by_chance_spell_nothing():
    dice = random.Random(7)
    assert not [seed for seed in range(3000) if spells(dice.randbytes(512))]


def test_a_palette_that_spells_is_refused_and_one_of_numbers_stays():
    ds = ct(RedPaletteColorLookupTableDescriptor=[256, 0, 16])
    ds.add_new(0x00281201, "OW", np.arange(256, dtype="<u2").tobytes())
    assert cleaned(ds).RedPaletteColorLookupTableData == ds.RedPaletteColorLookupTableData
    ds.RedPaletteColorLookupTableData = b"Zwingelstein" + bytes(500)
    with pytest.raises(RefusalError, match=r"binary: \(0028,1201\)") as refused:
        cleaned(ds)
    assert "wingel" not in str(refused.value)


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("FrameTimeVector", [1, 2, 3], [1, 2, 3]),
        ("InversionTimes", [1.0, 2.0], [1.0, 2.0]),
        ("FrameIncrementPointer", [0x00181063], 0x00181063),
    ],
)
def test_as_many_numbers_as_there_may_be_stay(keyword, value, expected):
    assert cleaned(ct(**{keyword: value}))[keyword].value == expected


def test_more_numbers_than_there_may_be_go_and_so_do_tags_of_nothing():
    ds = ct(DiffusionBValue=[1000.0, 7.0], FrameIncrementPointer=[0x00181063, 0x12340010])
    new = cleaned(ds)
    assert new.DiffusionBValue == 1000.0
    assert new.FrameIncrementPointer == 0x00181063


def described(profile: bytes, text: bytes) -> bytes:
    """A profile whose description and copyright say something, with a maker and a day in its head."""
    count = struct.unpack_from(">I", profile, 128)[0]
    body, entries = profile[132 + 12 * count :], []
    for number in range(count):
        tag, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if tag not in (b"desc", b"cprt"):
            entries.append((tag, start + 24, size))
    at = 132 + 12 * (len(entries) + 2)
    shift = at - (132 + 12 * count) - 24
    told = b"text" + bytes(4) + text + b"\0"
    entries = [(tag, start + shift, size) for tag, start, size in entries]
    entries += [(tag, at + len(body), len(told)) for tag in (b"desc", b"cprt")]
    head = profile[:48] + b"ZWIN" + profile[52:128]
    table = b"".join(struct.pack(">4sII", *entry) for entry in entries)
    return head + struct.pack(">I", len(entries)) + table + body + told


def lab(profile: bytes) -> np.ndarray:
    """What the profile makes of some colours."""
    picture = Image.fromarray(np.arange(192, dtype="u1").reshape(8, 8, 3))
    target = ImageCms.createProfile("LAB")
    change = ImageCms.buildTransform(ImageCms.ImageCmsProfile(io.BytesIO(profile)), target, "RGB", "LAB")
    return np.asarray(ImageCms.applyTransform(picture, change))


def test_a_colour_profile_computes_the_same_and_says_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    told = described(profile, b"Monitor of Zwingelstein 12 May 2015")
    new = icc.cleaned(told)
    assert b"wingel" not in new
    assert b"ZWIN" not in new
    assert new[24:36] == bytes(12)
    assert icc.cleaned(new) == new
    assert np.array_equal(lab(profile), lab(new))


@pytest.mark.parametrize("broken", [b"", b"acsp", bytes(200), b"\0" * 36 + b"acsp" + bytes(200)])
def test_what_is_no_colour_profile_goes(broken):
    assert icc.cleaned(broken) is None
    ds = ct()
    ds.add_new(0x00282000, "OB", broken + b"\0" * (len(broken) % 2) or b"\0\0")
    assert "ICCProfile" not in cleaned(ds)
