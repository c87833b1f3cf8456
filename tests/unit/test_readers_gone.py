"""A run outlives the reader of what it prints: the worker that started it was killed."""

import subprocess
import sys

import pytest

SAYS = """
import sys
from pathlib import Path
from prefect.logging import get_logger
from prefect.logging.configuration import setup_logging
from tasks.saying import outlive_readers
setup_logging()
if sys.argv[2] == "outlive":
    outlive_readers()
logger = get_logger("worker")
logger.warning("begun")
sys.stdin.readline()
for number in range(100):
    logger.warning("line %s", number)
Path(sys.argv[1]).write_text("went on")
"""


@pytest.mark.parametrize("how", ["outlive", "as Prefect has it"])
def test_lines_that_nobody_reads_end_no_run(tmp_path, how):
    command = [sys.executable, "-c", SAYS, str(tmp_path / "end"), how]
    process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert any("begun" in line for line in process.stderr)
    process.stderr.close()
    process.stdin.write("go\n")
    process.stdin.close()
    code = process.wait(120)
    assert ((tmp_path / "end").exists(), code == 0) == ((how == "outlive"),) * 2
