"""Deliveries with Karnak's private elements, to Orthanc in the place of the gateway."""

import json

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from factory import make_study, write_files
from pacsflow.errors import TargetError
from pacsflow.export import StudyFolder, open_target, read_series
from pacsflow.export.karnak_tags import CREATOR
from pacsflow.scratch import scratch
from schemas.export import Karnak

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""pynetdicom leaves the socket of an association that did not come about to the garbage collector."""


@pytest.fixture
def study(tmp_path, request):
    own = {"AccessionNumber": f"k{hash(request.node.name) % 10**9}", "PatientID": "LUNG-1"}
    instances = make_study(series=1, images=3, **own, PatientIdentityRemoved="YES")
    return StudyFolder((read_series(write_files(instances, tmp_path / "staged")),))


def target(orthanc, tmp_path, **settings):
    node = {"host": orthanc.host, "port": orthanc.port, "called_aet": orthanc.aet} | settings
    return open_target(Karnak(kind="karnak", album="lung-ct", **node), tmp_path / "work")


def arrived(orthanc, study):
    """What the gateway holds of the study: group 000B and the pixels of each instance."""
    asked = {"Level": "Instance", "Query": {"SeriesInstanceUID": study.series[0].series_uid}}
    for one in orthanc.post("/tools/find", json.dumps(asked).encode()):
        content = dcmread(DicomBytesIO(orthanc.raw(f"/instances/{one}/file")))
        group = [content.get(tag) for tag in (0x000B0010, 0x000B1001, 0x000B1002, 0x000B1003)]
        yield content.SOPInstanceUID, [element and element.value for element in group], content.PixelData


def test_de_identified_images_carry_their_pseudonym_and_no_shift(orthanc, study, tmp_path):
    before = {uid: path.read_bytes() for uid, path in study.series[0].dicom}
    place = target(orthanc, tmp_path)
    with scratch(tmp_path / "work") as temporary:
        delivered = place.deliver(study)
        assert [path.name for path in temporary.iterdir()] == ["lock"]
    found = {uid: (group, pixels) for uid, group, pixels in arrived(orthanc, study)}
    assert set(found) == set(before)
    for uid, path in study.series[0].dicom:
        assert found[uid] == ([CREATOR, "LUNG-1", "lung-ct", "0"], dcmread(path).PixelData)
        assert path.read_bytes() == before[uid], "what lies in staging is not touched"
    assert place.verify(delivered) == []
    assert place.deliver(study) == delivered
    place.remove(["1/2/3"])


def test_identifiable_images_carry_the_code_and_the_shift_of_the_files(orthanc, study, tmp_path):
    (tmp_path / "ids.json").write_text('{"sub-LUNG-1": "P0001"}')
    (tmp_path / "days.json").write_text('{"sub-LUNG-1": -12}')
    files = {"new_ids": str(tmp_path / "ids.json"), "day_shift": str(tmp_path / "days.json")}
    target(orthanc, tmp_path, **files).deliver(study)
    assert {tuple(group) for _, group, _ in arrived(orthanc, study)} == {(CREATOR, "P0001", "lung-ct", "-12")}


@pytest.mark.parametrize("ids", ['{"sub-OTHER": "P0001"}', "{"])
def test_nothing_is_sent_of_a_patient_without_a_code(orthanc, study, tmp_path, ids):
    (tmp_path / "ids.json").write_text(ids)
    with pytest.raises(TargetError, match="karnak") as caught:
        target(orthanc, tmp_path, new_ids=str(tmp_path / "ids.json")).deliver(study)
    assert not caught.value.transient
    assert "LUNG-1" not in str(caught.value)
    assert list(arrived(orthanc, study)) == []


def test_a_gateway_that_is_away_may_come_back_and_nothing_is_left_on_disk(orthanc, study, tmp_path):
    with scratch(tmp_path / "work") as temporary:
        with pytest.raises(TargetError) as caught:
            target(orthanc, tmp_path, port=9).deliver(study)
        assert caught.value.transient
        assert [path.name for path in temporary.iterdir()] == ["lock"]


def test_a_patient_id_never_goes_as_the_code_of_images_that_are_not_de_identified(orthanc, tmp_path):
    images = write_files(make_study(series=1, images=2, AccessionNumber="identified"), tmp_path / "staged")
    study = StudyFolder((read_series(images),))
    with pytest.raises(TargetError, match="not de-identified would be their code") as caught:
        target(orthanc, tmp_path).deliver(study)
    assert not caught.value.transient
    assert list(arrived(orthanc, study)) == []
