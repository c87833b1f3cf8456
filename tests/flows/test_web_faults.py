"""The fault matrix of web services: what becomes of a row at a DICOMweb that misbehaves, all by the simulator."""

import json
import subprocess
import sys
import urllib.request

import pytest

from pacsflow.simpacs import Faults, SimPacs, phantom_archive
from peers.ports import answers, free_port, wait_until
from whole_run import IMAGES, by_uid, fault, project, run_once

COMPLETE = ("complete", "")
UNCOUNTED = fault("no-counts")
MATRIX = [
    ((), COMPLETE),
    ((fault("web-pages", answers=2),), COMPLETE),
    ((fault("web-pages", answers=2, partial=True),), COMPLETE),
    ((fault("web-pages", answers=4, changing=True),), COMPLETE),
    ((fault("web-pages", answers=200, largest=200),), COMPLETE),
    ((fault("web-refusal", of=["study"], status=404),), COMPLETE),
    ((fault("web-refusal", of=["study", "series"], status=406),), COMPLETE),
    ((fault("web-refusal", of=["study", "series"], status=413),), COMPLETE),
    ((fault("web-refusal", of=["study"], status=501),), COMPLETE),
    ((fault("web-refusal", of=["study", "series", "instance"], status=404),), ("incomplete failed", "404")),
    ((fault("web-refusal", of=["instances"], status=501), UNCOUNTED), COMPLETE),
    ((fault("web-refusal", of=["instances", "metadata"], status=501),), COMPLETE),
    ((fault("web-refusal", of=["instances", "metadata"], status=501), UNCOUNTED), COMPLETE),  # proven by the retrieval
    ((fault("web-as-stored"),), COMPLETE),
    ((fault("web-throttle", every=3, seconds=0),), COMPLETE),
    ((fault("web-hang-up", after=2),), COMPLETE),
    ((fault("web-log-in", of=["retrieval"]),), ("incomplete failed", "text/html")),
    ((fault("web-log-in", of=["query"]),), ("failed", "text/html")),
    ((fault("web-endless", of="body"),), ("incomplete failed complete", "")),
    ((fault("web-boundary"),), COMPLETE),
    ((fault("web-boundary", announced=False),), ("incomplete failed", "")),
    ((fault("web-drip", seconds=0.2),), ("incomplete failed", "")),
]


def name(faults):
    return " ".join(str(value) for one in faults for value in one.values()) or "honest"


def test_the_command_serves_both_protocols():
    ports = free_port(), free_port()
    command = [
        sys.executable,
        "-P",
        "-c",
        "from pacsflow.cli import main; main()",
        "simpacs",
        "--port",
        str(ports[0]),
        "--web",
        str(ports[1]),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            wait_until(lambda: all(map(answers, ports)), seconds=200, what="simpacs")
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/studies?limit=2", timeout=60) as answer:
                assert len(json.load(answer)) == 2
        finally:
            running.terminate()
        assert f"DICOMweb at http://127.0.0.1:{ports[1]}" in running.communicate(timeout=60)[0].replace("\n", " ")


@pytest.mark.parametrize(("faults", "verdict"), MATRIX, ids=[name(faults) for faults, _ in MATRIX])
def test_what_becomes_of_rows_at_a_service_that_misbehaves(tmp_path, faults, verdict):
    told = Faults.model_validate({"faults": list(faults)})
    with SimPacs(phantom_archive(2, matrix=16, images=IMAGES), told, web=0) as pacs:
        node = {"protocol": "dicomweb", "url": pacs.url}
        folder = project(tmp_path, pacs, node, asked=by_uid(pacs.archive, 1), attempts=2, response=3)
        text = (folder / "pacs.yaml").read_text()
        (folder / "pacs.yaml").write_text(text.replace('"idle": 60', '"idle": 60, "progress": 3'))
        outcome = run_once(folder, pacs)
    [(status, reason)] = outcome.rows
    statuses, said = verdict
    assert status in statuses.split(), reason
    assert said in reason
    if status == "complete":
        assert outcome.instances == {("held", ""): IMAGES}
