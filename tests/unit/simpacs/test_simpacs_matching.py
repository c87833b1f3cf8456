"""Matching as PS3.4 C.2.2.2 has it."""

import pytest

from pacsflow.simpacs.find import FindRequest, answers, instances
from pacsflow.simpacs.matching import fits
from pacsflow.simpacs.phantoms import demo_archive, phantom_archive

JAPANESE = "Yamada^Tarou=山田^太郎=やまだ^たろう"
MATCHES = [
    ("PatientID", "", "0047", True),
    ("PatientID", "*", "0047", True),
    ("PatientID", "0047", "0047", True),
    ("PatientID", "47", "0047", False),
    ("PatientID", "00?7", "0047", True),
    ("PatientID", "00?", "0047", False),
    ("AccessionNumber", "e1", "E1", False),
    ("AccessionNumber", "E.1", "EX1", False),
    ("StudyDescription", "*lung*", "low dose lung CT", True),
    ("PatientName", "müller*", "Müller^Jürgen", True),
    ("PatientName", "山田^太郎", JAPANESE, True),
    ("PatientName", "yamada^*", JAPANESE, True),
    ("PatientName", "やまだ", JAPANESE, False),
    ("StudyDate", "20150512", "20150512", True),
    ("StudyDate", "20150501-20150531", "20150512", True),
    ("StudyDate", "20150513-", "20150512", False),
    ("StudyDate", "-20150512", "20150512", True),
    ("StudyDate", "20150501-20150531", "", False),
    ("StudyTime", "1200", "120000", True),
    ("StudyTime", "1000-1200", "120059", True),
    ("StudyTime", "1000-1200", "120100", False),
    ("StudyInstanceUID", "1.2\\1.3", "1.3", True),
    ("StudyInstanceUID", "1.2\\1.3", "1.30", False),
    ("ModalitiesInStudy", "SR", "CT\\SR", True),
    ("ModalitiesInStudy", "MR", "CT\\SR", False),
    ("InstanceNumber", "*", "7", True),
]


@pytest.mark.parametrize(("keyword", "asked", "held", "expected"), MATCHES)
def test_a_key_fits_as_the_standard_says(keyword, asked, held, expected):
    assert fits(keyword, asked, held) is expected


def found(level, **keys):
    return list(answers(demo_archive(), FindRequest(level, keys)))


def test_a_shared_accession_number_gives_both_studies():
    assert sorted(study["ModalitiesInStudy"] for study in found("STUDY", AccessionNumber="00710006")) == ["CT", "MR"]


def test_a_date_range_and_a_patient_narrow_each_other():
    assert [study["AccessionNumber"] for study in found("STUDY", PatientID="0004700", StudyDate="20150601-")] == [
        "00710002"
    ]


def test_the_patient_level_counts_what_a_patient_has():
    patients = {each["PatientID"]: each for each in found("PATIENT")}
    assert len(patients) == 6
    assert patients["0004700"]["NumberOfPatientRelatedStudies"] == "2"
    assert patients["0004700"]["NumberOfPatientRelatedInstances"] == "49"


def test_series_and_images_of_a_study_agree_with_its_counts():
    [study] = found("STUDY", AccessionNumber="00710003")
    series = found("SERIES", StudyInstanceUID=study["StudyInstanceUID"])
    images = found("IMAGE", StudyInstanceUID=study["StudyInstanceUID"])
    assert len(series) == int(study["NumberOfStudyRelatedSeries"]) == 2
    assert len(images) == int(study["NumberOfStudyRelatedInstances"]) == 40
    assert len({image["SOPInstanceUID"] for image in images}) == 40


def test_a_relational_query_reaches_series_without_their_study():
    assert {series["Modality"] for series in found("SERIES", Modality="SR")} == {"SR"}


def test_keys_of_lower_levels_do_not_narrow_a_study_query():
    assert len(found("STUDY", AccessionNumber="00710001", SOPInstanceUID="1.2.3")) == 1


def test_a_retrieval_of_two_images_means_these_two():
    archive = demo_archive()
    study = next(iter(archive.studies))
    wanted = [one.uid for one in archive.series(study)[0].instances[3:5]]
    keys = {"StudyInstanceUID": study, "SOPInstanceUID": "\\".join(wanted)}
    assert [one.uid for _, one in instances(archive, FindRequest("IMAGE", keys))] == wanted


def test_ten_thousand_studies_are_distinguished_by_their_numbers():
    archive = phantom_archive(10_000)
    assert len(archive.studies) == 10_000
    assert len(list(answers(archive, FindRequest("STUDY", {"AccessionNumber": "0A0009999"})))) == 1
    assert len(list(answers(archive, FindRequest("STUDY", {"PatientID": "0069687"})))) == 2
