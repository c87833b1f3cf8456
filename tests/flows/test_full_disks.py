"""Disks that are really full: ours, where images or the whole working folder lie, and that of a PACS."""

import pytest

from factory import make_study, write_files
from pacsflow.errors import TargetError
from pacsflow.export import StudyFolder, open_target, read_series
from pacsflow.simpacs import phantom_archive
from peers.disk import disk
from peers.orthanc import Orthanc
from schemas.export import Dicom
from whole_run import by_uid, lying, project, run_once


@pytest.fixture(scope="module")
def archive():
    return phantom_archive(3, matrix=96, images=6)


@pytest.mark.parametrize("full", ["data/staging", "data/out"])
def test_a_run_on_a_full_disk_says_so_and_goes_on_once_there_is_room(tmp_path, archive, full):
    asked = by_uid(archive, 3)
    with lying(archive=archive) as (pacs, node):
        expected = run_once(project(tmp_path / "roomy", pacs, node, asked=asked), pacs).out
        folder = project(tmp_path, pacs, node, asked=asked, attempts=1)
        with disk(tmp_path / full, 160) as make_room:
            told = run_once(folder, pacs)
            assert {str(error) for error in told.errors} <= {
                "the disk refused a file: No space left on device",
                f"folder: No space left on device ({tmp_path / 'data' / 'out'})",
            }
            assert told.errors
            assert told.out.items() < expected.items(), "what is there is whole and right"
            assert not list(tmp_path.rglob("*.part"))
            make_room()
            again = run_once(folder, pacs)
            assert (again.errors, again.out) == ([], expected)
            assert {status for status, _ in again.rows} == {"complete"}


def test_a_node_whose_disk_is_full_gets_the_study_once_it_has_room(tmp_path):
    files = write_files(make_study(series=1, images=6, Rows=256, Columns=256), tmp_path / "staged")
    study = StudyFolder((read_series(files),))
    (tmp_path / "orthanc").mkdir()
    with (
        disk(tmp_path / "orthanc" / "full", 600) as make_room,
        Orthanc(tmp_path / "orthanc", StorageDirectory=str(tmp_path / "orthanc" / "full")) as peer,
    ):
        target = open_target(Dicom(kind="dicom", host=peer.host, port=peer.port, called_aet=peer.aet), tmp_path)
        with pytest.raises(TargetError):
            target.deliver(study)
        make_room()
        delivered = target.deliver(study)
        assert target.verify(delivered) == []
        assert len(delivered.files) == len(files)
