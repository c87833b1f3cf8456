"""A real PACS that is set up to cut its answers, asked by a project of all its studies."""

import pytest

from factory import make_instance
from factory import write_files as write_instances
from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import PacsPermanentError
from peers.nodes import node_of
from peers.orthanc import Orthanc
from project_folder import write_project
from whole_run import find_only

STUDIES, SERIES = 23, 10


def test_all_studies_and_series_of_an_orthanc_that_gives_five_answers(tmp_path):
    (tmp_path / "orthanc").mkdir()
    with Orthanc(tmp_path / "orthanc", LimitFindResults=5, LimitFindInstances=5) as peer:
        for number in range(STUDIES):
            date = f"2020{number % 3 + 1:02d}{number + 1:02d}" if number < 16 else "20200701"
            facts = {"PatientID": f"LIMIT-{number:02d}", "StudyDate": date, "StudyTime": f"10{number:02d}00"}
            facts["StudyInstanceUID"] = f"1.2.826.0.1.{number + 1}"
            modalities = ["CT"] if number else ["MR", "MR", "MR", "MR", "MR", "MR", "MR", "CT", "CT", "CT"]
            made = [
                make_instance(SeriesNumber=n, Modality=each, SeriesTime=f"10{n:02d}30", **facts)
                for n, each in enumerate(modalities, 1)
            ]
            peer.load(write_instances(made, tmp_path / f"study{number}"))
        keys = {"StudyInstanceUID": "", "PatientID": "LIMIT-*"}
        lane = open_lane(node_of(peer))
        with pytest.raises(PacsPermanentError) as cut:
            lane.find("STUDY", keys)
        assert cut.value.answers == 5
        lane.close()
        found = find_all(tmp_path, peer)
    assert [(one.status, one.reason) for one in found] == [("found", "")] * 2
    everything, many_series = found
    assert len(everything.studies) == STUDIES
    assert len(many_series.series) == SERIES


def find_all(tmp_path, peer):
    asked = [
        {"id": "all", "PatientID": "LIMIT-*", "StudyDate": "20190101-20201231", "Modality": "CT"},
        {"id": "series", "PatientID": "LIMIT-00"},
    ]
    node = {"port": peer.port, "called_aet": peer.aet, "limits": {"results_per_query": 5}}
    query = {"guards": {"several_patients_per_row": "accept"}}
    folder = write_project(tmp_path / "p", pacs=node, rows=asked, query=query)
    return find_only(folder)
