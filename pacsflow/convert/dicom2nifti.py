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

from pacsflow.convert.contract import STOPS, TIMEOUT, Geometry
from pacsflow.errors import ConverterStoppedError, PacsflowError, RefusalError

SERIES_PER_WORKER = 50
"""Then a worker is replaced, so that what the library leaks is given back."""

_DOUBTS = {
    "frames-lost": "frames of the series were overwritten by others",
    "gradient-directions": "the directions of the gradients (.bvec) may not fit the image",
}
"""What dicom2nifti does wrong without a word, as the worker notices it."""
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
        self._late = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pacsflow.convert.dicom2nifti_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for us: a converter that it stops has refused nothing
        )

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """The answer to a job. Raises RefusalError when there is none in time, or the process died of it."""
        source, sink = self._process.stdin, self._process.stdout
        assert source is not None and sink is not None  # noqa: S101, PT018  both are pipes
        self.left -= 1
        timer = threading.Timer(TIMEOUT, self._stop)
        timer.start()
        line = ""
        try:
            with contextlib.suppress(BrokenPipeError):
                source.write(json.dumps(job) + "\n")
                source.flush()
                line = sink.readline()
        finally:
            timer.cancel()
        if not line:
            raise self._end()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _stop(self) -> None:
        self._late = True
        self._process.kill()

    def _end(self) -> PacsflowError:
        code = self._process.wait()
        if self._late:
            return RefusalError("converter-timeout", f"dicom2nifti took more than {TIMEOUT:.0f} s")
        if -code in STOPS:
            return ConverterStoppedError("dicom2nifti was stopped", remedy="run again, with more memory if that was it")
        return RefusalError("converter-error", f"dicom2nifti's process ended with exit code {code}")

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
    """See `Converter`. Not reoriented, not resampled.

    Refusals: dicom2nifti's own words as a code, frames-lost, gradient-directions, converter-timeout,
    converter-error. ConverterStoppedError when it was killed.
    """
    answer = _asked({"files": [str(f.resolve()) for f in files], "folder": str(folder), "geometry": geometry})
    if refused := answer.get("refused"):
        raise RefusalError(_code(refused), f"dicom2nifti declines the series: {_code(refused)}")
    if error := answer.get("error"):
        raise RefusalError("converter-error", f"dicom2nifti failed: {error}")
    doubts: list[str] = answer["doubts"]
    if doubts and geometry == "refuse":
        raise RefusalError(doubts[0], _DOUBTS[doubts[0]], remedy="convert such series with dcm2niix")
    return [f"dicom2nifti: {_DOUBTS[doubt]}" for doubt in doubts]


def _asked(job: dict[str, Any]) -> dict[str, Any]:
    """The answer of an idle worker, or a new one; a worker that is spent or broken is not kept."""
    try:
        worker = _idle.get_nowait()
    except queue.Empty:
        worker = _Worker()
    keep = False
    try:
        answer = worker.ask(job)
        keep = worker.left > 0
    finally:
        if keep:
            _idle.put(worker)
        else:
            worker.close()
    return answer


def _code(words: str) -> str:
    return _REASONS.get(words) or "".join(c if c.isalnum() else "-" for c in words.lower())[:60]
