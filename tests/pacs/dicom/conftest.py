"""Every test of the room runs twice: over the socket we read ourselves, and over pynetdicom's own reactor."""

import pytest

from pacsflow.dicom.dimse import takeover


@pytest.fixture(params=["fast", "stock"], autouse=True)
def path(request, monkeypatch):
    if request.param == "fast":
        assert takeover.possible(), "this pynetdicom was not tried: run the tests with its version in takeover.TRIED"
    else:
        monkeypatch.setattr(takeover, "TRIED", frozenset())
    return request.param
