"""Files appear whole; what a killed process left half-written goes with the next writing."""

import os
import signal
import socket
import subprocess
import sys
import time

from pacsflow.processes import process_space
from pacsflow.staging import PRIVATE, SECONDS_LEFT_ALONE, write_text

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
    _, name, *host, space, _, _ = left.name.split(".")
    assert (".".join(host), space) == (socket.gethostname(), process_space())
    living = tmp_path / f".{name}.{socket.gethostname()}.{space}.{os.getppid()}.part"
    elsewhere = tmp_path / f".{name}.not-{socket.gethostname()}.{space}.1.part"
    container, former, of_before = (
        tmp_path / f".{name}.{socket.gethostname()}{told}.99999999.part" for told in (".0123456789ab", ".9" * 6, "")
    )
    for writing in (living, elsewhere, container, former, of_before):
        writing.write_text("another's")
    for old in (former, of_before):
        os.utime(old, (time.time() - SECONDS_LEFT_ALONE - 1,) * 2)
    assert report.read_text() == "before"
    write_text(report, "after", PRIVATE)
    assert report.read_text() == "after"
    assert not left.exists()
    assert living.exists()
    assert elsewhere.exists()
    assert container.exists(), "its writer has a process id of its own container"
    assert not former.exists()
    assert not of_before.exists()
