"""C-FIND against two makes of PACS: every column, dates, wildcards, names in any script, and truth about failures."""

import threading

import pytest

from factory import make_study, write_files
from pacsflow.dicom.dimse.query import echo
from pacsflow.dicom.dimse.transport import DialledSocket
from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import PacsPermanentError, PacsTransientError
from peers.nodes import lane_to, node_of

ERIKA = {
    "PatientID": "FIND-0001",
    "PatientName": "Müller^Ωmega",
    "PatientBirthDate": "19610203",
    "PatientSex": "F",
    "AccessionNumber": "FIND-A1",
    "StudyDate": "20150512",
    "StudyTime": "101112",
    "StudyID": "F1",
    "StudyDescription": "Thorax routine",
    "Modality": "CT",
    "SeriesDescription": "Lung axial",
    "ProtocolName": "LowDose_A",
    "AcquisitionDate": "20150512",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "DeviceSerialNumber": "S-1111",
    "SequenceName": "fl3d1",
    "InstitutionName": "NORTH",
}
TARO = {
    "PatientID": "FIND-0002",
    "PatientName": "山田^太郎",
    "PatientBirthDate": "19720506",
    "PatientSex": "M",
    "AccessionNumber": "FIND-A2",
    "StudyDate": "20160201",
    "StudyTime": "202122",
    "StudyID": "F2",
    "StudyDescription": "Abdomen",
    "Modality": "MR",
    "SeriesDescription": "Liver",
    "ProtocolName": "BEAT_SelfNav_2",
    "AcquisitionDate": "20160201",
    "ImageType": ["DERIVED", "SECONDARY", "OTHER"],
    "DeviceSerialNumber": "S-2222",
    "SequenceName": "tse2d",
    "InstitutionName": "SOUTH",
    "SeriesNumber": 7,
}
STUDY_COLUMNS = ["PatientID", "PatientName", "AccessionNumber", "StudyDate", "StudyTime", "StudyID"]
STUDY_COLUMNS_NOT_OF_ALL = ["PatientBirthDate", "PatientSex", "StudyDescription", "ModalitiesInStudy"]
SERIES_COLUMNS = ["Modality", "SeriesNumber", "SeriesInstanceUID"]
SERIES_COLUMNS_NOT_OF_ALL = [
    "SeriesDescription",
    "ProtocolName",
    "ImageType",
    "AcquisitionDate",
    "DeviceSerialNumber",
    "SequenceName",
    "InstitutionName",
]


@pytest.fixture(scope="module")
def studies(tmp_path_factory, orthanc, dcmqrscp):
    found = [make_study(series=1, images=2, **patient) for patient in (ERIKA, TARO)]
    for number, instances in enumerate(found):
        files = write_files(instances, tmp_path_factory.mktemp(f"study{number}"))
        orthanc.load(files)
        dcmqrscp.load(files)
    return [instances[0] for instances in found]


@pytest.fixture(params=["orthanc", "dcmqrscp"])
def peer(request, studies):
    return request.getfixturevalue(request.param)


@pytest.fixture
def lane(peer):
    with lane_to(peer) as opened:
        yield opened


def key_of(instance, column):
    if column == "ModalitiesInStudy":
        return str(instance.Modality)
    value = instance[column].value
    return f"{value[0]}*" if column == "ImageType" else str(value)


def found_in(answers, keyword="StudyInstanceUID"):
    return [answer[keyword].value for answer in answers]


@pytest.mark.parametrize("column", [*STUDY_COLUMNS, *STUDY_COLUMNS_NOT_OF_ALL])
def test_each_study_column_finds_its_study(lane, peer, studies, column):
    for wanted, other in (studies, studies[::-1]):
        answers = lane.find("STUDY", {"StudyInstanceUID": "", column: key_of(wanted, column)})
        assert wanted.StudyInstanceUID in found_in(answers)
        if column in STUDY_COLUMNS or peer.aet == "ORTHANC":
            assert other.StudyInstanceUID not in found_in(answers)


@pytest.mark.parametrize("column", [*SERIES_COLUMNS, *SERIES_COLUMNS_NOT_OF_ALL])
def test_each_series_column_finds_its_series(lane, peer, studies, column):
    for wanted, other in (studies, studies[::-1]):
        in_study = {"SeriesInstanceUID": "", "StudyInstanceUID": wanted.StudyInstanceUID}
        answers = lane.find("SERIES", {**in_study, column: key_of(wanted, column)})
        assert found_in(answers, "SeriesInstanceUID") == [wanted.SeriesInstanceUID]
        if column in SERIES_COLUMNS or peer.aet == "ORTHANC":
            assert lane.find("SERIES", {**in_study, column: key_of(other, column)}) == []


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("20150512", [0]),
        ("20150101-20151231", [0]),
        ("20150513-", [1]),
        ("-20150512", [0]),
        ("20150101-20161231", [0, 1]),
        ("20170101-20171231", []),
    ],
)
def test_date_ranges(lane, studies, date, expected):
    answers = lane.find("STUDY", {"PatientID": "FIND-*", "StudyDate": date, "StudyInstanceUID": ""})
    assert sorted(found_in(answers)) == sorted(studies[position].StudyInstanceUID for position in expected)


@pytest.mark.parametrize(
    ("name", "position"), [("Müller*", 0), ("*Ωmega", 0), ("Mü?ler^*", 0), ("山田*", 1), ("*太郎", 1)]
)
def test_wildcards_in_names_of_any_script(orthanc, studies, name, position):
    with lane_to(orthanc) as lane:
        answers = lane.find("STUDY", {"PatientName": name, "PatientID": "FIND-*", "StudyInstanceUID": ""})
        assert found_in(answers) == [studies[position].StudyInstanceUID]
        assert answers[0].PatientName == studies[position].PatientName


def test_names_come_back_as_they_were_stored(lane, studies):
    for study in studies:
        (answer,) = lane.find("STUDY", {"StudyInstanceUID": study.StudyInstanceUID, "PatientName": ""})
        assert str(answer.PatientName) == str(study.PatientName)


def test_a_query_in_latin_1_is_understood(orthanc, studies):
    with lane_to(orthanc, character_set="ISO_IR 100") as lane:
        answers = lane.find("STUDY", {"PatientName": "Müller*", "PatientID": "FIND-*", "StudyInstanceUID": ""})
        assert found_in(answers) == [studies[0].StudyInstanceUID]


def test_a_name_the_character_set_lacks_is_refused_before_it_is_sent(orthanc):
    with lane_to(orthanc, character_set="ISO_IR 100") as lane, pytest.raises(PacsPermanentError) as raised:
        lane.find("STUDY", {"PatientName": "山田*"})
    assert "山" not in str(raised.value)
    assert "ISO_IR 192" in raised.value.fix


def test_patients_are_found_by_the_patient_root(lane, studies):
    answers = lane.find("PATIENT", {"PatientID": "FIND-*", "PatientName": ""})
    assert sorted(answer.PatientID for answer in answers) == ["FIND-0001", "FIND-0002"]


def test_instances_of_a_series_are_counted_one_by_one(lane, studies):
    keys = {"StudyInstanceUID": studies[0].StudyInstanceUID, "SeriesInstanceUID": studies[0].SeriesInstanceUID}
    answers = lane.find("IMAGE", {**keys, "SOPInstanceUID": ""})
    assert len(set(found_in(answers, "SOPInstanceUID"))) == 2


def test_nothing_found_is_an_empty_answer(lane):
    assert lane.find("STUDY", {"PatientID": "FIND-NOBODY", "StudyInstanceUID": ""}) == []


def test_an_unknown_keyword_is_refused(lane):
    with pytest.raises(PacsPermanentError):
        lane.find("STUDY", {"patientID": "1"})


def test_echo_takes_some_time(peer):
    assert 0 < echo(node_of(peer)) < 20


def test_a_port_without_a_listener_is_a_passing_fault_with_a_fix(orthanc):
    with pytest.raises(PacsTransientError) as raised:
        echo(node_of(orthanc, port=orthanc.move_port))
    assert "firewall" in raised.value.fix


def test_a_host_name_that_does_not_exist_is_a_lasting_fault(orthanc):
    with pytest.raises((PacsPermanentError, PacsTransientError)) as raised:
        echo(node_of(orthanc, host="nowhere.invalid"))
    assert "host" in raised.value.fix


def test_a_wrong_ae_title_is_a_lasting_fault_that_names_what_to_ask_for(dcmqrscp):
    with pytest.raises(PacsPermanentError) as raised:
        open_lane(node_of(dcmqrscp, called_aet="NOTHERE")).find("STUDY", {"StudyInstanceUID": ""})
    assert "NOTHERE" in raised.value.fix
    assert "rejected the association: called AE title not recognised (permanent)" in str(raised.value)


def test_a_rejection_that_is_over_before_our_side_looks_for_it_is_one_all_the_same(dcmqrscp, monkeypatch):
    class Late(threading.Event):
        """Who waits for the connection wakes up when it has ended."""

        def set(self):
            pass

    real, close = DialledSocket.__init__, DialledSocket.close

    def dialled(self, *args, **fields):
        real(self, *args, **fields)
        self._ready = Late()

    def ended(self):
        close(self)
        threading.Event.set(self._ready)

    monkeypatch.setattr(DialledSocket, "__init__", dialled)
    monkeypatch.setattr(DialledSocket, "close", ended)
    with pytest.raises(PacsPermanentError, match="rejected the association"):
        open_lane(node_of(dcmqrscp, called_aet="NOTHERE")).find("STUDY", {"StudyInstanceUID": ""})


def test_a_port_that_does_not_speak_dicom_is_not_an_empty_answer(orthanc):
    with pytest.raises(PacsTransientError):
        open_lane(node_of(orthanc, port=orthanc.http_port)).find("STUDY", {"StudyInstanceUID": ""})
