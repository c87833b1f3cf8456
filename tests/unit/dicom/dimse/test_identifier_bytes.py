"""Identifiers: what is given is what is sent, and what comes back is read whole."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from pacsflow.dicom.dimse.identifier import decode, encode
from pacsflow.errors import PacsError, PacsPermanentError

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


def sent(keys, *, character_set="ISO_IR 192", syntax=EXPLICIT):
    raw = encode(keys, level="STUDY", character_set=character_set, syntax=syntax)
    return read_dataset(BytesIO(raw), syntax == IMPLICIT, is_little_endian=True)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_keys_go_as_given_with_level_and_character_set(syntax):
    keys = {
        "StudyInstanceUID": "",
        "PatientID": "0045322",
        "StudyDate": "20150101-20151231",
        "SeriesNumber": "7",
        "ModalitiesInStudy": "CT\\MR",
        "PatientName": "Müller^*",
        "RequestAttributesSequence": "",
    }
    identifier = sent(keys, syntax=syntax)
    assert identifier.PatientID == "0045322"
    assert identifier.StudyDate == "20150101-20151231"
    assert identifier.SeriesNumber == 7
    assert list(identifier.ModalitiesInStudy) == ["CT", "MR"]
    assert str(identifier.PatientName) == "Müller^*"
    assert identifier.QueryRetrieveLevel == "STUDY"
    assert identifier.SpecificCharacterSet == "ISO_IR 192"
    assert len(identifier.RequestAttributesSequence) == 0
    assert identifier["StudyInstanceUID"].is_empty


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 144", "Дионисий"),
        ("ISO_IR 126", "Διονυσιος"),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎"),
        ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
    ],
)
def test_names_in_the_nodes_character_set(character_set, name):
    assert str(sent({"PatientName": name}, character_set=character_set).PatientName) == name


def test_a_character_that_cannot_be_sent_is_refused_and_not_repeated():
    with pytest.raises(PacsPermanentError) as raised:
        encode({"PatientName": "王^小东"}, level="STUDY", character_set="ISO_IR 100", syntax=EXPLICIT)
    assert "王" not in str(raised.value)


@pytest.mark.parametrize("keyword", ["patientID", "", "NotAKeyword"])
def test_what_is_not_a_keyword_is_refused(keyword):
    with pytest.raises(PacsPermanentError):
        encode({keyword: "1"}, level="STUDY", character_set="ISO_IR 192", syntax=EXPLICIT)


@given(
    st.dictionaries(
        st.sampled_from(["PatientID", "StudyDescription", "AccessionNumber"]), st.text("aÄ山 ^*?-", max_size=9)
    )
)
def test_any_text_survives(keys):
    identifier = sent(keys)
    for keyword, value in keys.items():
        assert str(identifier[keyword].value or "") == value.rstrip(" ") or identifier[keyword].value == value.strip(
            " "
        )


def answer_bytes(**elements):
    answer = Dataset()
    for keyword, value in elements.items():
        setattr(answer, keyword, value)
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_dataset(stream, answer, parent_encoding="utf8")
    return stream.getvalue()


def test_an_answer_without_a_character_set_is_read_in_the_one_it_was_asked_in():
    raw = answer_bytes(PatientID="1", PatientName="山田^太郎")
    assert str(decode(raw, character_set="ISO_IR 192", syntax=EXPLICIT).PatientName) == "山田^太郎"


@given(st.binary(max_size=200))
def test_broken_answers_are_errors_and_say_nothing_of_their_content(raw):
    said = None
    try:
        decode(raw, character_set="ISO_IR 192", syntax=EXPLICIT)
    except PacsError as error:
        said = (str(error), error.__suppress_context__)
    assert said in (None, ("the node's answer cannot be decoded", True))


def test_an_answer_need_not_be_sorted_by_tag():
    first, second = answer_bytes(StudyInstanceUID="1.2.3"), answer_bytes(StudyDate="20200202")
    answer = decode(first + second, character_set="ISO_IR 192", syntax=EXPLICIT)
    assert (answer.StudyInstanceUID, answer.StudyDate) == ("1.2.3", "20200202")
    with pytest.raises(PacsError):
        decode((first + second)[:-2], character_set="ISO_IR 192", syntax=EXPLICIT)


def test_an_answer_cut_short_is_an_error_wherever_it_is_cut():
    raw = answer_bytes(PatientID="12345678", StudyInstanceUID="1.2.3.4.5.6")
    second = raw.index(b"UI") - 4
    for length in {*range(len(raw))} - {second}:
        with pytest.raises(PacsError):
            decode(raw[:length], character_set="ISO_IR 192", syntax=EXPLICIT)
