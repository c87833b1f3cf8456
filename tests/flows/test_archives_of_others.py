"""Archives that nobody here wrote: probed, planned and run by each way they offer; what is delivered is what they hold."""

import hashlib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pydicom
import pytest
from pydicom.data import get_testdata_file

from factory import make_study, write_files
from pacsflow.dicom.probe import probe, strategy
from peers.pixelmed import PixelMed
from peers.qrscp import Qrscp
from peers.tiny_pacs import TinyPacs
from project_folder import write_project
from schemas import PacsNode
from whole_run import find_only, run_once

COMPRESSED = ("MR_small_RLE.dcm", "JPEG2000.dcm")
PERSONS = ("OTHERS-1", "OTHERS-2")
UNWATCHED = SimpleNamespace(archive=SimpleNamespace(studies={}), counts=Counter(), listening=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two studies of two series, and two of one compressed image each."""
    plain = [one for name in PERSONS for one in make_study(series=2, images=3, PatientID=name, AccessionNumber=name)]
    named = [Path(found) for name in COMPRESSED if (found := get_testdata_file(name))]
    assert len(named) == len(COMPRESSED)
    return [*write_files(plain, tmp_path_factory.mktemp("others")), *named]


def started(kind):
    @pytest.fixture(scope="module")
    def peer(tmp_path_factory, files):
        with kind(tmp_path_factory.mktemp(kind.__name__.lower())) as one:
            one.load(taken_by(kind, files))
            yield one

    return peer


COUNTS_WRONGLY = {"fewer_series_than_counted": "accept", "fewer_images_than_counted": "accept"}
"""What a person says of tiny_pacs by DIMSE: it counts series and images several times over."""


def taken_by(kind, files):
    """The files that an archive takes: PixelMed's no compressed ones."""
    return [path for path in files if kind is not PixelMed or not path.name.endswith(COMPRESSED)]


qrscp, pixelmed, tiny_pacs = started(Qrscp), started(PixelMed), started(TinyPacs)


def node(peer, way):
    """The fields of pacs.yaml that lead to a peer by a way."""
    known = {"port": peer.port, "called_aet": peer.aet}
    move_to = {"aet": "PACSFLOW", "port": peer.move_port, "host": peer.host}
    return {
        "dicomweb": {"protocol": "dicomweb", "url": getattr(peer, "url", "")},
        "wado-uri": {**known, "fetch": {"method": "wado-uri"}, "url": getattr(peer, "url", "")},
    }.get(way, {**known, "fetch": {"method": way, "move_to": move_to}})


def pixels(path):
    one = pydicom.dcmread(path)
    return str(one.SOPInstanceUID), hashlib.sha256(one.PixelData).hexdigest()


def asked(files):
    uids = dict.fromkeys(str(pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID) for path in files)
    return [{"id": f"r{number}", "StudyInstanceUID": uid} for number, uid in enumerate(uids)]


WAYS = [
    ("qrscp", "c-move"),
    ("qrscp", "auto"),
    *(("pixelmed", way) for way in ("c-get", "c-move", "wado-uri", "auto")),
    *(("tiny_pacs", way) for way in ("c-get", "c-move", "dicomweb")),
]


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_what_is_planned_and_delivered_is_what_the_archive_holds(request, tmp_path, files, name, way):
    peer = request.getfixturevalue(name)
    held = taken_by(type(peer), files)
    rows, dimse = asked(held), name == "tiny_pacs" and way != "dicomweb"
    query = {"guards": COUNTS_WRONGLY} if dimse else {}
    folder = write_project(tmp_path / "p", pacs=node(peer, way), rows=rows, deid={"base": "none"}, query=query)
    plan = find_only(folder)
    assert [one.status for one in plan] == ["found"] * len(rows), [one.reason for one in plan]
    assert dimse or sum(series.images or 0 for one in plan for series in one.series) == len(held)
    told = run_once(folder, UNWATCHED)
    assert told.rows == [("complete", "")] * len(rows)
    delivered = list((tmp_path / "data" / "out").rglob("*.dcm"))
    assert sorted(map(pixels, delivered)) == sorted(map(pixels, held))


PROBED = {
    ("qrscp", "auto"): {"C-GET": "ok", "C-MOVE": "ok", "compressed images": "partly"},
    ("pixelmed", "auto"): {"C-GET": "ok", "C-MOVE": "ok", "queries": "ok"},
    ("tiny_pacs", "auto"): {"C-GET": "ok", "compressed images": "ok"},
    ("tiny_pacs", "dicomweb"): {"WADO-RS": "ok", "matching": "partly"},
}


@pytest.mark.parametrize(("name", "way"), PROBED)
def test_the_probe_finds_a_way_that_works(request, name, way):
    peer = request.getfixturevalue(name)
    one = PacsNode.model_validate({"name": name, "host": peer.host, "calling_aet": "PACSFLOW", **node(peer, way)})
    findings = probe(one, ({"STUDY": {"StudyDate": "19900101-20301231"}, "SERIES": {}},)).findings
    found = {each.name: each.verdict for each in findings}
    assert {check: found[check] for check in PROBED[name, way]} == PROBED[name, way]
    assert strategy(one, findings).works


@pytest.mark.parametrize("way", ["c-get", "c-move"])
def test_counts_that_are_not_true_hold_a_row_and_never_pass(tiny_pacs, tmp_path, files, way):
    """It counts as many series in a study as images: a person is told, and settles it once for the project."""
    found = find_only(write_project(tmp_path / "p", pacs=node(tiny_pacs, way), rows=asked(files)[:1]))
    assert [(one.status, "(fewer_series_than_counted)" in one.reason) for one in found] == [("held", True)]
