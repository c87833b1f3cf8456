"""Nodes beside the first, and another application entity that receives: what a project must say."""

from pathlib import Path

import pytest

from pacsflow.projects import read_project
from yaml_folder import FILES, only_problem, problems_of, write_files

PACS = FILES["pacs"]
SECOND = "name: second\nhost: other\nport: 104\ncalled_aet: ARCHIVE2\n"
THIRD = SECOND.replace("second", "third").replace("ARCHIVE2", "ARCHIVE3")
ELSEWHERE = "fetch: {method: c-move, move_to: {aet: OTHER, ours: false}}\n"
IDENTIFIABLE = {"deid": "base: none\n", "export": "targets: []\n"}


def with_nodes(folder, first, **nodes):
    write_files(folder, pacs=first)
    (folder.parent / "nodes").mkdir(exist_ok=True)
    for name, text in nodes.items():
        (folder.parent / "nodes" / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def test_fallbacks_come_in_their_order_each_followed_by_its_own(tmp_path):
    second = SECOND + "fallback: [third.yaml]\ntls: {ca: ca.pem}\n"
    first = PACS + "fallback: [../nodes/second.yaml, ../nodes/fourth.yaml]\n"
    fourth = THIRD.replace("third", "fourth").replace("ARCHIVE3", "ARCHIVE4")
    folder = with_nodes(tmp_path / "a", first, second=second, third=THIRD, fourth=fourth)
    (tmp_path / "nodes" / "ca.pem").write_text("")
    project = read_project(folder)
    assert [node.name for node in project.fallback] == ["second", "third", "fourth"]
    assert list(project.nodes) == ["", "second", "third", "fourth"]
    assert Path(project.fallback[0].tls.ca).resolve() == tmp_path / "nodes" / "ca.pem"


def test_fallbacks_of_a_shared_node_are_seen_from_its_file(tmp_path):
    shared = PACS + "fallback: [second.yaml]\n"
    project = read_project(with_nodes(tmp_path / "a", "use: ../nodes/main.yaml\n", main=shared, second=SECOND))
    assert [node.name for node in project.fallback] == ["second"]


@pytest.mark.parametrize(
    ("second", "file", "line", "field", "said"),
    [
        (SECOND + "fallback: [../a/pacs.yaml]\n", "../nodes/second.yaml", 5, "fallback[0]", "leads back"),
        (SECOND + "fallback: [second.yaml]\n", "../nodes/second.yaml", 5, "fallback[0]", "leads back"),
        (SECOND.replace("104", "x"), "../nodes/second.yaml", 3, "port", "integer"),
        (SECOND + "find: rad69\n", "../nodes/second.yaml", 5, "find", "cannot"),
        (SECOND + "tls: {ca: absent.pem}\n", "../nodes/second.yaml", 5, "tls.ca", "names no file"),
        (PACS.replace("main", "second"), "pacs.yaml", 5, "fallback[0]", "is the node main once more"),
        (SECOND.replace("second", "main"), "pacs.yaml", 5, "fallback[0]", "has the name of another node"),
        (SECOND + ELSEWHERE, "../nodes/second.yaml", 5, "fetch.move_to", "sends elsewhere than the first node"),
    ],
)
def test_a_mistake_in_a_node_file_is_reported_with_its_line(tmp_path, second, file, line, field, said):
    folder = with_nodes(tmp_path / "a", PACS + "fallback: [../nodes/second.yaml]\n", second=second)
    problem = only_problem(folder)
    assert (problem.file, problem.line, problem.field) == (file, line, field)
    assert said in problem.message
    assert problem.fix


def test_a_fallback_that_is_not_a_file_is_reported(tmp_path):
    problem = only_problem(write_files(tmp_path / "a", pacs=PACS + "fallback:\n  - second.yaml\n"))
    assert (problem.file, problem.line, problem.field) == ("pacs.yaml", 6, "fallback[0]")


def test_what_goes_elsewhere_is_neither_delivered_nor_de_identified(tmp_path):
    folder = write_files(tmp_path / "a", pacs=PACS + ELSEWHERE, export="nifti: [{modality: MR, converter: dcm2niix}]\n")
    told = {(problem.file, problem.field): problem.message for problem in problems_of(folder)}
    assert set(told) == {("deid.yaml", "base"), ("export.yaml", "nifti")}
    assert "nothing passes the de-identifier" in told["deid.yaml", "base"]
    folder = write_files(tmp_path / "b", pacs=PACS + ELSEWHERE, deid="base: none\n")
    assert "never comes here" in only_problem(folder).message
    project = read_project(write_files(tmp_path / "c", pacs=PACS + ELSEWHERE, deid="base: none\n", export="{}\n"))
    assert project.export.targets == []


def test_the_node_that_lists_what_arrived_is_a_node_file(tmp_path):
    first = PACS + "fetch: {method: c-move, move_to: {aet: OTHER, ours: false, check: ../nodes/second.yaml}}\n"
    folder = with_nodes(tmp_path / "a", first, second=SECOND)
    write_files(folder, pacs=first, **IDENTIFIABLE)
    assert read_project(folder).arrivals.name == "second"
    (tmp_path / "nodes" / "second.yaml").write_text(SECOND.replace("104", "0"), "utf-8")
    assert only_problem(folder).file == "../nodes/second.yaml"


@pytest.mark.parametrize(
    ("fetch", "field"),
    [
        ("{move_to: {aet: OTHER, ours: false}}", "fetch.method"),
        ("{method: c-get, move_to: {aet: OTHER, ours: false}}", "fetch.method"),
        ("{method: c-move, move_to: {aet: OTHER}}", "fetch.move_to.port"),
        ("{method: c-move, move_to: {aet: OTHER, port: 1, check: a.yaml}}", "fetch.move_to.check"),
    ],
)
def test_the_receiver_must_be_clear(tmp_path, fetch, field):
    texts = {} if "ours" not in fetch else IDENTIFIABLE
    folder = write_files(tmp_path / "a", pacs=f"{PACS}fetch: {fetch}\n", **texts)
    (folder / "a.yaml").write_text(SECOND, "utf-8")
    assert only_problem(folder).field == field
