"""Clean Descriptors and Clean Structured Content: own identifiers go, known words stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.sequence import Sequence

from pacsflow.deid.rules.free_text import Scrubber
from unit.deid.instances import PATIENT_ID, cleaned, ct

OWN = Scrubber.of(["Müller-Brown^Käthe", "PID-774411", "Klinikum Nordstadt"])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("CT Thorax with contrast", "CT Thorax with contrast"),
        ("t2_tse_sag 3.5mm", "t2_tse_sag 3.5mm"),
        ("Thorax MULLER, Kathe", "Thorax"),
        ("brown lesion", "lesion"),
        ("Thorax 774411", "Thorax"),
        ("born 23.05.1941, chest", "chest"),
        ("call +41 21 314 11 11 chest", "chest"),
        ("chest a.b@example.org", "chest"),
        ("chest \\\\server\\share\\mueller", "chest"),
        ("20150512 chest", "chest"),
        ("Klinikum Nordstadt head", "head"),
        ("胸部 chest", "chest"),
    ],
)
def test_own_identifiers_and_unknown_words_go(text, left):
    assert OWN.clean(text.encode(), ["utf-8"]).decode() == left


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_brings_an_own_word_back(before, after):
    words = OWN.clean(f"{before} Käthe {after}".encode(), ["utf-8"]).decode().lower()
    assert "kathe" not in words
    assert "käthe" not in words


def test_descriptors_are_removed_without_the_option_and_cleaned_with_it():
    ds = ct(StudyDescription="Thorax of Quistgaard", SeriesDescription="Lung 1.0mm", ProtocolName="Chest PE")
    assert "StudyDescription" not in cleaned(ds)
    new = cleaned(ds, options=["clean-descriptors"])
    assert new.StudyDescription == "Thorax of"
    assert new.SeriesDescription == "Lung 1.0mm"
    assert "113105" in [item.CodeValue for item in new.DeidentificationMethodCodeSequence]


def code(value, scheme, meaning):
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def content(value_type, name, **values):
    ds = Dataset()
    ds.RelationshipType, ds.ValueType, ds.ConceptNameCodeSequence = "CONTAINS", value_type, Sequence([name])
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def report():
    ds = ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33", Modality="SR", ValueType="CONTAINER")
    del ds.PixelData
    ds.ContentSequence = Sequence(
        [
            content("TEXT", code("121071", "DCM", "Finding"), TextValue="nodule seen by Quistgaard in lung"),
            content("TEXT", code("121022", "DCM", "Accession Number"), TextValue="ACC9981273"),
            content("PNAME", code("121008", "DCM", "Person Observer Name"), PersonName="Vandenbossche^Aurelie"),
            content(
                "CONTAINER",
                code("125007", "DCM", "Measurement Group"),
                ContentSequence=Sequence(
                    [content("TEXT", code("121071", "DCM", "Finding"), TextValue="call 0213141111")]
                ),
            ),
        ]
    )
    return ds


def test_a_report_under_the_basic_profile_loses_the_items_that_the_table_removes_and_keeps_no_text():
    new = cleaned(report())
    assert [item.ValueType for item in new.ContentSequence] == ["PNAME", "CONTAINER"]
    assert new.ContentSequence[0].PersonName == "ANON"
    assert "TextValue" not in str(new)


def test_a_report_with_clean_structured_content_keeps_clean_text_and_drops_listed_items():
    new = cleaned(report(), options=["clean-structured-content", "clean-descriptors"])
    codes = [item.ConceptNameCodeSequence[0].CodeValue for item in new.ContentSequence]
    assert "121022" not in codes
    assert new.ContentSequence[0].TextValue == "nodule in lung"
    assert new.ContentSequence[-1].ContentSequence[0].TextValue in ("", "ANON", "call")


def test_an_age_over_89_is_cut_and_an_illegal_one_emptied():
    option = ["retain-patient-characteristics"]
    for age, left in (("045Y", "045Y"), ("089Y", "089Y"), ("093Y", "090Y"), ("012M", "012M")):
        assert cleaned(ct(PatientAge=age), options=option).PatientAge == left
    ds = ct()
    ds.add_new("PatientAge", "LO", "90+Y")
    ds["PatientAge"].VR = "AS"
    assert not cleaned(ds, options=option).PatientAge


def test_a_text_that_names_the_patient_where_the_standard_keeps_it_is_emptied():
    new = cleaned(ct(SequenceName=PATIENT_ID, FilterType="of quistgaard"), unlisted="keep")
    assert new.SequenceName == ""
    assert new.FilterType == ""


def test_a_name_that_is_also_a_coded_term_stops_nothing_even_in_many_frames():
    ds = ct(PatientName="Head^Axial", BodyPartExamined="HEAD")
    frames = []
    for _ in range(3000):
        frame, anatomy = Dataset(), Dataset()
        anatomy.FrameLaterality, anatomy.BodyPartExamined = "U", "HEAD"
        frame.FrameAnatomySequence = Sequence([anatomy])
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    new = cleaned(ds)
    assert new.BodyPartExamined == "HEAD"
    assert new.ImageType[2] == "AXIAL"
    assert new.PatientName != "Head^Axial"
