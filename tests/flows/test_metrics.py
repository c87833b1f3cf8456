"""Numbers for a monitoring system: those of the ledger and of Prefect's limits, and none of a patient."""

import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from project_folder import write_project
from whole_run import IMAGES, by_uid, lying

LINE = re.compile(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)*)\} (\S+)')


def read(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_a_monitoring_system_reads_what_the_ledger_knows(tmp_path, prefect):
    with lying() as (pacs, node):
        rows = [*by_uid(pacs.archive, 2), {"id": "nothing", "StudyInstanceUID": "1.2.3"}]
        folder = write_project(tmp_path / "p", pacs=node, rows=rows)
        with open_session(str(folder), action="run") as run:
            run_locally(run)
        asked = dict(pacs.counts)
    told = prefect.pacsflow_here("metrics", str(folder), "--once")
    numbers = {(name, labels): float(number) for name, labels, number in LINE.findall(told)}
    assert numbers["pacsflow_rows", 'project="p",status="found"'] == 2
    assert numbers["pacsflow_rows", 'project="p",status="unmatched"'] == 1
    assert numbers["pacsflow_studies", 'project="p",status="complete"'] == 2
    assert numbers["pacsflow_runs_at_work", 'project="p"'] == 0
    counted = 'project="p",node="test",operation='
    assert numbers["pacsflow_asked_total", f'{counted}"retrievals"'] == asked["gets"] == 2
    assert numbers["pacsflow_asked_total", f'{counted}"images"'] == 2 * IMAGES
    assert numbers["pacsflow_asked_total", f'{counted}"bytes"'] > 1000
    assert not [study for study in pacs.archive.studies.values() if study.attributes["PatientID"] in told]


def test_they_are_served_and_a_ledger_that_cannot_be_read_is_no_end(tmp_path):
    node = {"port": 1, "called_aet": "A"}
    folder = write_project(tmp_path / "p", pacs=node, rows=[{"id": "a", "PatientID": "1"}])
    command = [sys.executable, "-c", "from pacsflow.cli import main; main()", "metrics", str(folder), "--port", "0"]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as served:
        url = re.search(r"http://\S+/metrics", served.stdout.readline())[0]
        kind, told = read(url)
        assert kind.startswith("text/plain")
        assert "# TYPE pacsflow_runs_at_work gauge" in told
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(url.removesuffix("metrics"))
        (tmp_path / "key").write_text("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752")
        with pytest.raises(urllib.error.HTTPError, match="503"):
            read(url)
        served.terminate()
        assert served.wait(60) == 0, "it was asked to end, and ended"
        assert "again" not in served.stderr.read()
