"""A multi-frame instance of some GB from the simulator to disk: seconds, and the peak of memory."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from bench.measure import BIN, cost_of, middle, say
from factory import write_large
from peers.ports import LOOPBACK, answers, free_port, wait_until
from project_folder import write_project

SERVE = """
import sys, time
from pathlib import Path
from pacsflow.simpacs import SimPacs
with SimPacs(Path(sys.argv[1]), port=int(sys.argv[2]), destinations={"PACSFLOW": ("127.0.0.1", int(sys.argv[3]))}):
    time.sleep(3600)
"""


def large_instance(folder: Path, *, frames: int) -> dict[str, object]:
    """What C-GET and C-MOVE of an instance of `frames` frames of half a megabyte take."""
    say(f"an instance of {frames} frames")
    instance = write_large(folder / "pacs" / "large.dcm", frames=frames)
    port, ours = free_port(), free_port()
    server = subprocess.Popen([sys.executable, "-c", SERVE, str(folder / "pacs"), str(port), str(ours)])
    figures: dict[str, object] = {"mb": round((folder / "pacs" / "large.dcm").stat().st_size / 1e6, 1)}
    try:
        wait_until(lambda: answers(port), seconds=120, what="the simulator")
        for method in ("c-get", "c-move"):
            move_to = {"aet": "PACSFLOW", "port": ours, "host": LOOPBACK}
            node = {"port": port, "called_aet": "SIMPACS", "fetch": {"method": method, "move_to": move_to}}
            rows = [{"id": "large", "StudyInstanceUID": str(instance.StudyInstanceUID)}]
            project = write_project(folder / method / "p", pacs=node, rows=rows)
            os.sync()
            cost = cost_of([str(BIN / "python"), "-m", "bench.engine", str(project), "1"])
            [written] = (folder / method / "data").rglob("*.dcm")
            if written.stat().st_size < frames * 512 * 1024:
                raise RuntimeError("the instance did not come whole")
            written.unlink()
            cost = replace(cost, seconds=sum(json.loads(cost.output).values()))
            say(f"{method}: {cost.seconds:.2f} s, {cost.peak_mb:.0f} MB")
            figures[method] = middle([cost])
    finally:
        server.terminate()
        server.wait()
    return figures
