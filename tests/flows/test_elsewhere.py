"""Images that another application entity receives: what is known of them, and what is said."""

import json
from contextlib import contextmanager

import pytest
from pydicom import dcmread

from factory import make_study, write_files
from pacsflow.simpacs import Faults, SimPacs, demo_archive, phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from peers.orthanc import Orthanc
from project_folder import write_project
from whole_run import IMAGES, by_uid, fault, project, run_once, write_node

TOLD = ("sent", "sent to OTHER, by the node's own numbers")
COMPARED = ("sent", "sent to OTHER, compared there by UID")
RECEIVES_NOTHING = {"deid": {"base": "none", "key": None}, "export": {"targets": []}}


@contextmanager
def sending(tmp_path, *faults, check=True, archive=None, **wishes):
    """A PACS, the one it sends to, and a project that only asks: (pacs, other, folder)."""
    with SimPacs(StudyArchive([]), aet="OTHER") as other:
        there = {"OTHER": ("127.0.0.1", other.port), "ELSE": ("127.0.0.1", other.port)}
        told = Faults.model_validate({"faults": list(faults)})
        archive = archive or phantom_archive(3, matrix=16, images=IMAGES)
        with SimPacs(archive, told, destinations=there) as pacs:
            folder = asking(tmp_path, pacs, other, check=check, **wishes)
            yield pacs, other, folder


def asking(tmp_path, pacs, other, *, check, asked=None, aet="OTHER", **wishes):
    move_to = {"aet": aet, "ours": False, **({"check": "other.yaml"} if check else {})}
    node = {"port": pacs.port, "called_aet": pacs.aet, "fetch": {"method": "c-move", "move_to": move_to}}
    folder = project(tmp_path, pacs, node, asked=asked or by_uid(pacs.archive, 2), **RECEIVES_NOTHING, **wishes)
    write_node(folder / "other.yaml", {"port": other.port, "called_aet": other.aet}, name="other")
    return folder


@pytest.mark.parametrize(("check", "said"), [(True, COMPARED), (False, TOLD)])
def test_what_was_sent_is_reported_with_its_proof_and_never_asked_for_again(tmp_path, check, said):
    with sending(tmp_path, check=check) as (pacs, other, folder):
        told = run_once(folder, pacs)
        assert told.rows == [said] * 2
        assert told.instances.total() == 2 * IMAGES
        assert {status for status, _ in told.instances} == {"sent"}
        assert other.counts["stores"] == 2 * IMAGES
        assert (other.counts["finds IMAGE"] > 0) == check
        assert not list((tmp_path / "data" / "staging").iterdir())
        again = run_once(folder, pacs)
        assert again.counts["moves"] == 0


@pytest.mark.parametrize("check", [True, False])
def test_a_loss_that_the_node_counts_is_sent_again(tmp_path, check):
    with sending(tmp_path, fault("drop-images", times=1, counted="failed"), check=check) as (pacs, other, folder):
        told = run_once(folder, pacs)
        assert told.rows == [COMPARED if check else TOLD] * 2
        assert len(held(other)) == 2 * IMAGES
        assert told.counts["images sent"] == (2 * IMAGES if check else 2 * (4 + 6))


def held(pacs):
    return {i.uid for study in pacs.archive.studies for s in pacs.archive.series(study) for i in s.instances}


def test_a_loss_that_the_node_does_not_count_is_found_at_the_destination_alone(tmp_path):
    with sending(tmp_path / "a", fault("drop-images"), attempts=2) as (pacs, other, folder):
        told = run_once(folder, pacs)
        assert [status for status, _ in told.rows] == ["incomplete"] * 2
        assert "2 of 6 instances did not arrive at OTHER; the node ended with 0x0000" in told.rows[0][1]
        assert len(held(other)) == 2 * 4
    with sending(tmp_path / "b", fault("drop-images"), check=False) as (pacs, _, folder):
        assert run_once(folder, pacs).rows == [TOLD] * 2, "it takes the node by its word, and says so"


@pytest.mark.parametrize("check", [True, False])
def test_a_series_that_the_node_is_unable_to_send_keeps_back_no_other(tmp_path, check):
    archive = demo_archive()
    uid = next(uid for uid in archive.studies if len(archive.series(uid)) == 2)
    first, second = (len(series.instances) for series in archive.series(uid))
    refused = fault("busy", status="C000", times=1)
    asked = [{"id": "r", "StudyInstanceUID": uid}]
    with sending(tmp_path, refused, check=check, archive=archive, asked=asked, attempts=1) as (pacs, other, folder):
        told = run_once(folder, pacs)
        assert [status for status, _ in told.rows] == ["incomplete"]
        sent = sum(number for (status, _), number in told.instances.items() if status == "sent")
        assert (sent, told.instances.total()) in {(first, first + second), (second, first + second)}
        assert len(held(other)) == sent
        assert run_once(folder, pacs).rows == [COMPARED if check else TOLD]
        assert other.counts["stores"] == first + second


@pytest.mark.parametrize("lie", ["success-none-sent", "all-failed-but-success"])
def test_success_with_nothing_sent_is_none_by_the_nodes_own_numbers_either(tmp_path, lie):
    with sending(tmp_path, fault(lie), check=False, attempts=2) as (pacs, other, folder):
        told = run_once(folder, pacs)
    assert [status for status, _ in told.rows] == ["incomplete"] * 2
    assert other.counts["stores"] == 0


def test_what_the_destination_has_already_is_not_sent(tmp_path):
    with sending(tmp_path) as (pacs, other, folder):
        other.archive.add(next(iter(pacs.archive.studies.values())))
        told = run_once(folder, pacs)
        assert told.rows == [COMPARED] * 2
        assert told.counts["images sent"] == IMAGES


def test_another_destination_is_sent_to_again(tmp_path):
    with sending(tmp_path, check=False) as (pacs, other, folder):
        run_once(folder, pacs)
        asking(tmp_path, pacs, other, check=False, aet="ELSE")
        told = run_once(folder, pacs)
        assert told.rows == [("sent", "sent to ELSE, by the node's own numbers")] * 2
        assert told.counts["images sent"] == 2 * IMAGES
        assert run_once(folder, pacs).counts["moves"] == 0


def test_a_destination_that_the_node_does_not_know_is_reported_with_what_to_ask_for(tmp_path):
    with sending(tmp_path, check=False) as (pacs, other, folder):
        asking(tmp_path, pacs, other, check=False, aet="STRANGER")
        told = run_once(folder, pacs)
    assert told.rows == [("failed", "C-MOVE ended with status 0xA801: move destination unknown")] * 2
    assert all("declare the AE title of `move_to`" in error.fix for error in told.errors)
    assert "declare the AE title" in told.fixes[0]
    assert told.retrievals == 2, "which is not tried again in vain"


def test_one_real_archive_sends_to_another_and_the_reports_say_so(prefect, dcmqrscp, tmp_path):
    (tmp_path / "orthanc").mkdir()
    files = write_files(make_study(PatientID="ELSEWHERE1"), tmp_path / "files")
    uid = dcmread(files[0]).StudyInstanceUID
    with Orthanc(tmp_path / "orthanc") as orthanc:
        orthanc.stop()
        orthanc.configure(DicomModalities={"there": [dcmqrscp.aet, "127.0.0.1", dcmqrscp.port]})
        orthanc.start()
        orthanc.load(files)
        fetch = {"method": "c-move", "move_to": {"aet": dcmqrscp.aet, "ours": False, "check": "other.yaml"}}
        node = {"port": orthanc.port, "called_aet": orthanc.aet, "fetch": fetch}
        rows = [{"id": "a", "StudyInstanceUID": uid}]
        folder = write_project(tmp_path / "p", pacs=node, rows=rows, **RECEIVES_NOTHING)
        write_node(folder / "other.yaml", {"port": dcmqrscp.port, "called_aet": dcmqrscp.aet}, name="other")
        output = prefect.pacsflow_here("run", str(folder))
    assert "IDENTIFIABLE" in output
    assert "sent to ARCHIVE (compared there by UID); nothing came here" in output
    record = json.loads((tmp_path / "data" / "report" / "run.json").read_text())
    assert record["counts"]["images"] == {"expected": 6, "received": 0, "refused": 0, "sent on": 6}
    assert record["counts"]["rows"] == {"all": 1, "sent": 1}
    page = (tmp_path / "data" / "report" / "report.html").read_text()
    assert "the PACS sent images to ARCHIVE (compared there by UID), with names, and none came here" in page
