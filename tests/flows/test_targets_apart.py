"""A target that fails leaves the others alone, and is tried again by itself."""

import shutil

import pytest

from pacsflow.export import archive
from peers.ports import free_port
from whole_run import IMAGES, lying, project, run_once

BROKEN = {
    "a disk": ({"kind": "folder", "path": "${project.workdir}/blocked"}, "folder"),
    "a secret": ({"kind": "archive", "path": "${project.workdir}/blocked", "password": "${env:APART}"}, "APART"),
    "a fault of ours": (
        {"kind": "archive", "path": "${project.workdir}/blocked", "password": "${env:HOME}"},
        "unexpected KeyError in archive 2",
    ),
}


def lost(*_args):
    raise KeyError("DOE^JANE")


@pytest.mark.parametrize("what", BROKEN)
def test_the_others_have_everything_and_the_next_run_tries_the_failed_one_alone(tmp_path, monkeypatch, what):
    broken, word = BROKEN[what]
    work = tmp_path / "data"
    whole = [
        {"kind": "folder", "path": "${project.workdir}/first"},
        {"kind": "storage", "url": f"file://{work}/third"},
    ]
    work.mkdir()
    if what == "a disk":
        (work / "blocked").write_text("a file stands where the folder belongs")
    if what == "a fault of ours":
        monkeypatch.setitem(archive._PACKERS, "zip", lost)
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, export={"targets": [whole[0], broken, whole[1]]})
        told = run_once(folder, pacs)
        assert [status for status, _ in told.rows] == ["undelivered"] * 2
        assert all(word in str(error) and "DOE" not in str(error) for error in told.errors)
        for name in ("first", "third"):
            assert len(list((work / name).rglob("*.dcm"))) == 2 * IMAGES
            shutil.rmtree(work / name)
        if what == "a disk":
            (work / "blocked").unlink()
        monkeypatch.undo()
        monkeypatch.setenv("APART", "a password")
        told = run_once(folder, pacs)
    assert told.rows == [("complete", "")] * 2
    assert not (work / "first").exists()
    assert not (work / "third").exists(), "what was delivered is not delivered again"
    assert len([path for path in (work / "blocked").rglob("*") if path.suffix in {".dcm", ".zip"}]) in {2, 2 * IMAGES}


def test_several_faults_are_reported_once_each_with_what_fixes_them(tmp_path):
    broken = [
        BROKEN["a secret"][0],
        {"kind": "dicom", "host": "127.0.0.1", "port": free_port(), "called_aet": "NOBODY"},
    ]
    with lying() as (pacs, node):
        uids = "\\".join(list(pacs.archive.studies)[:2])
        row = {"id": "r", "StudyInstanceUID": uids}
        folder = project(tmp_path, pacs, node, asked=[row], attempts=1, export={"targets": broken})
        told = run_once(folder, pacs)
    ((status, reason),) = told.rows
    assert (status, reason.count("APART"), reason.count("dicom 2")) == ("undelivered", 1, 1)
    assert len(told.errors) == 2
    for error in told.errors:
        assert "set the environment variable APART" in error.fix
        assert "check host, port, called_aet" in error.fix
