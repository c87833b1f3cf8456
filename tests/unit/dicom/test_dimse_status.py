"""Every DIMSE status has one meaning."""

import pytest

from pacsflow.dicom.status import Category, categorise, status_error


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (0x0000, Category.SUCCESS),
        (0xFF00, Category.PENDING),
        (0xFF01, Category.PENDING),
        (0xFE00, Category.CANCELLED),
        (0xB000, Category.WARNING),
        (0xA700, Category.TRANSIENT),
        (0xA701, Category.TRANSIENT),
        (0xA702, Category.TRANSIENT),
        (0xA801, Category.PERMANENT),
        (0xA900, Category.PERMANENT),
        (0xC000, Category.TRANSIENT),
        (0xC123, Category.TRANSIENT),
        (0x0110, Category.TRANSIENT),
        (0x0122, Category.PERMANENT),
        (0x0124, Category.PERMANENT),
        (0x0213, Category.TRANSIENT),
    ],
)
def test_the_statuses_of_the_standard(status, category):
    assert categorise(status) is category


def test_no_status_is_a_success_or_pending_by_accident():
    fine = {status for status in range(0x10000) if categorise(status) in (Category.SUCCESS, Category.PENDING)}
    assert fine == {0x0000, 0xFF00, 0xFF01}


def test_every_failure_becomes_an_error_that_names_its_status():
    for status in range(0, 0x10000, 7):
        error = status_error("C-FIND", status)
        assert error.status == status
        assert error.transient is (categorise(status) is not Category.PERMANENT)
        assert f"0x{status:04X}" in str(error)


def test_an_unknown_destination_says_what_to_ask_for():
    assert "declare" in status_error("C-MOVE", 0xA801).fix
