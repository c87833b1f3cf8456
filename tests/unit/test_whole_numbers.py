"""Numbers that others write: one of 5,000 digits, or of another script, is none, and ends nothing."""

import pytest

from pacsflow.dicom.web.multipart import parts
from pacsflow.dicom.web.qido import _left
from pacsflow.errors import PacsTransientError
from pacsflow.whole_numbers import whole_number
from yaml_folder import problems_of, write_files

HUGE = "9" * 5000
ODD = ["", " ", "-1", "+1", "1.0", "1_0", "²", "٣", "1e3", "0x1", HUGE, "9" * 19]


@pytest.mark.parametrize("text", ODD)
def test_what_is_no_number_is_none(text):
    assert whole_number(text) is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), (" 12 ", 12), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_a_number_is_one(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize("told", ODD)
def test_a_part_of_an_odd_length_ends_at_its_boundary(told):
    body = b"--b\r\nContent-Type: application/dicom\r\nContent-Length: %s\r\n\r\nabc\r\n--b--" % told.encode()
    try:
        assert [b"".join(each.content) for each in parts(iter([body]), b"b")] == [b"abc"]
    except PacsTransientError:
        pytest.fail("the part is there whole")


def test_a_header_that_comes_letter_by_letter_is_looked_at_once():
    header = b"Content-Type: application/dicom\r\nX: " + b"x" * 60_000 + b"\r\n\r\n"
    body = b"--b\r\n" + header + b"abc\r\n--b--"
    assert [b"".join(each.content) for each in parts((bytes([one]) for one in body), b"b")] == [b"abc"]


def test_a_warning_of_too_many_digits_says_that_there_is_more():
    assert _left(f'299 x "there are {HUGE} additional results that can be requested"') == 1
    assert _left('299 x "There are 12 additional results that can be requested"') == 12


@pytest.mark.parametrize("quote", ['"', ""])
def test_a_row_with_such_a_number_is_a_mistake(tmp_path, quote):
    text = f"rows:\n  - {{id: a, PatientID: x, InstanceNumber: {quote}{HUGE}{quote}}}\n"
    assert problems_of(write_files(tmp_path / "p", query=text))
