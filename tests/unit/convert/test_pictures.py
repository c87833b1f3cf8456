"""Radiographs as PNG: the grey that a workstation shows; DCMTK's renderer is asked where it is there."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_windowing, convert_color_space

from commands import pacsflow
from factory import make_instance, write_files
from pacsflow.convert.pictures import convert_pictures
from pacsflow.errors import RefusalError

NO_RESCALE = {"RescaleIntercept": None, "RescaleSlope": None, "RescaleType": None}
LOOKS = {"Modality": "DX", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1", "ImagePositionPatient": None, "KVP": "70"}


def lut(bits=12, *, first=0):
    item = Dataset()
    item.LUTDescriptor = [256, first, bits]
    item.LUTData = [int((n / 255) ** 2 * ((1 << bits) - 1)) for n in range(256)]
    item["LUTData"].VR = "US"
    return [item]


CASES = {
    "window": {"WindowCenter": "-900", "WindowWidth": "200"},
    "several windows": {"WindowCenter": ["-900", "0"], "WindowWidth": ["200", "10"]},
    "exact": {"WindowCenter": "-900", "WindowWidth": "200", "VOILUTFunction": "LINEAR_EXACT"},
    "sigmoid": {"WindowCenter": "-900", "WindowWidth": "200", "VOILUTFunction": "SIGMOID"},
    "no rescale": {"WindowCenter": "100", "WindowWidth": "150", **NO_RESCALE},
    "lut": {"VOILUTSequence": lut(), **NO_RESCALE},
    "lut before a window": {"VOILUTSequence": lut(16), "WindowCenter": "1", "WindowWidth": "1", **NO_RESCALE},
    "signed": {"WindowCenter": "100", "WindowWidth": "150", "PixelRepresentation": 1, **NO_RESCALE},
}


def picture(tmp_path, **changes):
    tmp_path = tmp_path / changes.get("PhotometricInterpretation", "one")
    made = make_instance(**LOOKS, **changes)
    if changes.get("PixelPaddingValue", 0) > 32767:
        made["PixelPaddingValue"].VR = "US"  # without its sign, as some devices write it
    [path] = write_files([made], tmp_path / "dx")
    gave = convert_pictures([path], tmp_path / "png")
    [png] = [one for one in gave.files if one.suffix == ".png"]
    with Image.open(png) as image:
        assert image.mode == "I;16"
        return np.asarray(image).astype(float), path, gave


@pytest.mark.parametrize("name", CASES)
def test_grey_values_are_those_of_the_standard(name, tmp_path):
    seen, path, gave = picture(tmp_path, **CASES[name])
    source = dcmread(path)
    values = apply_modality_lut(source.pixel_array, source)
    if "lut" in name:
        item = source.VOILUTSequence[0]
        wanted = np.array(item.LUTData)[np.clip(values, 0, 255)] / ((1 << item.LUTDescriptor[2]) - 1)
    else:
        shown = apply_windowing(source.pixel_array if "RescaleSlope" not in source else values, source)
        low, high = (-2048, 2047) if source.PixelRepresentation else (0, 4095)
        if "RescaleSlope" in source:
            low, high = low - 1024, high - 1024
        wanted = (shown - low) / (high - low)
    assert np.abs(seen - wanted * 65535).max() <= 1
    assert not gave.warnings
    inverted, *_ = picture(tmp_path, **CASES[name], PhotometricInterpretation="MONOCHROME1")
    assert np.abs(inverted - (65535 - seen)).max() <= 1


@pytest.mark.parametrize("name", ["window", "sigmoid", "lut"])
@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_dcmtk_shows_the_same(name, kind, tmp_path):
    program = shutil.which("dcm2img") or shutil.which("dcm2pnm")
    if not program:
        pytest.skip("DCMTK is not here")
    seen, path, _ = picture(tmp_path, **CASES[name], PhotometricInterpretation=kind)
    way = ["+Wl", "1"] if name == "lut" else ["+Wi", "1"]
    subprocess.run([program, *way, "+on2", path, tmp_path / "theirs.png"], check=True, capture_output=True)
    with Image.open(tmp_path / "theirs.png") as image:
        theirs = np.asarray(image).astype(float)
    assert np.abs(seen - theirs).max() <= 65535 / 255, "DCMTK counts in whole steps"
    assert np.corrcoef(seen.ravel(), theirs.ravel())[0, 1] > 0.9999


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("padding", "signed"), [(7, 0), (0xFFF9, 1), (-7, 1)])
def test_padding_is_black_and_does_not_stretch_the_rest(kind, padding, signed, tmp_path):
    pixels = np.full((16, 16), 7 if padding == 7 else -7, dtype="<i2")
    pixels[4:12, 4:12] = np.arange(64).reshape(8, 8) + 1000
    pad = {"PixelPaddingValue": padding}
    seen, *_, gave = picture(
        tmp_path, PixelData=pixels.tobytes(), PhotometricInterpretation=kind, PixelRepresentation=signed,
        BitsStored=16, HighBit=15, **pad, **NO_RESCALE,
    )  # fmt: skip
    inside = np.zeros((16, 16), dtype=bool)
    inside[4:12, 4:12] = True
    assert not seen[~inside].any()
    assert (seen[inside].min(), seen[inside].max()) == (0, 65535)
    assert np.all(np.diff(seen[inside]) * (1 if kind == "MONOCHROME2" else -1) > 0)
    assert gave.warnings == ("no window and no VOI LUT: from the lowest to the highest value",)


def test_colour_has_eight_bits(tmp_path):
    pixels = np.arange(16 * 16 * 3, dtype="u1").tobytes()
    colours = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "BitsAllocated": 8,
               "BitsStored": 8, "HighBit": 7}  # fmt: skip
    files = write_files([make_instance(**LOOKS, **colours, PixelData=pixels, **NO_RESCALE)], tmp_path / "rgb")
    gave = convert_pictures(files, tmp_path / "png")
    with Image.open(gave.files[1]) as image:
        assert image.mode == "RGB"
        assert np.asarray(image).tobytes() == pixels


COLOURED = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0, **NO_RESCALE}


def shown(tmp_path, made):
    files = write_files([made], tmp_path / "one")
    gave = convert_pictures(files, tmp_path / "png")
    with Image.open(gave.files[1]) as image:
        return np.asarray(image), gave


@pytest.mark.parametrize("planes", [0, 1])
def test_colours_in_ybr_are_made_red_green_and_blue_once(planes, tmp_path):
    colours = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype="u1")
    pixels = convert_color_space(colours, "RGB", "YBR_FULL")
    if planes:
        pixels = pixels.transpose(2, 0, 1)
    made = make_instance(**LOOKS, **COLOURED, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL",
                         PlanarConfiguration=planes, PixelData=pixels.tobytes())  # fmt: skip
    seen, _ = shown(tmp_path, made)
    assert np.abs(seen.astype(int) - colours).max() <= 2


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_gives_its_colours_and_not_the_places_in_it(bits, tmp_path):
    made = make_instance(**LOOKS, **COLOURED, PhotometricInterpretation="PALETTE COLOR",
                         PixelData=np.arange(256, dtype="u1").tobytes())  # fmt: skip
    wanted = np.random.default_rng(2).integers(0, 256, (256, 3))
    for colour, values in zip(("Red", "Green", "Blue"), wanted.T, strict=True):
        setattr(made, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, bits])
        words = (values << bits - 8).astype("<u2" if bits > 8 else "u1")
        setattr(made, f"{colour}PaletteColorLookupTableData", words.tobytes())
    seen, gave = shown(tmp_path, made)
    assert np.array_equal(seen.reshape(256, 3), wanted)
    assert not gave.warnings


@pytest.mark.parametrize("first", [0, -1024])
@pytest.mark.parametrize(
    ("bits", "written"), [(8, "bytes"), *((bits, way) for bits in (8, 12, 16) for way in ("numbers", "words"))]
)
def test_a_lut_is_the_same_however_it_is_written(bits, first, written, tmp_path):
    entries = np.random.default_rng(3).integers(0, 1 << bits, 256)
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [256, first % (1 << 16), bits])
    if written == "numbers":
        item.add_new("LUTData", "US", [int(one) for one in entries])
    else:
        item.add_new("LUTData", "OW", entries.astype("<u2" if written == "words" else "u1").tobytes())
    pixels = np.arange(256, dtype="<u2").tobytes()
    made = make_instance(**LOOKS, PixelData=pixels, RescaleIntercept=first, RescaleSlope=1, VOILUTSequence=[item])
    seen, _ = shown(tmp_path, made)
    assert np.abs(seen.ravel() - entries / ((1 << bits) - 1) * 65535).max() <= 1


NUMBERS = st.one_of(
    st.integers(-3000, 3000).map(str), st.sampled_from(["", "abc", "1e4", "-0", "0", "0.5", "1", "nan"])
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(NUMBERS, max_size=3), st.lists(NUMBERS, max_size=3),
    st.sampled_from(["LINEAR", "linear_exact", "SIGMOID", "", "OTHER"]),
)  # fmt: skip
def test_no_window_ends_a_picture_and_brighter_values_are_never_darker(tmp_path, centres, widths, function):
    made = make_instance(**LOOKS, VOILUTFunction=function)
    for keyword, values in (("WindowCenter", centres), ("WindowWidth", widths)):
        made.add_new(keyword, "LO", values)
    values = apply_modality_lut(made.pixel_array, made).ravel()
    grey = {}
    for kind in ("MONOCHROME1", "MONOCHROME2"):
        made.PhotometricInterpretation = kind
        with TemporaryDirectory(dir=tmp_path) as place:
            grey[kind] = shown(Path(place), made)[0].astype(int).ravel()
    assert np.all(np.diff(grey["MONOCHROME2"][np.argsort(values)]) >= 0)
    assert np.abs(grey["MONOCHROME1"] - (65535 - grey["MONOCHROME2"])).max() <= 1


def test_what_gives_no_picture_is_refused(tmp_path):
    several = make_instance(**LOOKS, NumberOfFrames=2, PixelData=b"\0" * 1024)
    short = make_instance(**LOOKS, PixelData=b"\0\0")
    for number, (one, reason) in enumerate([(several, "several-frames"), (short, "unreadable-file")]):
        with pytest.raises(RefusalError) as refused:
            convert_pictures(write_files([one], tmp_path / str(number)), tmp_path / "png")
        assert refused.value.reason == reason
    assert not list(tmp_path.glob(".*"))
    assert not (tmp_path / "png").exists()


def test_a_tree_gives_pictures_of_radiographs_and_nifti_of_the_rest(tmp_path):
    made = [make_instance(**LOOKS, SeriesNumber=2, InstanceNumber=n, WindowCenter="1", WindowWidth="9") for n in (1, 2)]
    volume = [make_instance(InstanceNumber=n, ImagePositionPatient=[0, 0, n]) for n in range(1, 7)]
    write_files([*made, *volume], tmp_path / "tree")
    pacsflow("convert", tmp_path / "tree", tmp_path / "out", "--images")
    assert [len(list((tmp_path / "out").rglob(ending))) for ending in ("*.png", "*.nii.gz")] == [2, 1]
