"""What find() takes and refuses; nothing is asked."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import keyword_dict

from pacsflow.errors import ArgumentError
from pacsflow.library.questions import DEPTHS, checked_level, row_of
from pacsflow.query import level_of
from pacsflow.query.columns import keyword_fault, vr_of

LEVELS = {"STUDY": 0, "SERIES": 1, "IMAGE": 2}
KEYWORDS = sorted(filter(None, keyword_dict))


def refused(level="study", include=(), **keys):
    with pytest.raises(ArgumentError) as told:
        row_of(keys, include, level)
    return str(told.value)


@pytest.mark.parametrize("keyword", ["PatientId", "patientid", "Patient", "StudyUID", "Nonsense", "(0010,0020)", ""])
def test_an_unknown_keyword_is_an_error(keyword):
    said = refused(**{"PatientID": "4711", keyword: "SECRET"})
    assert keyword in said
    assert "SECRET" not in said
    assert keyword in refused(include=[keyword], PatientID="4711")


@pytest.mark.parametrize(
    ("keyword", "near"), [("PatientId", "PatientID"), ("StudyDat", "StudyDate"), ("Modalities", "")]
)
def test_a_near_miss_is_named(keyword, near):
    assert f"write `{near}" in refused(**{keyword: "x"}) or not near


@given(st.sampled_from(KEYWORDS), st.sampled_from(DEPTHS))
def test_every_keyword_of_dicom_is_asked_at_its_level_or_refused(keyword, level):
    if keyword_fault(keyword) or LEVELS[level_of(keyword)] > DEPTHS.index(level):
        assert keyword in refused(level, [keyword], PatientID="4711")
    else:
        assert row_of({"PatientID": "4711"}, [keyword], level).keys.get(keyword) in ("", "4711")


def test_modality_of_studies_names_what_to_ask_instead():
    assert "level='series', or ask for `ModalitiesInStudy`" in refused(PatientID="1", Modality="CT")
    assert row_of({"PatientID": "1", "Modality": "CT"}, (), "series").keys["Modality"] == "CT"


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientID", "*"),
        ("PatientName", "?*"),
        ("PatientID", "12\\13"),
        ("PatientID", "1\n2"),
        ("PatientID", ["1", "2"]),
        ("PatientID", True),
        ("PatientID", 4.5),
        ("PatientID", b"12"),
        ("PatientID", "1" * 65),
        ("StudyInstanceUID", "1.2.*"),
        ("StudyInstanceUID", ["1.2", "x"]),
        ("StudyDate", "12.05.2015"),
        ("StudyDate", ("2016", "2015")),
        ("StudyDate", (None, None)),
        ("StudyDate", ("2015", "2016", "2017")),
        ("StudyDate", ("2015", 7)),
        ("StudyDate", "2015-13"),
        ("StudyTime", (dt.date(2015, 1, 1), None)),
        ("StudyDate", dt.time(12)),
        ("AccessionNumber", "1.2E+15"),
    ],
)
def test_values_that_rows_are_refused_for_are_refused_and_not_repeated(keyword, value):
    said = refused(**{"PatientBirthDate": "20000101", keyword: value})
    assert keyword in said
    texts = (
        [value]
        if isinstance(value, str)
        else [one for one in value if isinstance(one, str)]
        if isinstance(value, list | tuple)
        else []
    )
    assert not any(len(text) > 3 and text in said for text in texts)


@pytest.mark.parametrize("keys", [{}, {"PatientID": None}, {"PatientID": ""}, {"Modality": "CT"}, {"PatientSex": "F"}])
def test_a_question_for_everything_is_refused(keys):
    assert "find()" in refused("series", **keys)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2015", "20150101-20151231"),
        ("2016-02", "20160201-20160229"),
        ("201512", "20151201-20151231"),
        ("2015-05-12", "20150512"),
        ("20150512-20150601", "20150512-20150601"),
        (dt.date(2015, 5, 12), "20150512"),
        (dt.datetime(2015, 5, 12, 13, 0, tzinfo=dt.UTC), "20150512"),
        (("2015", "2016"), "20150101-20161231"),
        (("2015-05-12", None), "20150512-"),
        ((None, dt.date(2015, 5, 12)), "-20150512"),
        ((dt.date(2015, 5, 12), "2015-06"), "20150512-20150630"),
    ],
)
def test_dates(value, sent):
    assert row_of({"StudyDate": value}, (), "study").keys["StudyDate"] == sent


def test_other_values():
    keys = {
        "StudyInstanceUID": ["1.2", "1.3"],
        "SeriesNumber": 3,
        "StudyTime": ("12:30", dt.time(13)),
        "PatientID": "0045",
    }
    row = row_of(keys, "PatientAge", "series")
    assert row.keys == {
        "PatientAge": "",
        "StudyInstanceUID": "1.2\\1.3",
        "SeriesNumber": "3",
        "StudyTime": "1230-130000",
        "PatientID": "0045",
    }


@pytest.mark.parametrize("level", ["Study", "image", "", None, 3])
def test_a_level_is_one_of_three(level):
    with pytest.raises(ArgumentError, match="study, series, instance"):
        checked_level(level)


@given(st.sampled_from(KEYWORDS), st.one_of(st.text(), st.integers(), st.dates(), st.none(), st.binary(), st.floats()))
def test_whatever_is_given_there_is_a_row_or_one_kind_of_error(keyword, value):
    try:
        row = row_of({"PatientBirthDate": "20000101", keyword: value}, (), "instance")
    except ArgumentError:
        return
    assert keyword in row.keys or value is None
    assert vr_of(keyword)
