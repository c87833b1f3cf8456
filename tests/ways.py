"""The ways to what an archive holds: by each protocol, to Orthanc where it speaks it, to stand-ins where it does not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from pacsflow.simpacs.archive import StudyArchive
from peers.mint import Mint
from peers.orthanc import Orthanc
from peers.rad69 import Rad69

Way = Callable[[Orthanc, StudyArchive], AbstractContextManager[dict[str, Any]]]
"""Of an Orthanc and an archive that hold the same: the fields of pacs.yaml that lead there."""


def _dimse(store: Orthanc, method: str) -> dict[str, Any]:
    move_to = {"aet": "PACSFLOW", "port": store.move_port, "host": store.host}
    return {"port": store.port, "called_aet": store.aet, "fetch": {"method": method, "move_to": move_to}}


@contextmanager
def c_get(store: Orthanc, _: StudyArchive) -> Iterator[dict[str, Any]]:
    yield _dimse(store, "c-get")


@contextmanager
def c_move(store: Orthanc, _: StudyArchive) -> Iterator[dict[str, Any]]:
    yield _dimse(store, "c-move")


@contextmanager
def c_get_found_by_dicomweb(store: Orthanc, _: StudyArchive) -> Iterator[dict[str, Any]]:
    yield {**_dimse(store, "c-get"), "find": "dicomweb", "url": f"{store.url}/dicom-web"}


@contextmanager
def dicomweb(store: Orthanc, _: StudyArchive) -> Iterator[dict[str, Any]]:
    yield {"protocol": "dicomweb", "url": f"{store.url}/dicom-web"}


@contextmanager
def wado_uri(store: Orthanc, _: StudyArchive) -> Iterator[dict[str, Any]]:
    yield {**_dimse(store, "wado-uri"), "url": f"{store.url}/wado"}


@contextmanager
def wado_uri_found_by_dicomweb(store: Orthanc, _: StudyArchive) -> Iterator[dict[str, Any]]:
    urls = {"dicomweb": f"{store.url}/dicom-web", "wado-uri": f"{store.url}/wado"}
    yield {"protocol": "wado-uri", "find": "dicomweb", "urls": urls}


@contextmanager
def wado_uri_found_by_mint(store: Orthanc, archive: StudyArchive) -> Iterator[dict[str, Any]]:
    with Mint(archive) as mint:
        urls = {"mint": mint.url, "wado-uri": f"{store.url}/wado"}
        yield {"protocol": "mint", "fetch": {"method": "wado-uri"}, "urls": urls}


@contextmanager
def rad69_found_by_mint(_: Orthanc, archive: StudyArchive) -> Iterator[dict[str, Any]]:
    with Mint(archive) as mint, Rad69(archive) as source:
        yield {"protocol": "rad69", "find": "mint", "urls": {"mint": mint.url, "rad69": source.url}}


WAYS: tuple[Way, ...] = (
    c_get,
    c_move,
    c_get_found_by_dicomweb,
    dicomweb,
    wado_uri,
    wado_uri_found_by_dicomweb,
    wado_uri_found_by_mint,
    rad69_found_by_mint,
)
