"""The same ten rows through every protocol: the same files, by hash. And a fetch that breaks off goes on."""

from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.phantoms import write_phantoms
from peers.mint import Mint
from peers.orthanc import Orthanc
from peers.rad69 import Rad69
from peers.web import Front
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
def files(tmp_path_factory):
    return write_phantoms(tmp_path_factory.mktemp("phantoms"), ARCHIVE)


@pytest.fixture(scope="module")
def store(files, tmp_path_factory):
    """An Orthanc that holds nothing else: rows by accession number would find it too."""
    with Orthanc(tmp_path_factory.mktemp("orthanc")) as peer:
        peer.load(files)
        yield peer


def dimse(store):
    return {"port": store.port, "called_aet": store.aet, "fetch": {"method": "c-get"}}


def by_dicomweb(store, files):
    return {"protocol": "dicomweb", "url": f"{store.url}/dicom-web"}


def by_wado_uri(store, files):
    return {**dimse(store), "fetch": {"method": "wado-uri"}, "url": f"{store.url}/wado"}


def by_wado_uri_found_by_dicomweb(store, files):
    urls = {"dicomweb": f"{store.url}/dicom-web", "wado-uri": f"{store.url}/wado"}
    return {"protocol": "wado-uri", "find": "dicomweb", "urls": urls}


def by_dimse_found_by_dicomweb(store, files):
    return {**dimse(store), "find": "dicomweb", "url": f"{store.url}/dicom-web"}


@contextmanager
def by_mint_and_rad69(store, files):
    with Mint(ARCHIVE) as mint, Rad69(ARCHIVE) as source:
        urls = {"mint": mint.url, "rad69": source.url}
        yield {"protocol": "rad69", "find": "mint", "urls": urls}


@contextmanager
def by_mint_and_wado_uri(store, files):
    with Mint(ARCHIVE) as mint:
        yield {
            "protocol": "mint",
            "fetch": {"method": "wado-uri"},
            "urls": {"mint": mint.url, "wado-uri": f"{store.url}/wado"},
        }


WAYS = [
    by_mint_and_rad69,
    by_mint_and_wado_uri,
    by_dicomweb,
    by_wado_uri,
    by_wado_uri_found_by_dicomweb,
    by_dimse_found_by_dicomweb,
]


def run(folder, node):
    pacs = SimpleNamespace(archive=ARCHIVE, counts=Counter(), listening=True)
    return run_once(project(folder, pacs, node, asked=list(ten_rows())), pacs)


@pytest.fixture(scope="module")
def classical(store, tmp_path_factory):
    """What the ten rows come to by DIMSE."""
    told = run(tmp_path_factory.mktemp("classical"), dimse(store))
    assert told.rows == [("complete", "")] * 10
    assert len(told.out) == 10 * IMAGES
    return told.out


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_same_rows_give_the_same_files(store, files, classical, tmp_path, way):
    node = way(store, files)
    with node if hasattr(node, "__enter__") else _as_is(node) as fields:
        told = run(tmp_path, fields)
    assert told.errors == []
    assert told.rows == [("complete", "")] * 10
    assert told.out == classical


@contextmanager
def _as_is(node):
    yield node


def test_a_study_whose_answer_breaks_off_is_completed_by_what_is_missing(store, classical, tmp_path):
    with Front(store.url) as front:
        front.cut = 5000
        told = run(tmp_path, {"protocol": "dicomweb", "url": f"{front.url}/dicom-web"})
        singles = [line for line in front.asked if line.count("/instances/") == 1]
    assert told.out == classical
    assert told.rows == [("complete", "")] * 10
    assert len(told.errors) == 1
    assert 0 < len(singles) < IMAGES
