"""`pacsflow demo` deletes what it wrote itself, and nothing of anybody else."""

import json
import shutil
import socket
from pathlib import Path

import pytest

from commands import pacsflow
from pacsflow.errors import PacsflowError, ProjectError
from pacsflow.projects import demo, read_project
from pacsflow.projects.demo import MARK, begin_demo
from peers.ports import free_port
from project_folder import write_project

SHIPPED = Path(__file__).resolve().parents[3] / "projects" / "demo"


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def a_users_work(folder: Path) -> dict[str, bytes]:
    for name in (
        "private/vault",
        "private/ledger.sqlite",
        "out/sub-1/image.nii.gz",
        "staging/a",
        "report/plan.xlsx",
        "ledger.anchor",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"mine")
    return files_below(folder)


@pytest.mark.parametrize("keep", [False, True])
def test_a_folder_without_the_mark_is_neither_deleted_nor_used(tmp_path, keep):
    before = a_users_work(tmp_path / "work")
    with pytest.raises(PacsflowError, match="was not made by"):
        begin_demo(tmp_path / "work", keep=keep)
    assert files_below(tmp_path / "work") == before


@pytest.mark.parametrize("says", [b"", b"`pacsflow demo`", b"\xff" * 20])
def test_a_mark_with_another_content_is_none(tmp_path, says):
    a_users_work(tmp_path / "work")
    (tmp_path / "work" / MARK).write_bytes(says)
    before = files_below(tmp_path / "work")
    with pytest.raises(PacsflowError, match="was not made by"):
        begin_demo(tmp_path / "work", keep=False)
    assert files_below(tmp_path / "work") == before


def test_of_a_marked_folder_only_what_the_demo_writes_goes(tmp_path):
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    begin_demo(work, keep=False)
    a_users_work(work)
    (work / "notes.txt").write_text("mine")
    kept = a_users_work(elsewhere)
    shutil.rmtree(work / "out")
    (work / "out").symlink_to(elsewhere)
    begin_demo(work, keep=True)
    assert (work / "private" / "vault").exists()
    begin_demo(work, keep=False)
    assert sorted(path.name for path in work.iterdir()) == sorted([MARK, "notes.txt"])
    assert files_below(elsewhere) == kept, "a link goes, not what it leads to"


def test_a_link_in_the_demos_place_is_not_followed(tmp_path):
    before = a_users_work(tmp_path / "mine")
    (tmp_path / "work").symlink_to(tmp_path / "mine")
    with pytest.raises(PacsflowError, match="was not made by"):
        begin_demo(tmp_path / "work", keep=False)
    assert files_below(tmp_path / "mine") == before


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """The demo's project with ports of its own, and the place where it works; its first port is returned too."""
    folder, port = tmp_path / "shipped" / "demo", free_port()
    shutil.copytree(SHIPPED, folder)
    text = (folder / "pacs.yaml").read_text().replace("11140", str(port)).replace("11141", str(free_port()))
    (folder / "pacs.yaml").write_text(text)
    monkeypatch.setattr(demo, "demo_project", lambda: folder)
    monkeypatch.setenv("PACSFLOW_WORK", str(tmp_path / "base"))
    return folder, port


def test_where_its_port_is_taken_the_demo_deletes_nothing(shipped, tmp_path):
    _, port = shipped
    work = tmp_path / "base" / ".pacsflow-demo" / "demo"
    begin_demo(work, keep=False)
    before = a_users_work(work)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert "cannot be listened on" in pacsflow("demo", expect=1)
    assert files_below(work) == before


def test_the_demo_leaves_a_project_called_demo_alone(shipped, tmp_path):
    mine = {name: a_users_work(tmp_path / "base" / name) for name in ("demo", ".pacsflow-demo/demo")}
    assert "was not made by" in pacsflow("demo", expect=1)
    assert {name: files_below(tmp_path / "base" / name) for name in mine} == mine


@pytest.mark.parametrize(
    "name",
    ["demo", "Demo", "DEMO", "demo/", "./demo", "other/../demo", "a/b/demo", ".pacsflow-demo", ".Pacsflow-Demo/x"],
)
def test_no_project_begins_by_the_demos_name_or_in_its_place(tmp_path, new_user, name):
    (tmp_path / "other").mkdir()
    said = pacsflow("init", name, expect=2)
    assert "pacsflow demo" in said
    assert not list(tmp_path.rglob("project.yaml"))


def test_a_link_by_another_name_is_not_a_way_round(tmp_path, new_user):
    (tmp_path / "demo").mkdir()
    (tmp_path / "other").symlink_to(tmp_path / "demo")
    assert "pacsflow demo" in pacsflow("init", "other", expect=2)


@pytest.mark.parametrize(
    "spelt", [".pacsflow-demo/demo", "x/../.pacsflow-demo/demo", ".PACSFLOW-demo/demo/deeper", "link"]
)
@pytest.mark.parametrize("field", ["workdir", "path"])
def test_no_other_project_writes_where_the_demo_deletes(tmp_path, spelt, field):
    (tmp_path / ".pacsflow-demo" / "demo").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / ".pacsflow-demo" / "demo")
    folder = write_project(tmp_path / "p", pacs={"port": 1, "called_aet": "A"}, rows=[{"id": "1", "PatientID": "1"}])
    place = str(tmp_path / spelt)
    name, fields = (
        ("project.yaml", {"workdir": place})
        if field == "workdir"
        else ("export.yaml", {"targets": [{"kind": "folder", "path": place}]})
    )
    (folder / name).write_text(json.dumps({**json.loads((folder / name).read_text()), **fields}))
    with pytest.raises(ProjectError, match="where `pacsflow demo` deletes"):
        read_project(folder)
