"""Every DICOM file of pydicom and of ../shared/data: clean and readable, or refused with a reason."""

import logging
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import config, dcmread
from pydicom.data import get_testdata_files

from pacsflow.deid import normalize, read_part10
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaner, whole

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
PLACES = {Path(name) for name in get_testdata_files()} | set(DATA.rglob("*"))
FILES = sorted(path for path in PLACES if path.is_file())
OPTIONS = ["retain-longitudinal-modified-dates", "retain-safe-private", "clean-descriptors", "clean-structured-content"]

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),  # pydicom on the faults of its own test files
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.CRITICAL, "pydicom")
    config.logger.propagate = False
    yield
    config.logger.propagate = True


@pytest.fixture(scope="module")
def sources():
    found = {}
    for path in FILES:
        try:
            found[path.name] = read_part10(path)
        except RefusalError:
            continue
    assert len(found) > 100
    return found


@pytest.fixture(scope="module")
def profile():
    return cleaner(options=OPTIONS, pixels={"burned_in": "keep"})


def outcome(profile, source):
    try:
        return whole(profile.clean(source))
    except RefusalError as error:
        return error.reason


def test_each_is_clean_and_readable_or_refused_with_a_reason(sources, profile):
    reasons = []
    for name, source in sources.items():
        result = outcome(profile, source)
        if isinstance(result, str):
            reasons.append((result.split(":")[0], name))
            continue
        new = dcmread(BytesIO(result))
        assert new.PatientIdentityRemoved == "YES", name
        assert new.file_meta.MediaStorageSOPInstanceUID == new.SOPInstanceUID, name
        assert list(new.keys()) == sorted(new.keys()), name
    assert {reason for reason, _ in reasons} <= {"malformed", "verification"}
    assert len(reasons) < 0.15 * len(sources)


def test_pixel_data_is_the_same_bytes(sources, profile):
    compared = 0
    for name, source in sources.items():
        result = outcome(profile, source)
        if isinstance(result, str) or source.transfer_syntax_uid in (normalize.BIG_ENDIAN, normalize.DEFLATED):
            continue
        old = dcmread(BytesIO(normalize.file_head("1.2", "1.2", source.transfer_syntax_uid) + bytes(source.dataset)))
        if "PixelData" in old:
            new = dcmread(BytesIO(result)).PixelData
            assert new in (old.PixelData, old.PixelData + b"\0"), name
            compared += 1
    assert compared > 80


def test_the_way_through_pydicom_gives_the_same_elements(sources, profile):
    compared = 0
    for name, source in sources.items():
        try:
            slow = outcome(profile, normalize.normalized(source))
        except RefusalError:
            continue
        fast = outcome(profile, source)
        if isinstance(fast, str) or isinstance(slow, str):
            assert fast == slow, name
            continue
        assert dcmread(BytesIO(fast)) == dcmread(BytesIO(slow)), name
        compared += 1
    assert compared > 100


def test_the_order_of_instances_does_not_matter(sources, profile):
    names = list(sources)[::5]
    first = {name: outcome(profile, sources[name]) for name in names}
    again = cleaner(options=OPTIONS, pixels={"burned_in": "keep"})
    assert first == {name: outcome(again, sources[name]) for name in reversed(names)}


def test_a_view_of_a_larger_buffer_is_as_good_as_bytes(sources, profile):
    for name in list(sources)[::7]:
        source = sources[name]
        assert outcome(profile, source) == outcome(profile, replace(source, dataset=bytes(source.dataset))), name
