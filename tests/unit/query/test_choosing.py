"""Which level a key belongs to, which series are wanted, which answers a person must see."""

import pytest
from pydicom import Dataset

from pacsflow.query import Row, image_keys, judge, level_of, needs_images, series_keys, study_keys, wanted
from schemas.query import Guards, SeriesRules
from yaml_folder import only_problem, write_files


def row(**keys):
    return Row(number=1, id="a", keys=keys, extra={}, origin=("query.yaml", 2), cells={})


def answer(**values):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def study(uid="1.2", **values):
    return answer(**{"StudyInstanceUID": uid, "PatientID": "7", "AccessionNumber": "E1"} | values)


def test_each_key_is_asked_at_its_own_level_and_none_is_lost():
    asked = row(PatientID="7", StudyDate="20150512", Modality="CT", ProtocolName="a*", ImageType="ORIGINAL")
    at_study, at_series = study_keys(asked), series_keys(asked, "1.2")
    at_image = image_keys(asked, "1.2", "1.2.3")
    assert {k: v for k, v in at_study.items() if v} == {"PatientID": "7", "StudyDate": "20150512"}
    assert {k: v for k, v in at_series.items() if v} == {
        "StudyInstanceUID": "1.2",
        "Modality": "CT",
        "ProtocolName": "a*",
    }
    assert at_image["ImageType"] == "ORIGINAL"
    assert at_image["SeriesInstanceUID"] == "1.2.3"
    assert set(asked.keys) <= at_study.keys() | at_series.keys() | at_image.keys()
    assert "NumberOfStudyRelatedInstances" in at_study
    assert "NumberOfSeriesRelatedInstances" in at_series
    assert "SOPInstanceUID" in at_image


def test_images_are_asked_only_where_a_row_needs_them():
    assert needs_images(row(ImageType="ORIGINAL"))
    assert not needs_images(row(PatientID="7", Modality="CT", ImageType=""))


@pytest.mark.parametrize(
    ("keyword", "level"),
    [
        ("PatientSex", "STUDY"),
        ("DeviceSerialNumber", "SERIES"),
        ("AcquisitionDate", "IMAGE"),
        ("SequenceName", "IMAGE"),
    ],
)
def test_attributes_have_the_level_of_their_module(keyword, level):
    assert level_of(keyword) == level


def test_what_series_rules_look_at_is_asked_back():
    rules = SeriesRules(exclude=[{"StationName": "X", "images_below": 3}])
    asked = series_keys(row(), "1.2", rules)
    assert asked["StationName"] == ""
    assert "images_below" not in asked


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([], [], True),
        ([{"Modality": "CT"}], [], True),
        ([{"Modality": ["MR", "CT"]}], [], True),
        ([{"Modality": "MR"}], [], False),
        ([{"Modality": "CT", "SeriesDescription": "*LUNG*"}], [], True),
        ([{"Modality": "CT", "SeriesDescription": "lung"}], [], False),
        ([{"Modality": "MR"}, {"SeriesNumber": 5}], [], True),
        ([{"SeriesDescription": "/^CT lung [0-9.]+$/"}], [], True),
        ([{"SeriesDescription": "/LUNG/"}], [], False),
        ([{"SeriesDescription": "/LUNG/i"}], [], True),
        ([{"StationName": "A"}], [], False),
        ([], [{"SeriesDescription": "*lung*"}], False),
        ([], [{"images_below": 11}], False),
        ([], [{"images_below": 10}], True),
        ([], [{"images_above": 9}], False),
        ([{"Modality": "CT"}], [{"SeriesDescription": "/scout|lung/i"}], False),
    ],
)
def test_a_series_is_wanted_by_its_rules(include, exclude, expected):
    series = answer(Modality="CT", SeriesDescription="CT lung 1.0", SeriesNumber=5)
    take, reason = wanted(SeriesRules(include=include, exclude=exclude), series, 10)
    assert take is expected
    assert bool(reason) is not expected


def test_of_a_series_without_count_no_number_of_images_is_known():
    rules = SeriesRules(include=[{"images_above": 0}])
    assert wanted(rules, answer(Modality="CT"), None)[0] is False
    assert wanted(SeriesRules(exclude=[{"images_below": 9}]), answer(Modality="CT"), None)[0] is True


@pytest.mark.parametrize(
    ("rule", "field", "said"),
    [
        ("{SeriesDescripton: a}", "SeriesDescripton", "write `SeriesDescription`"),
        ("{PatientSex: F}", "PatientSex", "is not an attribute of a series"),
        ("{Colour: red}", "Colour", "is no DICOM keyword"),
        ("{images_below: many}", "images_below", "whole number"),
        ("{images_belw: 3}", "images_belw", "write `images_below`"),
        ("{SeriesDescription: '/(/'}", "SeriesDescription", "is not a regular expression"),
        ("{SeriesDescription: }", "SeriesDescription", "holds no text"),
        ("{SeriesDescription: [a, {b: c}]}", "SeriesDescription", "holds no text"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_a_problem(tmp_path, rule, field, said):
    text = f"rows: [{{PatientID: '1'}}]\nseries:\n  exclude:\n    - {rule}\n"
    problem = only_problem(write_files(tmp_path / "a", query=text))
    assert (problem.line, problem.field) == (4, f"series.exclude[0].{field}")
    assert said in str(problem)


def test_an_empty_rule_is_a_problem(tmp_path):
    text = "rows: [{PatientID: '1'}]\nseries: {include: [{}]}\n"
    assert only_problem(write_files(tmp_path / "a", query=text)).message == "is empty"


def test_answers_that_the_pacs_should_not_have_given_are_dropped_and_counted():
    verdict = judge(row(PatientID="7"), [study(), study(PatientID="77")], Guards())
    assert len(verdict.accepted) == 1
    assert verdict.dropped == {"PatientID": 1}
    assert verdict.holds == ()


def test_one_accession_number_with_two_studies_waits_for_a_person():
    answers = [study("1.2"), study("1.3")]
    assert "2 studies" in judge(row(AccessionNumber="E1"), answers, Guards()).holds[0]
    assert judge(row(AccessionNumber="E1"), [study("1.2"), study("1.2")], Guards()).holds == ()
    assert judge(row(AccessionNumber="E1", StudyInstanceUID="1.2\\1.3"), answers, Guards()).holds == ()


def test_one_row_with_two_patients_waits_for_a_person():
    answers = [study("1.2", PatientName="Doe"), study("1.3", PatientName="Doe", PatientID="8")]
    assert "2 patient ids" in judge(row(PatientName="Doe"), answers, Guards()).holds[0]


def test_another_birth_date_is_a_doubt_under_an_exact_identifier_and_a_filter_otherwise():
    born = study(PatientBirthDate="19500101", PatientName="Doe")
    doubtful = judge(row(PatientID="7", PatientBirthDate="19500102"), [born], Guards())
    assert len(doubtful.accepted) == 1
    assert "birth date" in doubtful.holds[0]
    other = judge(row(PatientName="Doe", PatientBirthDate="19500102"), [born], Guards())
    assert other.accepted == ()
    assert other.holds == ()


def test_one_patient_with_two_birth_dates_waits_for_a_person():
    answers = [study("1.2", PatientBirthDate="19500101"), study("1.3", PatientBirthDate="19500102")]
    assert "several birth dates" in judge(row(PatientID="7"), answers, Guards()).holds[0]
    unknown = [study("1.2", PatientBirthDate=""), study("1.3", PatientBirthDate="19500102")]
    assert judge(row(PatientID="7"), unknown, Guards()).holds == ()


@pytest.mark.parametrize(("how", "holds", "warnings"), [("hold", 1, 0), ("warn", 0, 1), ("accept", 0, 0)])
def test_the_project_says_what_a_doubt_does(how, holds, warnings):
    guards = Guards(several_studies_per_accession=how)
    verdict = judge(row(AccessionNumber="E1"), [study("1.2"), study("1.3")], guards)
    assert (len(verdict.holds), len(verdict.warnings)) == (holds, warnings)


def test_a_key_that_the_pacs_does_not_answer_waits_for_a_person():
    verdict = judge(row(PatientID="7", StudyDescription="a*"), [study()], Guards())
    assert "does not answer StudyDescription" in verdict.holds[0]


def test_no_reason_repeats_what_identifies_a_patient():
    answers = [study("1.2", PatientID="MEIER", PatientBirthDate="19500101"), study("1.3", PatientID="MEIERS")]
    guards = Guards(several_patients_per_row="warn")
    verdict = judge(row(AccessionNumber="E1", PatientBirthDate="19500102"), answers, guards)
    told = " ".join((*verdict.holds, *verdict.warnings, repr(verdict)))
    assert len(verdict.holds) == 2
    assert not any(value in told for value in ("MEIER", "E1", "1950", "1.2"))
