"""Real files of ../shared/data of which it is known what is in them, or what another tool took out."""

import warnings

import pytest
from pydicom import dcmread

from pacsflow.deid import read_part10
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaner, read

UNIT_TESTS = "ms-health-anonymizer/src/Microsoft.Health.Dicom.Anonymizer.CommandLineTool.UnitTests"
ANSWERS = {
    "dicognito/test_burned_in_annotation_default/burned_in_yes.dcm": "BurnedInAnnotation YES",
    "dicognito/test_burned_in_annotation_default/burned_in_missing.dcm": "SOPClassUID Secondary Capture",
    "dicognito/test_burned_in_annotation_default/burned_in_other.dcm": "SOPClassUID Secondary Capture",
    "presidio/presidio-image-redactor/tests/test_data/0_ORIGINAL_compressed.dcm": "SOPClassUID Computed Radiography",
    "presidio/presidio-image-redactor/tests/test_data/RGB_ORIGINAL.dcm": "SOPClassUID Secondary Capture",
}
"""Pictures with text in them whose headers tell; presidio's 2_ORIGINAL.dcm is a CT whose header tells nothing."""


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def before_and_after(path, **profile):
    return dcmread(path), read(cleaner(pixels={"burned_in": "keep"}, **profile).clean(read_part10(path)))


def told(ds):
    """Tag -> value of what says something; sequences are looked at by their items elsewhere."""
    return {e.tag: e.value for e in ds if e.VR != "SQ" and e.value not in ("", None)}


@pytest.mark.parametrize("name", ["I290", "I341", "privateTag"])
def test_what_microsofts_tool_takes_out_goes_here_too(shared_data, name):
    theirs = told(dcmread(shared_data / UNIT_TESTS / "DicomResults" / f"{name}.dcm"))
    old, new = map(told, before_and_after(shared_data / UNIT_TESTS / "DicomFiles" / f"{name}.dcm"))
    touched = {tag for tag, value in old.items() if theirs.get(tag) != value}
    assert len(touched) >= 16
    assert not {tag for tag in touched if new.get(tag) == old[tag]}


@pytest.mark.parametrize(("name", "why"), ANSWERS.items())
def test_pictures_that_say_they_show_text_are_refused(shared_data, name, why):
    with pytest.raises(RefusalError, match="may show text") as caught:
        cleaner().clean(read_part10(shared_data / name))
    assert why in caught.value.reason


def test_ids_that_an_archive_adds_in_private_elements_go(shared_data):
    path = shared_data / "dicognito/test_mitra_global_patient_id_is_updated/global_patient_id_implicit_vr.dcm"
    old, new = before_and_after(path, options=["retain-safe-private"])
    assert [e for e in old if e.tag.is_private]
    assert not [e for e in new.iterall() if e.tag.is_private]


def test_patients_and_studies_of_dicognitos_set_stay_apart_and_together(shared_data):
    place = shared_data / "dicognito/test_summary_mixed_files_reports_on_each_study"
    pairs = [before_and_after(path) for path in sorted(place.glob("*.dcm"))]
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        links = {(old[keyword].value, new[keyword].value) for old, new in pairs}
        assert len(links) == len({before for before, _ in links}) == len({after for _, after in links}), keyword
        assert all(before != after for before, after in links)


def test_what_was_done_before_is_still_said(shared_data):
    for path in sorted((shared_data / "dcm_qa_deident" / "In").rglob("*.dcm"))[:3]:
        old, new = before_and_after(path, options=["retain-safe-private"])
        earlier = list(old.DeidentificationMethod)
        assert list(new.DeidentificationMethod)[: len(earlier)] == earlier
        codes = [[item.CodeValue for item in ds.DeidentificationMethodCodeSequence] for ds in (old, new)]
        assert codes[1] == [*codes[0], "113100", "113111"]
        kept = [e.tag for e in new if e.tag.is_private and e.tag.element > 0xFF]
        assert kept
        assert len(kept) < sum(e.tag.is_private for e in old) / 5


def test_private_elements_that_an_archive_rewrote_are_not_taken_for_safe_ones(shared_data):
    for path in sorted((shared_data / "dcm_qa_agfa").rglob("*.img")):
        old, new = before_and_after(path, options=["retain-safe-private"])
        assert [e for e in old if e.tag.is_private]
        safe = [e for e in new.iterall() if e.tag.is_private and e.tag.element > 0xFF]
        assert all(e.private_creator for e in safe)
