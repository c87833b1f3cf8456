"""`%filter`: which images a recipe lets through."""

import pytest

from pacsflow.errors import RefusalError
from unit.deid.instances import cleaned, ct
from unit.deid.recipes import Recipes

SCANNER = {"Manufacturer": "ACME", "ManufacturerModelName": "Light Speed 16", "SeriesDescription": "Dose Report"}


@pytest.fixture
def outcome(tmp_path):
    def judge(lines, ds=None, pixels="drop-risky", group="graylist"):
        text = f"FORMAT dicom\n%filter {group}\nLABEL Old one # (somebody)\n{lines}\n"
        profile = Recipes(tmp_path).profile(text, whole=True, pixels={"burned_in": pixels})
        try:
            cleaned(ct(**SCANNER) if ds is None else ds, **profile)
        except RefusalError as error:
            return error.reason
        return "passed"

    return judge


REFUSED = "pixels: may show text (recipe, graylist: Old one)"


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ("contains ManufacturerModelName speed", True),
        ("contains ManufacturerModelName ^light\\S*\\s", True),
        ("equals ManufacturerModelName Light Speed", False),
        ("equals ManufacturerModelName light speed 16", True),
        ("notequals Modality MR", True),
        ("notcontains Manufacturer ACME", False),
        ("notcontains StationName X", True),
        ("missing StationName", True),
        ("present StationName", False),
        ("empty StationName", False),
        ("contains 0x00080070 acme", True),
        ("equals Rows 8", True),
        ("equals ImageType PRIMARY", True),
        ("contains ImageType ORIGINAL.*AXIAL", True),
        ("contains Modality CT\n+ contains SeriesDescription nothing", False),
        ("contains Modality CT\n+ contains SeriesDescription nothing || contains SeriesDescription dose", True),
        ("contains Modality MR\n|| contains SeriesDescription dose", True),
        ("contains Modality MR || contains Modality CT + contains Manufacturer other", False),
        ("missing StationName || contains Manufacturer other", True),
        ("contains Manfacturer ACME", False),
    ],
)
def test_comparisons(outcome, lines, refused):
    assert outcome(lines) == (REFUSED if refused else "passed")


def test_a_whitelist_is_one(outcome):
    lines = "contains Modality CT\n%filter whitelist\nLABEL Known\nequals Manufacturer ACME"
    assert outcome(lines) == "passed"
    assert outcome(lines, ct(Manufacturer="OTHER")) == REFUSED
    assert outcome("contains Modality CT", group="whitelist") == "passed"


def test_a_whitelist_does_not_free_from_what_pacsflow_refuses(outcome):
    assert (
        outcome("contains Modality US", ct(Modality="US"), group="whitelist") == "pixels: may show text (Modality US)"
    )


def test_images_whose_regions_would_have_to_be_blanked_are_refused(outcome):
    needed = "pixels: regions would have to be blanked (recipe, graylist: Old one)"
    assert outcome("contains Modality CT\ncoordinates 0,0,512,100") == needed
    assert outcome("  contains Modality CT\n  ctpkeepcoordinates 1,2,3,4") == needed
    assert outcome("coordinates all") == needed
    assert outcome("contains Modality MR\ncoordinates all") == "passed"


def test_the_profile_decides_whether_filters_do(outcome):
    assert outcome("contains Modality CT", pixels="keep") == "passed"


def test_only_images_are_judged(outcome):
    ds = ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    del ds.PixelData
    assert outcome("contains Modality CT", ds) == "passed"
