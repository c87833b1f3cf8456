"""Real archives that are stopped, restarted and cut off in the middle of a run: the same output in the end, by hash."""

import os
import random
import threading
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from pydicom import dcmread

from factory import make_study, write_files
from pacsflow.run.session import listen
from peers.dcmqrscp import Dcmqrscp
from peers.orthanc import Orthanc
from peers.proxy import Proxy
from project_folder import write_project
from whole_run import run_once

STUDIES, SERIES, IMAGES = 4, 2, 8
PEERS = {"orthanc": Orthanc, "dcmqrscp": Dcmqrscp}


@pytest.fixture(scope="module", params=sorted(PEERS))
def archive(request, tmp_path_factory):
    """A real archive of our own, to be mistreated, with four studies; what an undisturbed run of them delivers."""
    folder = tmp_path_factory.mktemp(request.param)
    instances = [
        instance
        for number in range(STUDIES)
        for instance in make_study(
            series=SERIES, images=IMAGES, PatientID=f"DISTURBED{number}", AccessionNumber=f"D{number}", Rows=64, Columns=64
        )
    ]  # fmt: skip
    files = write_files(instances, folder / "files")
    with PEERS[request.param](folder) as peer:
        peer.load(files)
        uids = list(dict.fromkeys(str(dcmread(f, specific_tags=["StudyInstanceUID"]).StudyInstanceUID) for f in files))
        told = run_once(project(tmp_path_factory.mktemp("undisturbed"), peer, uids), Watched())
        assert told.rows == [("complete", "")] * STUDIES
        yield SimpleNamespace(peer=peer, uids=uids, out=told.out)


def project(tmp_path, peer, uids, *, method="c-get", response=60):
    move_to = {"aet": "PACSFLOW", "port": peer.move_port, "host": "127.0.0.1"}
    node = {
        "port": peer.port,
        "called_aet": peer.aet,
        "fetch": {"method": method, "move_to": move_to},
        "timeouts": {"connect": 20, "response": response, "idle": 60},
        "retries": {"attempts": 50, "wait": {"first": 0, "max": 0}},
    }
    return write_project(
        tmp_path / "p", pacs=node, rows=[{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(uids)]
    )


class Watched:
    """What a whole run looks at beside DICOM: whether the archive is there; nothing is counted."""

    def __init__(self):
        self.up = threading.Event()
        self.up.set()
        self.counts = Counter()
        self.archive = SimpleNamespace(studies={})

    @property
    def listening(self):
        return self.up.is_set()


class PowerCut:
    """Kills the archive when the first images have come, and starts it again a little later."""

    def __init__(self, peer, watched):
        self._peer, self._watched = peer, watched
        self.restarts = 0
        self._thread = threading.Thread(target=self._cut)

    def __call__(self, what, _):
        if what == "images" and self._watched.listening and not self.restarts:
            self._watched.up.clear()
            self._thread.start()

    def _cut(self):
        self._peer.kill()
        self._peer.start()
        self.restarts += 1
        self._watched.up.set()

    def join(self):
        self._thread.join()


def dice():
    seed = int(os.environ.get("PACSFLOW_SEED", "") or time.time())
    print(f"PACSFLOW_SEED={seed}")  # noqa: T201, whoever repeats a failure needs it
    return random.Random(seed)


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_an_archive_that_loses_its_power_and_comes_back_changes_nothing(archive, tmp_path, method):
    watched = Watched()
    cut = PowerCut(archive.peer, watched)
    folder = project(tmp_path, archive.peer, archive.uids, method=method)
    listen(str(folder), cut)
    told = run_once(folder, watched)
    cut.join()
    assert cut.restarts == 1
    assert told.rows == [("complete", "")] * STUDIES
    assert told.out == archive.out


@pytest.mark.parametrize("how", ["cut", "stall", "half-closed", "half-open"])
def test_a_connection_that_breaks_anywhere_changes_nothing(archive, tmp_path, how):
    size = STUDIES * SERIES * IMAGES * 9000
    with Proxy(archive.peer, fault=how, after=dice().randrange(1, size // STUDIES)) as between:
        told = run_once(project(tmp_path, between, archive.uids, response=5), Watched())
        assert not between.fault, "it has struck"
    assert told.errors
    assert all(error.transient for error in told.errors)
    assert told.rows == [("complete", "")] * STUDIES
    assert told.out == archive.out


def test_a_connection_that_is_slow_changes_nothing_and_no_one_is_asked_twice(archive, tmp_path):
    with Proxy(archive.peer, delay=0.002) as between:
        told = run_once(project(tmp_path, between, archive.uids), Watched())
    assert told.errors == []
    assert told.rows == [("complete", "")] * STUDIES
    assert told.out == archive.out
