"""Images that may show text are told by SOP class, by words of Image Type, and by Modality; others pass."""

import pytest
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from pacsflow.deid.rules.risky_pixels import FILMS, SCREENS, told_risk

ROOT = "1.2.840.10008.5.1.4.1.1."
NAMES = (
    "Ultrasound",
    "Secondary Capture",
    "Angio",
    "Radiography",
    "X-Ray",
    "RT Image",
    "Photo",
    "Endoscopic",
    "Hardcopy",
)
RISKY = {
    uid for uid, entry in UID_dictionary.items() if "Image Storage" in entry[0] and any(n in entry[0] for n in NAMES)
}
VOLUMES = {ROOT + "13.1.1", ROOT + "13.1.2", ROOT + "13.1.3"}
"""Reconstructed volumes of X-ray devices: their slices are computed, as those of CT."""
HARMLESS = ("2", "2.1", "4", "4.1", "128", "130", "20", "481.2", "66.4", "77.1.6", "13.1.1", "13.1.3", "30")


def risk(*, sop_class=ROOT + "2", modality="CT", image_type="ORIGINAL\\PRIMARY\\AXIAL", burned_in=""):
    return told_risk(*(value.encode() for value in (burned_in, modality, image_type, sop_class)))


@pytest.mark.parametrize("uid", sorted(RISKY - VOLUMES), ids=lambda uid: UID(uid).name)
@pytest.mark.parametrize("modality", ["", "CT", "ZZ"])
def test_a_class_that_shows_text_is_refused_whatever_the_modality_says(uid, modality):
    assert "SOPClassUID" in risk(sop_class=uid, modality=modality)


@pytest.mark.parametrize("tail", HARMLESS)
def test_a_class_of_cross_sections_or_slides_passes(tail):
    assert risk(sop_class=ROOT + tail, modality="") == ""


def test_no_class_is_taken_for_another_because_its_uid_begins_alike():
    assert risk(sop_class=ROOT + "77.1.6", modality="SM", image_type="ORIGINAL\\PRIMARY\\VOLUME\\NONE") == ""
    assert "Ophthalmic Tomography" in risk(sop_class=ROOT + "77.1.5.4", modality="OPT")
    assert risk(sop_class=ROOT + "77.1.5.4", modality="OPT", burned_in="NO") == ""


@pytest.mark.parametrize(
    "value",
    [
        *("SCREEN CAPTURE", "SCREEN SAVE", "Screen Save", "SCREENSAVE", "SCREEN_SHOT", "SCREENS", "DOSE REPORT"),
        *("DOSE_INFO", "PROTOCOL", "CT_SOM5 PROT", "PATIENT INFO", "RESULTS", "CSA RESULT", "LABEL", "OVERVIEW"),
        *("PATIENT_PROTOCOL", " REPORT ", "screen-save"),
    ],
)
@pytest.mark.parametrize("place", [0, 2, 5])
def test_a_word_of_image_type_is_enough_in_any_place_and_case(value, place):
    types = ["ORIGINAL", "PRIMARY", "AXIAL", "A", "B", "C"]
    types[place] = value
    assert risk(image_type="\\".join(types)).startswith("ImageType ")
    assert risk(image_type="\\".join(types), burned_in="NO")


@pytest.mark.parametrize(
    "types",
    [
        "ORIGINAL\\PRIMARY\\M_FFE\\M\\FFE",
        "DERIVED\\SECONDARY\\MPR\\CT_SOM5 MPR",
        "ORIGINAL\\PRIMARY\\AXIAL\\CT_SOM5 SPI",
        "ORIGINAL\\PRIMARY\\M\\NORM\\DIS2D\\FM3_2\\FIL",
        "DERIVED\\PRIMARY\\DIFFUSION\\TRACEW\\NORM",
        "ORIGINAL\\PRIMARY\\LOCALIZER\\CT_SOM5 TOP",
    ],
)
def test_image_types_of_pictures_pass(types):
    assert risk(image_type=types) == ""


@pytest.mark.parametrize("modality", sorted(SCREENS | FILMS))
def test_modalities_of_screens_and_films_are_refused_retired_ones_too(modality):
    assert modality in risk(sop_class="", modality=f"{modality} ")
    assert modality in risk(sop_class="", modality=modality.lower())
    assert bool(risk(sop_class="", modality=modality, burned_in="NO")) == (modality in SCREENS)


def test_what_says_neither_by_class_nor_by_modality_what_it_shows_is_refused():
    assert risk(sop_class="1.2.3.4", modality="").startswith("neither")
    assert risk(sop_class="1.2.3.4", modality="MR") == ""
