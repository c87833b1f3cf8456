"""docs/project.md and the projects to copy say what is so."""

import re
from pathlib import Path

import pytest

from documents import ROOT, Block, blocks
from pacsflow.cli import validate
from pacsflow.projects import support
from pacsflow.projects.reference import reference
from pacsflow.projects.targets import LAYOUT_FIELDS
from pacsflow.query import load
from pacsflow.query.columns import SYNONYMS
from schemas import FILES
from yaml_folder import problems_of, write_files

PAGE = ROOT / "docs" / "project.md"
TEXT = PAGE.read_text("utf-8")


def of_file(block: Block) -> str:
    """The file a block of YAML shows, as its first line says."""
    return block.text.partition("\n")[0].removeprefix("# ")


def shown() -> dict[str, str]:
    return {of_file(block): block.text for block in blocks(PAGE, "yaml")}


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("PACSFLOW_WORK", str(tmp_path / "work"))
    monkeypatch.setenv("PACSFLOW_MR_NIFTI_KEY", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")


def written(folder: Path) -> Path:
    """A project of all that the page shows, but its mistakes."""
    texts = {name.removesuffix(".yaml"): text for name, text in shown().items() if name in FILES}
    assert len(texts) == len(FILES), "the page shows each file once"
    write_files(folder, **texts)
    (folder / "cohort.csv").write_text(blocks(PAGE, "csv")[0].text, "utf-8")
    return folder


def test_the_files_that_the_page_shows_make_a_project(tmp_path):
    project, rows = load(written(tmp_path / "lung-ct"))
    assert project.settings.name == "lung-ct"
    assert [row.id for row in rows] == ["A-001", "A-002", "A-003", "B-001", "B-002"]
    assert rows[3].keys == {"PatientID": "0004700", "StudyDate": "20150511-20150513"}


def test_the_mistakes_that_the_page_shows_give_the_messages_that_it_shows(tmp_path):
    folder = written(tmp_path / "lung-ct")
    (folder / "query.yaml").write_text(shown()["query.yaml, with mistakes"], "utf-8")
    said = "".join(f"{problem}\n" for problem in problems_of(folder))
    assert blocks(PAGE, "text")[0].text == said


@pytest.mark.parametrize("name", [name for name in shown() if name.startswith("pacs.yaml, ")])
def test_the_other_nodes_that_the_page_shows_are_right(tmp_path, name):
    folder = write_files(tmp_path / "web", pacs=shown()[name])
    (folder / "hospital-ca.pem").write_text("")
    assert problems_of(folder) == []


def test_every_field_and_every_synonym_is_named():
    for field in LAYOUT_FIELDS:
        assert f"`{{{field}}}`" in TEXT
    for keyword, synonyms in SYNONYMS.items():
        assert f"({keyword})" in TEXT
        for synonym in synonyms:
            assert f"`{synonym}`" in TEXT


def test_what_is_refused_yet_is_in_one_list_and_in_the_reference():
    section = TEXT.partition("## Not yet")[2].partition("\n## ")[0]
    lines = reference().splitlines()
    for gap in support._GAPS:
        field = ".".join(map(str, gap.path))
        assert f"`{field}" in section, f"{field} is refused and not in the list"
        marked = [line for line in lines if line.startswith(f"| `{field}` |")]
        assert len(marked) == 1
        assert "yet**" in marked[0]


def test_what_works_is_not_marked_as_missing():
    for field in ("approval", "tls", "limits.pause", "limits.studies_per_minute", "elements", "targets[folder].layout"):
        line = next(line for line in reference().splitlines() if line.startswith(f"| `{field}` |"))
        assert "yet**" not in line


@pytest.mark.parametrize("name", ["demo", "mr-nifti"])
def test_a_project_to_copy_is_right(name, monkeypatch):
    monkeypatch.setenv("PACSFLOW_DEMO_KEY", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    project, rows = load(ROOT / "projects" / name)
    assert project.settings.name == name
    assert rows


def test_links_between_documents_lead_somewhere():
    for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_project_for_nifti_keeps_what_each_vendor_needs_and_nothing_else(capsys):
    project, _ = load(ROOT / "projects" / "mr-nifti")
    assert set(project.deid.private.keep) == {
        "siemens-csa-for-nifti",
        "ge-for-nifti",
        "philips-for-nifti",
        "uih-for-nifti",
        "nifti-without-creator",
        "ps3.15-safe",
    }
    assert {rule.converter for rule in project.export.nifti} == {"dcm2niix"}
    validate.validate(ROOT / "projects" / "mr-nifti")
    assert "${env:PACSFLOW_MR_NIFTI_KEY}, found" in capsys.readouterr().out
