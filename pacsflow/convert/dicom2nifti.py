"""Conversion by dicom2nifti, in worker processes: it has process-global settings, prints and warns."""

import atexit
import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pacsflow.convert.contract import TIMEOUT, Geometry
from pacsflow.errors import RefusalError

SERIES_PER_WORKER = 50
"""Then a worker is replaced, so that what the library leaks is given back."""

_REASONS = {
    "NON_CUBICAL_IMAGE/GANTRY_TILT": "gantry-tilt",
    "TOO_FEW_SLICES/LOCALIZER": "too-few-slices",
    "SLICE_INCREMENT_INCONSISTENT": "uneven-spacing",
    "NON_IMAGING_DICOM_FILES": "no-position",
    "NOT_A_VOLUME": "not-a-volume",
    "IMAGE_ORIENTATION_INCONSISTENT": "mixed-orientation",
}


class _Worker:
    """One process that converts series after series: a JSON line in, a JSON line out."""

    def __init__(self) -> None:
        self.left = SERIES_PER_WORKER
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pacsflow.convert.dicom2nifti_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, job: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to a job, None where the process died or was stopped for taking too long."""
        source, sink = self._process.stdin, self._process.stdout
        if source is None or sink is None:
            return None
        self.left -= 1
        timer = threading.Timer(TIMEOUT, self._process.kill)
        timer.start()
        try:
            source.write(json.dumps(job) + "\n")
            source.flush()
            line = sink.readline()
        except BrokenPipeError:
            return None
        finally:
            timer.cancel()
        answer: dict[str, Any] | None = json.loads(line) if line else None
        return answer

    def close(self) -> None:
        """End the process and wait for it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.kill()
        self._process.wait()


_idle: queue.LifoQueue[_Worker] = queue.LifoQueue()


@atexit.register
def close_workers() -> None:
    """End the workers that are idle; others end with their job, or when this process does."""
    with contextlib.suppress(queue.Empty):
        while True:
            _idle.get_nowait().close()


def convert(files: Sequence[Path], folder: Path, geometry: Geometry) -> list[str]:
    """See `Converter`. Not reoriented, not resampled. Refusals: dicom2nifti's own words as a code, converter-error."""
    try:
        worker = _idle.get_nowait()
    except queue.Empty:
        worker = _Worker()
    answer = worker.ask({"files": [str(f.resolve()) for f in files], "folder": str(folder), "geometry": geometry})
    if answer is None or worker.left <= 0:
        worker.close()
    else:
        _idle.put(worker)
    if answer is None:
        raise RefusalError("converter-error", f"dicom2nifti died, or took more than {TIMEOUT:.0f} s")
    if refused := answer.get("refused"):
        raise RefusalError(_code(refused), f"dicom2nifti declines the series: {_code(refused)}")
    if error := answer.get("error"):
        raise RefusalError("converter-error", f"dicom2nifti failed: {error}")
    return []


def _code(words: str) -> str:
    return _REASONS.get(words) or "".join(c if c.isalnum() else "-" for c in words.lower())[:60]
