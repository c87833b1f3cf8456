"""Each column of PACSMAN's query, with values as they are in life: the series that fits is found, and no other."""

import pytest

from factory import make_study, write_files
from project_folder import write_project
from whole_run import find_only

PATIENT = "COLUMNS 1/2"
STUDY = {
    "PatientID": PATIENT,
    "PatientName": "Müller-Żak^Zoë",
    "PatientBirthDate": "19610203",
    "AccessionNumber": "C 1+2",
    "StudyDescription": "Thorax & Leber (nüchtern)",
    "DeviceSerialNumber": "S 1",
}
WANTED = {
    "SeriesDescription": "Lung axial = 1.0",
    "ProtocolName": "BEAT SelfNav #2",
    "AcquisitionDate": "20150512",
    "ImageType": ["DERIVED", "SECONDARY", "MIP 1"],
    "SequenceName": "fl3d1 ns",
    "Modality": "MR",
}
ROWS = [
    *({"id": keyword, keyword: value} for keyword, value in STUDY.items()),
    *({"id": keyword, keyword: value} for keyword, value in WANTED.items() if keyword != "ImageType"),
    {"id": "ImageType", "ImageType": "SECONDARY"},
    {"id": "ImageType *", "ImageType": "MIP*"},
    {"id": "SeriesNumber", "SeriesNumber": "2"},
]


@pytest.fixture(scope="module")
def store(orthanc, tmp_path_factory):
    images = [*make_study(series=1, images=2, SequenceName="tse", **STUDY)]
    images += make_study(series=1, images=2, SeriesNumber=2, **STUDY, **WANTED)
    orthanc.load(write_files(images, tmp_path_factory.mktemp("columns")))
    return orthanc


@pytest.mark.parametrize("protocol", ["dimse", "dicomweb"])
def test_each_column_finds_what_it_names(store, tmp_path, protocol):
    node = {"port": store.port, "called_aet": store.aet} if protocol == "dimse" else {"url": f"{store.url}/dicom-web"}
    asked = [{"PatientID": PATIENT, **row} for row in ROWS]
    folder = write_project(tmp_path / "p", pacs={"protocol": protocol, **node}, rows=asked)
    found = {
        one.row.id: (one.status, one.reason, {s.attributes["SeriesNumber"] for s in one.series})
        for one in find_only(folder)
    }
    assert found == {row["id"]: ("found", "", {"2"} | ({"1"} if row["id"] in STUDY else set())) for row in ROWS}
