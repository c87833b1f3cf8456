"""From the network through de-identifier and verification to disk, memory does not grow with the instance."""

import subprocess
import sys
from pathlib import Path

import pytest

from factory import write_large
from pacsflow.simpacs import SimPacs
from peers.ports import free_port

METHODS = pytest.mark.parametrize("method", ["c-get", "c-move"])

CHILD = """
import resource, sys
from pathlib import Path
from pacsflow.deid import Source, compile_profile
from pacsflow.dicom.contract import Request
from pacsflow.dicom.lanes import open_lane
from pacsflow.staging import staging
from schemas.deid import DeidProfile
from schemas.pacs import Fetch, MoveTo, PacsNode

port, ours, method, study, folder = sys.argv[1:]
cleaner = compile_profile(DeidProfile.model_validate({"key": "${env:KEY}"}), bytes(32))
to = MoveTo(aet="PACSFLOW", port=int(ours), host="127.0.0.1")
node = PacsNode(name="sim", host="127.0.0.1", port=int(port), called_aet="SIMPACS", fetch=Fetch(method=method, move_to=to))

def sink(received):
    uids = received.sop_class_uid, received.sop_instance_uid, received.transfer_syntax_uid
    cleaned = cleaner.clean(Source(*uids, received.dataset, received.rest))
    stager.put(Path(folder) / "one.dcm", cleaned.parts, lambda size, _: size, rest=cleaned.rest)
    return 0

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with staging(print) as stager:
    lane = open_lane(node)
    lane.fetch(Request(study), sink)
    lane.close()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@METHODS
def test_memory_does_not_grow_with_the_instance(tmp_path, method):
    frames = 300
    instance = write_large(tmp_path / "pacs" / "large.dcm", frames=frames)
    ours = free_port()
    with SimPacs(tmp_path / "pacs", destinations={"PACSFLOW": ("127.0.0.1", ours)}) as pacs:
        arguments = [str(pacs.port), str(ours), method, str(instance.StudyInstanceUID), str(tmp_path)]
        told = subprocess.run(
            [sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, cwd=Path.cwd(), check=False
        )
    assert told.returncode == 0, told.stderr[-2000:]
    size, megabytes = told.stdout.split()
    assert int(size.strip("[]")) > frames * 512 * 1024
    assert (tmp_path / "one.dcm").stat().st_size == int(size.strip("[]"))
    assert int(megabytes) < 64, "MB of resident memory beyond what was there before it came"
