"""Files appear whole; what a killed process left half-written goes with the next writing."""

import os
import signal
import socket
import subprocess
import sys

from pacsflow.staging import PRIVATE, write_text

DIES = """
import os, signal, sys
from pathlib import Path
from pacsflow.staging import PRIVATE, whole_file
with whole_file(Path(sys.argv[1]), PRIVATE) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_goes_and_what_another_is_writing_stays(tmp_path):
    report = tmp_path / "results.csv"
    write_text(report, "before", PRIVATE)
    died = subprocess.run([sys.executable, "-c", DIES, str(report)], check=False)
    assert died.returncode == -signal.SIGKILL
    [left] = tmp_path.glob(".*.part")
    _, name, *host, _, _ = left.name.split(".")
    assert ".".join(host) == socket.gethostname()
    living = tmp_path / f".{name}.{socket.gethostname()}.{os.getppid()}.part"
    elsewhere = tmp_path / f".{name}.not-{socket.gethostname()}.1.part"
    for writing in (living, elsewhere):
        writing.write_text("another's")
    assert report.read_text() == "before"
    write_text(report, "after", PRIVATE)
    assert report.read_text() == "after"
    assert not left.exists()
    assert living.exists()
    assert elsewhere.exists()
