"""The same ten rows through every protocol: the same files, by hash. And a fetch that breaks off goes on."""

from collections import Counter
from types import SimpleNamespace

import pytest

from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.phantoms import write_phantoms
from peers.orthanc import Orthanc
from peers.web import Front
from ways import WAYS, c_get
from whole_run import project, run_once

IMAGES = 4
ARCHIVE = phantom_archive(10, seed=4, matrix=16, images=IMAGES)
KEYS = (("StudyInstanceUID",), ("PatientID", "StudyDate"), ("AccessionNumber",), ("PatientID", "AccessionNumber"))


def ten_rows():
    """Rows that ask for one study each, in different ways."""
    for number, study in enumerate(ARCHIVE.studies.values()):
        asked = KEYS[number % len(KEYS)]
        yield {"id": f"r{number}", **{keyword: study.attributes[keyword] for keyword in asked}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An Orthanc that holds nothing else: rows by accession number would find it too."""
    with Orthanc(tmp_path_factory.mktemp("orthanc")) as peer:
        peer.load(write_phantoms(tmp_path_factory.mktemp("phantoms"), ARCHIVE))
        yield peer


def run(folder, node):
    pacs = SimpleNamespace(archive=ARCHIVE, counts=Counter(), listening=True)
    return run_once(project(folder, pacs, node, asked=list(ten_rows())), pacs)


@pytest.fixture(scope="module")
def classical(store, tmp_path_factory):
    """What the ten rows come to by DIMSE."""
    with c_get(store, ARCHIVE) as node:
        told = run(tmp_path_factory.mktemp("classical"), node)
    assert told.rows == [("complete", "")] * 10
    assert len(told.out) == 10 * IMAGES
    return told.out


@pytest.mark.parametrize("way", [way for way in WAYS if way is not c_get], ids=lambda way: way.__name__)
def test_the_same_rows_give_the_same_files(store, classical, tmp_path, way):
    with way(store, ARCHIVE) as node:
        told = run(tmp_path, node)
    assert told.errors == []
    assert told.rows == [("complete", "")] * 10
    assert told.out == classical


def test_a_study_whose_answer_breaks_off_is_completed_by_what_is_missing(store, classical, tmp_path):
    with Front(store.url) as front:
        front.cut = 5000
        told = run(tmp_path, {"protocol": "dicomweb", "url": f"{front.url}/dicom-web"})
        singles = [line for line in front.asked if line.count("/instances/") == 1]
    assert told.out == classical
    assert told.rows == [("complete", "")] * 10
    assert len(told.errors) == 1
    assert 0 < len(singles) < IMAGES
