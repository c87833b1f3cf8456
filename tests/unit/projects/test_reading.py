"""Each mistake in the five files: one problem, with its file, line, field and fix."""

from pathlib import Path

import pytest

from pacsflow.errors import ProjectError
from pacsflow.projects import read_project
from yaml_folder import FILES, only_problem, problems_of, write_files


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "lung-ct"


def test_a_right_folder_is_read_with_its_paths_made_absolute(folder):
    project = read_project(write_files(folder))
    assert project.settings.name == "lung-ct"
    assert project.workdir == folder.parent / "data"
    assert project.export.targets[0].path == str(folder.parent / "data" / "out")
    assert project.line_of("pacs.yaml", "port") == 3
    assert project.line_of("query.yaml", "rows", 0, "PatientID") == 2


def test_a_projects_representation_shows_no_row(folder):
    assert "0045322" not in repr(read_project(write_files(folder)))


@pytest.mark.parametrize(
    ("file", "text", "line", "field", "said"),
    [
        ("pacs", FILES["pacs"].replace("called_aet", "calld_aet"), 4, "calld_aet", "write `called_aet`"),
        ("pacs", FILES["pacs"].replace("MAINPACS", "A" * 17), 4, "called_aet", "at most 16 characters"),
        ("pacs", FILES["pacs"].replace("104", "70000"), 3, "port", "65535"),
        ("pacs", FILES["pacs"].replace("104", "0"), 3, "port", "greater than or equal to 1"),
        ("pacs", FILES["pacs"].replace("host: localhost\n", ""), 1, "host", "is missing"),
        ("pacs", FILES["pacs"].replace("main", "007"), 1, "name", "write it in quotes"),
        ("pacs", FILES["pacs"] + "limits: {assocations: 3}\n", 5, "limits.assocations", "write `associations`"),
        ("pacs", FILES["pacs"] + "fetch: {method: c-gett}\n", 5, "fetch.method", "write `c-get`"),
        ("pacs", FILES["pacs"] + "fetch: {method: c-move}\n", 5, "fetch.move_to", "needs a receiver"),
        ("pacs", FILES["pacs"] + "tls: {ca: absent.pem}\n", 5, "tls.ca", "names no file"),
        ("pacs", FILES["pacs"] + "host: other\n", 5, "host", "stands twice, first in line 2"),
        ("pacs", "name: main\n\thost: x\n", 2, "", "no tabs"),
        ("pacs", FILES["pacs"] + "---\nname: b\n", 5, "", "a second document"),
        ("pacs", "name: [main\nhost: b\n", 2, "", "is not YAML"),
        ("pacs", "name: 'main\n", 2, "", "is not YAML"),
        ("pacs", "- name\n", 0, "", "`key: value` lines"),
        ("pacs", "", 0, "", "is empty"),
        ("pacs", "name: &a [*a]\nhost: x\nport: 1\ncalled_aet: A\n", 1, "name", "without end"),
        ("pacs", "? [a, b]\n: 1\n" + FILES["pacs"], 1, "", "not a plain word"),
        ("project", FILES["project"].replace("1", "2"), 1, "version", "install a newer pacsflow"),
        (
            "project",
            FILES["project"].replace("lung-ct", "Lung CT"),
            2,
            "name",
            "has not the right form, found `Lung CT`",
        ),
        ("project", FILES["project"] + "ledger: postgres\n", 4, "ledger", "neither `sqlite` nor a reference"),
        ("project", FILES["project"] + "titel: x\n", 4, "titel", "write `title`"),
        ("project", FILES["project"].replace("../data", "${env:PACSFLOW_ABSENT}/a"), 3, "workdir", "is not set"),
        ("project", FILES["project"].replace("../data", "${home}/a"), 3, "workdir", "write ${env:NAME}"),
        ("deid", "base: ps3.15-basic\n", 1, "", "needs a key"),
        ("deid", "key: 00112233\n", 1, "key", "write it in quotes"),
        ("deid", "key: secret-itself\n", 1, "key", "${keyring:SERVICE/NAME}"),
        ("deid", FILES["deid"] + "options: [clean-descriptor]\n", 2, "options[0]", "write `clean-descriptors`"),
        (
            "deid",
            FILES["deid"] + "elements: [{tag: StationName, action: replace}]\n",
            2,
            "elements[0]",
            "needs a value",
        ),
        ("export", "targets: [{kind: foldr, path: x}]\n", 1, "targets[0]", "`kind` must say one of"),
        ("export", "targets: [{path: x}]\n", 1, "targets[0]", "`kind`"),
        ("export", "targets:\n  - {kind: folder, pth: x, path: ../x}\n", 2, "targets[0].pth", "write `path`"),
        (
            "export",
            "targets: [{kind: folder, path: ../x, layout: '{patiet}'}]\n",
            1,
            "targets[0].layout",
            "use patient",
        ),
        ("export", "targets: [{kind: folder, path: ../x, layout: '{patient'}]\n", 1, "targets[0].layout", "partner"),
        ("export", "targets: [{kind: folder, path: ../x, layout: '../{row}'}]\n", 1, "targets[0].layout", "leads out"),
        (
            "export",
            "targets: [{kind: folder, path: ../x, dicom: false, nifti: false}]\n",
            1,
            "targets[0]",
            "neither DICOM nor NIfTI",
        ),
        ("query", "rows: 5\n", 1, "rows", "should be a valid list"),
        ("query", "level: studdy\n" + FILES["query"], 1, "level", "write `study`"),
    ],
)
def test_one_mistake_is_one_problem_where_it_stands(folder, file, text, line, field, said):
    problem = only_problem(write_files(folder, **{file: text}))
    assert (problem.file, problem.line, problem.field) == (f"{file}.yaml", line, field)
    assert said in str(problem)


def test_all_problems_of_all_files_come_at_once(folder):
    write_files(
        folder,
        project="version: 1\nname: A B\n",
        pacs="name: x\nport: a\n",
        query="rows:\n  - {PatientID: 007}\n  - {StudyDate: 2015-02-31}\n",
        deid="bas: none\n",
        export="targets: 3\n",
    )
    with pytest.raises(ProjectError) as caught:
        read_project(folder)
    assert {problem.file for problem in problems_of(folder)} == {f"{name}.yaml" for name in FILES}
    assert len(problems_of(folder)) >= len(caught.value.problems) + 2
    assert caught.value.exit_code == 2


def test_a_file_that_is_missing_is_named(folder):
    write_files(folder)
    (folder / "deid.yaml").unlink()
    assert only_problem(folder).message == "is missing"
    (folder / "deid.yml").write_text("")
    assert "rename deid.yml" in only_problem(folder).fix


def test_a_folder_that_is_missing_is_named(folder):
    assert {problem.message for problem in problems_of(folder)} == {"is not a folder"}


def test_a_file_that_is_not_utf_8_is_named_with_its_line(folder):
    write_files(folder)
    (folder / "pacs.yaml").write_bytes(b"name: x\nhost: caf\xe9\n")
    problem = only_problem(folder)
    assert (problem.line, problem.message) == (2, "is not UTF-8 text")


def test_control_characters_are_not_yaml(folder):
    write_files(folder)
    (folder / "pacs.yaml").write_bytes(b"name: x\x01\n")
    assert "control characters" in only_problem(folder).fix


def test_a_node_file_is_shared_and_its_problems_carry_its_own_name(folder):
    nodes = folder.parent / "nodes"
    nodes.mkdir()
    (nodes / "main.yaml").write_text(FILES["pacs"])
    write_files(folder, pacs="use: ../nodes/main.yaml\n")
    assert read_project(folder).pacs.called_aet == "MAINPACS"
    (nodes / "main.yaml").write_text(FILES["pacs"].replace("104", "x"))
    assert only_problem(folder).file == "../nodes/main.yaml"


def test_files_of_a_shared_node_lie_beside_it(folder):
    nodes = folder.parent / "nodes"
    nodes.mkdir()
    (nodes / "main.yaml").write_text(FILES["pacs"] + "tls: {ca: ca.pem}\n")
    write_files(folder, pacs="use: ../nodes/main.yaml\n")
    assert only_problem(folder).field == "tls.ca"
    (nodes / "ca.pem").write_text("")
    tls = read_project(folder).pacs.tls
    assert (Path(tls.ca).samefile(nodes / "ca.pem"), tls.certificate) == (True, None)


@pytest.mark.parametrize("text", ["use: ../nodes/absent.yaml\n", "use: 3\n", "use: a\nname: b\n"])
def test_a_node_file_that_cannot_be_used_is_a_problem(folder, text):
    assert only_problem(write_files(folder, pacs=text)).field == "use"


def test_variables_are_replaced_in_folders_and_secrets_are_left_alone(folder, monkeypatch):
    monkeypatch.setenv("PACSFLOW_TEST_WORK", str(folder.parent / "elsewhere"))
    text = "version: 1\nname: a\nworkdir: ${env:PACSFLOW_TEST_WORK}/a\nledger: ${env:PACSFLOW_TEST_WORK}\n"
    project = read_project(write_files(folder, project=text))
    assert project.workdir == folder.parent / "elsewhere" / "a"
    assert project.settings.ledger == "${env:PACSFLOW_TEST_WORK}"
    assert project.deid.key == "${env:PACSFLOW_TEST_KEY}"


def test_nothing_is_written_inside_a_git_checkout(folder):
    (folder / ".git").mkdir(parents=True)
    inside = write_files(folder, project=FILES["project"].replace("../data", "data"))
    problem = only_problem(inside)
    assert (problem.field, problem.message) == ("workdir", "lies inside the git checkout lung-ct/")
    assert problems_of(write_files(folder)) == []
    target = only_problem(write_files(folder, export="targets: [{kind: folder, path: out}]\n"))
    assert target.field == "targets[0].path"


def test_a_link_into_a_git_checkout_is_noticed(folder):
    (folder / ".git").mkdir(parents=True)
    (folder.parent / "link").symlink_to(folder)
    write_files(folder, project=FILES["project"].replace("../data", "../link/data"))
    assert only_problem(folder).field == "workdir"


def test_yaml_that_looks_like_something_else_stays_what_was_written(folder):
    text = FILES["pacs"].replace("main", "no").replace("104", "0o150")
    assert read_project(write_files(folder, pacs=text)).pacs.name == "no"
    assert read_project(folder).pacs.port == 0o150


def test_nothing_of_a_secret_or_a_row_is_repeated(folder):
    write_files(
        folder,
        project="version: 1\nname: a\nworkdir: ../w\nledger: postgresql://user:hunter2@host/db\n",
        query='rows: ["0077889"]\n',
        deid="key: hunter2\npatient: {token: hunter2}\n",
    )
    said = "\n".join(map(str, problems_of(folder)))
    assert len(problems_of(folder)) == 4
    assert "hunter2" not in said
    assert "0077889" not in said


def test_a_relative_folder_is_made_absolute(folder, monkeypatch):
    write_files(folder)
    monkeypatch.chdir(folder.parent)
    assert read_project(Path("lung-ct")).folder == folder
