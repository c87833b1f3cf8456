"""A header before and after: one image is asked of a real node, cleaned as the text of deid.yaml says, and let go."""

import json
from contextlib import closing

import pytest

from pacsflow.errors import PacsError, ProjectError
from pacsflow.ledger import traffic
from pacsflow.projects import read_project
from pacsflow.run.header_trial import PSEUDONYM, header_lines, series_to_look_at
from pacsflow.run.stores import open_ledger_of
from pacsflow.simpacs import SimPacs, demo_archive
from whole_run import find_only, project


@pytest.fixture(scope="module")
def pacs():
    with SimPacs(demo_archive()) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pacs):
    """A project whose row found a study."""
    of_mr = next(one for one in pacs.archive.studies.values() if one.attributes["ModalitiesInStudy"] == "MR")
    asked = [{"id": "a", "StudyInstanceUID": of_mr.uid}]
    made = project(tmp_path_factory.mktemp("p"), pacs, {"port": pacs.port, "called_aet": pacs.aet}, asked=asked)
    find_only(made)
    return made


@pytest.fixture
def ledger(folder):
    with closing(open_ledger_of(read_project(folder))) as opened:
        yield opened


def text(folder, **changes):
    return json.dumps({**json.loads((folder / "deid.yaml").read_text()), **changes})


def lines(folder, ledger, **changes):
    series = series_to_look_at(ledger)[0]
    return {
        one.name.split(" ", 1)[-1]: one for one in header_lines(folder, ledger, series.key, text(folder, **changes))
    }


def everything_on_disk(folder):
    return {
        file: file.read_bytes() for file in folder.parent.rglob("*") if file.is_file() and "ledger" not in file.name
    }


def test_each_element_stands_with_what_the_node_sent_and_what_would_leave(folder, ledger, pacs):
    before = everything_on_disk(folder)
    counted = traffic.total(ledger)
    found = lines(folder, ledger)
    names = {one.attributes["PatientName"].split("=")[0] for one in pacs.archive.studies.values()}
    name = found["Patient's Name"]
    assert any(name.before.startswith(each) for each in names)
    assert name.after not in (None, name.before)
    assert found["Institution Name"].changed
    assert found["Modality"].after == found["Modality"].before
    assert "Pixel Data" not in found
    assert everything_on_disk(folder) == before
    assert (traffic.total(ledger) - counted)["images"] == 1


def test_the_text_of_the_page_decides_saved_or_not(folder, ledger):
    kept = lines(folder, ledger, options=["retain-institution-identity"])["Institution Name"]
    assert kept.after == kept.before
    assert lines(folder, ledger)["Institution Name"].changed


def test_a_pseudonym_that_only_a_run_gives_is_stood_for(folder, ledger):
    found = lines(folder, ledger, patient={"source": "sequential"})
    assert found["Patient ID"].after == PSEUDONYM


def test_a_recipe_beside_the_project_is_followed(folder, ledger):
    (folder / "own.txt").write_text("FORMAT dicom\n\n%header\n\nREPLACE InstitutionName ELSEWHERE\n")
    assert lines(folder, ledger, recipe="own.txt")["Institution Name"].after == "ELSEWHERE"


def test_what_cannot_be_shown_says_why(folder, ledger):
    series = series_to_look_at(ledger)[0].key
    with pytest.raises(ProjectError, match="options"):
        header_lines(folder, ledger, series, text(folder, options=["keep-everything"]))
    with pytest.raises(ProjectError, match="no row found"):
        header_lines(folder, ledger, "0" * 16, text(folder))


def test_a_node_that_does_not_answer_is_told(folder, ledger, tmp_path):
    series = series_to_look_at(ledger)[0].key
    node = json.loads((folder / "pacs.yaml").read_text())
    before = (folder / "pacs.yaml").read_text()
    (folder / "pacs.yaml").write_text(json.dumps({**node, "port": 1}))
    try:
        with pytest.raises(PacsError):
            header_lines(folder, ledger, series, text(folder))
    finally:
        (folder / "pacs.yaml").write_text(before)
