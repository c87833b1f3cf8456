"""What happens to one instance under the basic profile and its options."""

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsflow.deid import compile_profile, read_part10
from pacsflow.errors import ProjectError, RefusalError
from pacsflow.pseudonyms import Assigned
from schemas.deid import DeidProfile
from unit.deid.instances import ACCESSION, BIRTH, KEY, PATIENT_ID, SOP_UID, cleaned, cleaner, ct, encoded, read, whole

MODIFIED = "retain-longitudinal-modified-dates"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_identifiers_leave_and_the_image_stays(syntax):
    source = encoded(ct(), syntax)
    result = cleaner().clean(source)
    data = whole(result)
    for value in (b"Quistgaard", b"Thorbjorn", PATIENT_ID.encode(), ACCESSION.encode(), BIRTH.encode(), b"Nordstadt"):
        assert value not in data
    new = read(result)
    assert new.PixelData == ct().PixelData
    assert new.PatientID == new.PatientName == result.person.pseudonym
    assert new.Rows == 8
    assert new.file_meta.TransferSyntaxUID == syntax


def test_pixel_data_is_not_copied():
    source = encoded(ct())
    parts = cleaner().clean(source).parts
    assert any(isinstance(part, memoryview) and part.obj is source.dataset for part in parts)


def test_nested_identifiers_leave_at_any_depth():
    ds = ct()
    inner = Dataset()
    inner.PatientName, inner.PatientID, inner.SeriesDescription = "Quistgaard", PATIENT_ID, "of Quistgaard"
    middle = Dataset()
    middle.AnatomicRegionSequence = Sequence([inner])
    ds.SharedFunctionalGroupsSequence = Sequence([middle])
    new = cleaned(ds)
    found = new.SharedFunctionalGroupsSequence[0].AnatomicRegionSequence[0]
    assert found.PatientID == new.PatientID
    assert "SeriesDescription" not in found


def test_same_input_and_key_give_the_same_bytes_and_another_key_other_ones():
    source = encoded(ct())
    other = compile_profile(DeidProfile(key="${env:KEY}"), bytes(32))
    assert whole(cleaner().clean(source)) == whole(cleaner().clean(source))
    assert other.clean(source).sop_instance_uid != cleaner().clean(source).sop_instance_uid
    assert other.person(PATIENT_ID).pseudonym != cleaner().person(PATIENT_ID).pseudonym


def test_one_patient_two_studies_keep_their_interval():
    first = cleaned(ct(StudyDate="20150512"), options=[MODIFIED])
    second = cleaned(ct(StudyDate="20160301"), options=[MODIFIED])
    from datetime import date

    days = [date(int(d[:4]), int(d[4:6]), int(d[6:])) for d in (first.StudyDate, second.StudyDate)]
    assert (days[1] - days[0]).days == (date(2016, 3, 1) - date(2015, 5, 12)).days
    assert first.StudyDate != "20150512"
    assert first.StudyTime == "101112.5"
    assert first.LongitudinalTemporalInformationModified == "MODIFIED"


@pytest.mark.parametrize("value", ["2015", "201505", "20151399", "20150230", "20150512-20150601"])
def test_dates_that_are_no_day_are_emptied_never_guessed(value):
    ds = ct()
    ds["StudyDate"]._value = value
    assert cleaned(ds, options=[MODIFIED]).StudyDate == ""


def test_file_meta_agrees_and_names_nobody():
    new = cleaned(ct())
    assert new.file_meta.MediaStorageSOPInstanceUID == new.SOPInstanceUID != SOP_UID
    assert new.preamble == bytes(128)
    assert "SourceApplicationEntityTitle" not in new.file_meta


def test_references_between_instances_still_resolve():
    ds, reference = ct(), Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = ds.SOPClassUID, "1.3.6.1.4.1.9999.1.2.77"
    ds.ReferencedImageSequence = Sequence([reference])
    new = cleaned(ds).ReferencedImageSequence[0]
    assert new.ReferencedSOPInstanceUID == cleaner().uid("1.3.6.1.4.1.9999.1.2.77")
    assert new.ReferencedSOPClassUID == ds.SOPClassUID


def test_marking_says_what_was_done_and_keeps_what_others_said():
    ds, code = ct(DeidentificationMethod="RSNA CTP"), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113109", "DCM", "Retain Device Identity Option"
    ds.DeidentificationMethodCodeSequence = Sequence([code])
    new = cleaned(ds, options=["retain-patient-characteristics"])
    assert new.PatientIdentityRemoved == "YES"
    assert new.DeidentificationMethod[0] == "RSNA CTP"
    assert [item.CodeValue for item in new.DeidentificationMethodCodeSequence] == ["113109", "113100", "113108"]
    assert new.LongitudinalTemporalInformationModified == "REMOVED"
    assert new.PatientSex == "M"


def test_a_rule_that_keeps_more_than_the_standard_withdraws_its_code():
    new = cleaned(ct(), elements=[{"tag": "StudyDescription", "action": "keep"}])
    assert new.StudyDescription == "Thorax"
    assert [item.CodeValue for item in new.get("DeidentificationMethodCodeSequence", [])] == []


def test_private_elements_leave_but_those_of_a_kept_set():
    ds = ct()
    block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "1000")
    block.add_new(0x99, "LO", "secret")
    ds.private_block(0x0021, "ACME", create=True).add_new(0x01, "LO", "secret")
    assert not [element for element in cleaned(ds) if element.tag.is_private]
    kept = cleaned(ds, options=["retain-safe-private"])
    assert [element.tag for element in kept if element.tag.is_private] == [(0x0019, 0x0010), (0x0019, 0x100C)]


def test_a_patient_without_an_id_gets_the_studys_pseudonym():
    first, second = (cleaner().clean(encoded(ct(PatientID="", SOPInstanceUID=f"{SOP_UID}.{n}"))) for n in (1, 2))
    assert first.person.pseudonym == second.person.pseudonym
    other = cleaner().clean(encoded(ct(PatientID="", StudyInstanceUID="1.2.3.4.5")))
    assert other.person.pseudonym != first.person.pseudonym
    assert read(first).PatientID == first.person.pseudonym


def test_explicit_rules_come_first_then_vrs():
    rules = [{"tag": "InstitutionName", "action": "replace", "value": "HOSPITAL"}]
    new = cleaned(ct(), elements=rules, vrs={"LO": "remove", "PN": "empty"})
    assert new.InstitutionName == "HOSPITAL"
    assert "Manufacturer" not in new
    assert new.PatientName == ""


def test_overlays_and_curves_leave_whole():
    ds = ct()
    ds.add_new(0x60003000, "OW", b"\1\2")
    ds.add_new(0x60000022, "LO", "Quistgaard")
    ds.add_new(0x50000030, "SH", "mm")
    assert not [element for element in cleaned(ds) if element.tag.group in (0x6000, 0x5000)]


def test_none_passes_the_dataset_on_as_received():
    source = encoded(ct())
    result = compile_profile(DeidProfile(base="none"), b"").clean(source)
    assert bytes(read_part10(whole(result)).dataset) == source.dataset
    assert result.person.pseudonym == PATIENT_ID
    assert result.person.shift_days == 0


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        ({"elements": [{"tag": "StationNam", "action": "remove"}]}, "elements[0].tag"),
        ({"elements": [{"tag": "Rows", "action": "replace", "value": "many"}]}, "elements[0].value"),
        ({"elements": [{"tag": "SOPInstanceUID", "action": "remove"}]}, "elements[0].tag"),
        ({"elements": [{"tag": "StudyDate", "action": "replace", "value": "yesterday"}]}, "elements[0].value"),
        ({"private": {"keep": ["siemens"]}}, "private.keep[0]"),
        ({"drop": [{"Modalty": "CT"}]}, "drop[0]"),
        ({"options": [MODIFIED, "retain-longitudinal-full-dates"]}, "options"),
        ({"recipe": "site.deid"}, "recipe"),
        ({"patient": {"source": "table", "file": "ids.json"}}, "patient.source"),
    ],
)
def test_mistakes_of_a_profile_are_found_when_it_is_compiled(profile, field):
    with pytest.raises(ProjectError) as caught:
        cleaner(**profile)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_instances_the_profile_drops_are_refused_with_the_attribute():
    dropping = cleaner(drop=[{"ImageType": "SCREEN SAVE"}, {"Modality": ["SR", "KO"]}, {"SeriesDescription": "report"}])
    assert dropping.clean(encoded(ct()))
    for values, name in (({"Modality": "SR"}, "Modality"), ({"SeriesDescription": "Dose Report"}, "SeriesDescription")):
        with pytest.raises(RefusalError) as caught:
            dropping.clean(encoded(ct(**values)))
        assert caught.value.reason == f"dropped: {name}"


@pytest.mark.parametrize(
    "values",
    [
        {"Modality": "US"},
        {"BurnedInAnnotation": "YES"},
        {"Modality": "DX"},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
    ],
)
def test_images_that_may_show_text_are_refused_unless_the_profile_keeps_them(values):
    with pytest.raises(RefusalError, match="pixels: may show text"):
        cleaner().clean(encoded(ct(**values)))
    assert cleaner(pixels={"burned_in": "keep"}).clean(encoded(ct(**values)))


def test_a_device_known_to_burn_text_in_is_refused_though_its_modality_is_harmless():
    dose = {"Manufacturer": "GE MEDICAL SYSTEMS", "SeriesDescription": "Dose Report", "ImageType": ["DERIVED", "X"]}
    with pytest.raises(RefusalError, match="device list"):
        cleaner().clean(encoded(ct(ManufacturerModelName="LightSpeed VCT", **dose)))
    assert cleaner().clean(encoded(ct(ManufacturerModelName="Discovery", Manufacturer="GE MEDICAL SYSTEMS")))


def test_what_a_rule_leaves_of_the_patient_is_refused_by_verification_without_naming_it():
    with pytest.raises(RefusalError) as caught:
        cleaner(elements=[{"tag": "StudyDescription", "action": "keep"}]).clean(
            encoded(ct(StudyDescription="Control of Mr QUISTGAARD"))
        )
    assert caught.value.reason == "verification: original value remains in (0008,1030)"


def test_the_key_is_needed_and_long_enough():
    with pytest.raises(ProjectError):
        compile_profile(DeidProfile(key="${env:KEY}"), KEY[:8])


@pytest.mark.parametrize(
    ("method", "date", "time", "said"),
    [
        ("keep", "20150512", "101112.5", "UNMODIFIED"),
        ("year", "20150101", "000000", "MODIFIED"),
        ("remove", "", "", "REMOVED"),
    ],
)
def test_dates_can_be_kept_cut_to_the_year_or_removed(method, date, time, said):
    new = cleaned(ct(), options=[MODIFIED], dates={"method": method})
    assert (new.StudyDate, new.StudyTime) == (date, time)
    assert new.LongitudinalTemporalInformationModified == said


def test_the_shift_lies_in_the_range_and_is_the_patients():
    profile = cleaner(options=[MODIFIED], dates={"days": [-30, -20]})
    shifts = {profile.person(f"P{number}").shift_days for number in range(200)}
    assert shifts == set(range(-30, -19))


def test_pseudonyms_of_a_table_are_taken_and_a_patient_without_one_is_refused():
    profile = DeidProfile(key="${env:KEY}")
    known = compile_profile(
        profile, KEY, pseudonyms=lambda patient, _, shift: {PATIENT_ID: Assigned("sub-001", shift)}.get(patient)
    )
    assert read(known.clean(encoded(ct()))).PatientID == "sub-001"
    with pytest.raises(RefusalError, match="pseudonym: none"):
        known.clean(encoded(ct(PatientID="somebody else", StudyInstanceUID="1.2.3.4.5")))


def test_many_threads_get_what_one_gets():
    from concurrent.futures import ThreadPoolExecutor

    options = [MODIFIED, "clean-descriptors"]
    sources = [
        encoded(
            ct(
                SOPInstanceUID=f"{SOP_UID}.{n}",
                StudyInstanceUID=f"1.2.3.{n % 7}",
                PatientID=f"P-{n % 7}-77",
            )
        )
        for n in range(200)
    ]
    alone, shared = cleaner(options=options), cleaner(options=options)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda source: whole(shared.clean(source)), sources))
    assert together == [whole(alone.clean(source)) for source in sources]


def test_a_date_is_not_said_to_move_where_nothing_moves_it():
    rules = [{"tag": "StudyDate", "action": "date"}]
    with pytest.raises(ProjectError, match="dates have no shift"):
        cleaner(elements=rules)
    moved = cleaned(ct(), elements=rules, options=["retain-longitudinal-modified-dates"])
    assert moved.StudyDate != "20150512"
