"""Answers are compared as DICOM says (PS3.4 C.2.2.2)."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from pacsflow.query import Match, matches

LETTERS = st.characters(codec="utf-8", exclude_characters="\\*?^=\0 ", exclude_categories=("Cc", "Cf", "Cs", "Zs", "M"))
WORDS = st.text(LETTERS, min_size=1, max_size=12)
DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))


def answer(**values):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def fits(keyword, asked, value):
    return bool(matches({keyword: asked}, answer(**{keyword: value})))


@pytest.mark.parametrize(
    ("keyword", "asked", "value", "expected"),
    [
        ("PatientID", "0045", "0045", True),
        ("PatientID", "0045", "0045 ", True),
        ("PatientID", "0045", "45", False),
        ("PatientID", "0045", "00451", False),
        ("PatientID", "a", "A", False),
        ("PatientID", "00[4]5", "00[4]5", True),
        ("PatientID", "00*", "0045", True),
        ("PatientID", "00?5", "0045", True),
        ("PatientID", "00?5", "00455", False),
        ("StudyDescription", "*lung*", "CT lung low dose", True),
        ("StudyDescription", "lung", "CT lung", False),
        ("StudyDescription", "*Δ*", "a Δ b", True),
        ("ModalitiesInStudy", "CT", ["SR", "CT"], True),
        ("ModalitiesInStudy", "MR", ["SR", "CT"], False),
        ("StudyInstanceUID", "1.2.3", "1.2.3", True),
        ("StudyInstanceUID", "1.2.3\\1.2.4", "1.2.4", True),
        ("StudyInstanceUID", "1.2.3\\1.2.4", "1.2.34", False),
        ("StudyDate", "20150512", "20150512", True),
        ("StudyDate", "20150512", "2015.05.12", True),
        ("StudyDate", "20150512", "20150513", False),
        ("StudyDate", "20150101-20151231", "20151231", True),
        ("StudyDate", "20150101-20151231", "20160101", False),
        ("StudyDate", "20150101-", "20991231", True),
        ("StudyDate", "-20151231", "19000101", True),
        ("StudyTime", "1200", "120030.5", True),
        ("StudyTime", "1200", "12:00:30", True),
        ("StudyTime", "1200", "1159", False),
        ("StudyTime", "1200-1300", "130059", True),
        ("StudyTime", "1200-1300", "1301", False),
        ("StudyTime", "1200-", "12", True),
        ("PatientName", "doe^john", "DOE^JOHN", True),
        ("PatientName", "DOE^*", "Doe^John", True),
        ("PatientName", "DOE^*", "DOE", True),
        ("PatientName", "DOE^*", "DOERING^JOHN", False),
        ("PatientName", "DOE", "DOE^^^^", True),
        ("PatientName", "山田^*", "Yamada^Tarou=山田^太郎=やまだ^たろう", True),
        ("PatientName", "yamada^*=山田^*", "Yamada^Tarou=山田^太郎", True),
        ("PatientName", "yamada^*=田中^*", "Yamada^Tarou=山田^太郎", False),
        ("PatientName", "=山田^*", "Yamada^Tarou=山田^太郎", True),
        ("PatientName", "M\u00fcller", "Mu\u0308ller", True),
        ("SeriesNumber", "5", "05", True),
        ("SeriesNumber", "5", "50", False),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning")  # old archives answer so
def test_an_answer_fits_as_the_standard_says(keyword, asked, value, expected):
    assert fits(keyword, asked, value) is expected


def test_an_empty_key_asks_back_and_fits_everything():
    assert matches({"PatientID": "", "StudyDate": " "}, answer()) == Match()


def test_what_differs_is_named_and_never_shown():
    match = matches({"PatientID": "1", "Modality": "CT"}, answer(PatientID="2", Modality="CT"))
    assert match.differs == ("PatientID",)
    assert not match


def test_an_empty_value_and_an_identifier_that_is_not_answered_differ():
    assert matches({"SeriesDescription": "a"}, answer(SeriesDescription="")).differs == ("SeriesDescription",)
    assert matches({"PatientID": "a"}, answer()).differs == ("PatientID",)


def test_an_optional_key_that_is_not_answered_is_unseen():
    match = matches({"ProtocolName": "a"}, answer())
    assert match
    assert match.unseen == ("ProtocolName",)


@pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning")
def test_a_value_that_is_none_of_its_kind_fits_nothing():
    assert not fits("StudyDate", "20150512", "garbage")
    assert not fits("SeriesNumber", "5", None)
    answered = Dataset()
    tag = Tag("SeriesNumber")
    answered[tag] = RawDataElement(tag, "IS", 4, b"five", 0, is_implicit_VR=False, is_little_endian=True)
    assert matches({"SeriesNumber": "5"}, answered).differs == ("SeriesNumber",)


@given(WORDS, st.data())
def test_a_pattern_made_from_a_text_fits_it(text, data):
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    middle = data.draw(st.sampled_from(["*", "?" * (end - begin), "?" * max(0, end - begin - 1) + "*", "**"]))
    if middle.startswith("?") and middle.endswith("*") and end == begin:
        middle = "*"
    assert fits("StudyDescription", text[:begin] + middle + text[end:], text)


@given(WORDS, WORDS)
def test_without_wildcards_only_the_same_text_fits(asked, value):
    import unicodedata

    same = unicodedata.normalize("NFC", asked) == unicodedata.normalize("NFC", value)
    assert fits("StudyDescription", asked, value) is same


@given(WORDS, st.integers(0, 15))
def test_question_marks_count_letters(text, number):
    import unicodedata

    assert fits("StudyDescription", "?" * number, text) is (
        len(unicodedata.normalize("NFC", text)) == number or not number
    )


@given(DAYS, DAYS, DAYS)
def test_a_range_of_dates_holds_its_ends_and_all_between(one, two, day):
    begin, end = sorted((one, two))
    value = f"{day:%Y%m%d}"
    assert fits("StudyDate", f"{begin:%Y%m%d}-{end:%Y%m%d}", value) is (begin <= day <= end)
    assert fits("StudyDate", f"{begin:%Y%m%d}-", value) is (begin <= day)
    assert fits("StudyDate", f"-{end:%Y%m%d}", value) is (day <= end)


@given(st.times(), st.times(), st.times())
def test_a_range_of_times_holds_its_ends_and_all_between(one, two, time):
    begin, end = sorted((one, two))
    expected = begin <= time <= end
    assert fits("StudyTime", f"{begin:%H%M%S.%f}-{end:%H%M%S.%f}", f"{time:%H%M%S.%f}") is expected


@given(st.lists(st.from_regex(r"1\.[1-9][0-9]{0,5}\.[1-9][0-9]{0,5}", fullmatch=True), min_size=2, unique=True))
def test_a_list_of_uids_fits_its_members_only(uids):
    *listed, other = uids
    asked = "\\".join(listed)
    assert all(fits("StudyInstanceUID", asked, uid) for uid in listed)
    assert not fits("StudyInstanceUID", asked, other)


@given(st.from_regex(r"[A-Za-z]{1,8}(\^[A-Za-z]{1,8}){0,2}", fullmatch=True))
def test_names_fit_without_case(name):
    assert fits("PatientName", name.upper(), name.lower())
    assert fits("PatientName", f"{name.swapcase()[:1]}*", name)


@pytest.mark.parametrize(
    ("keyword", "asked", "answered", "fits"),
    [
        ("SeriesDescription", "epi*", "EPI PE=AP", True),
        ("StudyDescription", "*SCHÄDEL*", "mr schädel nativ", True),
        ("PatientName", "doe*", "DOE^JANE", True),
        ("Modality", "mr", "MR", True),
        ("StationName", "ct1", "CT1", True),
        ("PatientID", "ab12", "AB12", False),
        ("PatientID", "ab*", "AB12", False),
        ("AccessionNumber", "a1", "A1", False),
        ("StudyID", "x1", "X1", False),
    ],
)
def test_case_matters_in_identifiers_only_unless_match_case_says_otherwise(keyword, asked, answered, fits):
    answer = Dataset()
    setattr(answer, keyword, answered)
    assert bool(matches({keyword: asked}, answer)) is fits
    assert not matches({keyword: asked}, answer, {keyword: True})
    assert matches({keyword: asked}, answer, {keyword: False})
    assert matches({keyword: answered}, answer, {keyword: True})
