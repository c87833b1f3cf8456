"""An Orthanc with some studies, the ways to it, and a project of them."""

import hashlib

import pytest

from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.phantoms import write_phantoms
from peers.orthanc import Orthanc
from project_folder import write_project
from ways import c_get, dicomweb

IMAGES = 4
STUDIES = 4


@pytest.fixture(scope="session")
def archive():
    return phantom_archive(STUDIES, seed=11, matrix=16, images=IMAGES)


@pytest.fixture(scope="module")
def store(tmp_path_factory, archive):
    """An Orthanc that holds nothing else; a test may take images away."""
    with Orthanc(tmp_path_factory.mktemp("orthanc")) as peer:
        peer.load(write_phantoms(tmp_path_factory.mktemp("phantoms"), archive))
        yield peer


@pytest.fixture(params=[c_get, dicomweb], ids=["dimse", "dicomweb"])
def node(request, store, archive):
    """The fields of pacs.yaml that lead there."""
    with request.param(store, archive) as fields:
        yield {"host": "127.0.0.1", "retries": {"attempts": 2, "wait": {"first": 0, "max": 0}}, **fields}


@pytest.fixture
def folder(tmp_path, node, archive):
    """A project of all studies there are."""
    rows = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(archive.studies)]
    return write_project(tmp_path / "lung-ct", pacs=node, rows=rows)


@pytest.fixture
def files():
    """A folder's files: name -> SHA-256."""

    def read(folder):
        found = (path for path in folder.rglob("*") if path.is_file() and ".pacsflow" not in path.parts)
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    return read
