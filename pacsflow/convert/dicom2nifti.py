"""Conversion by dicom2nifti, in worker processes: it has process-global settings, prints and warns."""

import atexit
import contextlib
import json
import os
import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pacsflow.children import pipes, start_child
from pacsflow.convert.contract import TIMEOUT, Geometry
from pacsflow.errors import ConverterStoppedError, PacsflowError, RefusalError
from pacsflow.system import STOPS

_INHERITED = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "OMP_NUM_THREADS")
SERIES_PER_WORKER = 50
"""Then a worker is replaced, so that what the library leaks is given back."""

_DOUBTS = {
    "frames-lost": "frames of the series were overwritten by others",
    "gradient-directions": "the directions of the gradients (.bvec) may not fit the image",
}
"""Errors that dicom2nifti does not report, as the worker notices them."""
_REASONS = {
    "NON_CUBICAL_IMAGE/GANTRY_TILT": "gantry-tilt",
    "TOO_FEW_SLICES/LOCALIZER": "too-few-slices",
    "SLICE_INCREMENT_INCONSISTENT": "uneven-spacing",
    "NON_IMAGING_DICOM_FILES": "no-position",
    "NOT_A_VOLUME": "not-a-volume",
    "IMAGE_ORIENTATION_INCONSISTENT": "mixed-orientation",
}


class _ConverterProcess:
    """One process that converts series after series: a JSON line in, a JSON line out."""

    def __init__(self, root: Path) -> None:
        self.left = SERIES_PER_WORKER
        self.root = root
        self._late = False
        env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._process = start_child("pacsflow.convert.dicom2nifti_worker", env=env, within=root)

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """The answer to a job. Raises RefusalError when there is none in time, or the process died of it."""
        source, sink = pipes(self._process)
        self.left -= 1
        timer = threading.Timer(TIMEOUT, self._stop)
        timer.start()
        line = b""
        try:
            with contextlib.suppress(BrokenPipeError):
                source.write(json.dumps(job).encode() + b"\n")
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
            return ConverterStoppedError("dicom2nifti was stopped", fix="run again, with more memory if that was it")
        return RefusalError("converter-error", f"dicom2nifti's process ended with exit code {code}")

    def close(self) -> None:
        """End the process and wait for it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.kill()
        self._process.wait()


_idle: queue.LifoQueue[_ConverterProcess] = queue.LifoQueue()


@atexit.register
def close_workers() -> None:
    """End the workers that are idle; others end with their job, or when this process does."""
    with contextlib.suppress(queue.Empty):
        while True:
            _idle.get_nowait().close()


def convert(files: Sequence[Path], folder: Path, geometry: Geometry) -> list[str]:
    """See `Converter`. Not reoriented, not resampled.

    Raises RefusalError with dicom2nifti's own words as a code, frames-lost, gradient-directions, converter-timeout
    or converter-error; ConverterStoppedError when it was killed.
    """
    answer = _asked(
        {"files": [str(f.resolve()) for f in files], "folder": str(folder.absolute()), "geometry": geometry}
    )
    if refused := answer.get("refused"):
        raise RefusalError(_code(refused), f"dicom2nifti declines the series: {_code(refused)}")
    if error := answer.get("error"):
        raise RefusalError("converter-error", f"dicom2nifti failed: {error}")
    doubts: list[str] = answer["doubts"]
    if doubts and geometry == "refuse":
        raise RefusalError(doubts[0], _DOUBTS[doubts[0]], fix="convert such series with dcm2niix")
    return [f"dicom2nifti: {_DOUBTS[doubt]}" for doubt in doubts]


def _asked(job: dict[str, Any]) -> dict[str, Any]:
    """The answer of an idle worker, or a new one; a worker that is spent or broken is not kept."""
    root = Path(os.path.commonpath([job["folder"], *(str(Path(file).parent) for file in job["files"])]))
    root = _staging_of(root, Path(job["folder"]))
    try:
        worker = _idle.get_nowait()
        if worker.root != root:  # it may not read here
            worker.close()
            worker = _ConverterProcess(root)
    except queue.Empty:
        worker = _ConverterProcess(root)
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


def _staging_of(root: Path, folder: Path) -> Path:
    """The folder that series of one project have in common: the staging folder, where it is one."""
    staging = folder.parents[2] if len(folder.parents) > 2 else root  # noqa: PLR2004 staging/study/series/nifti
    return staging if staging.name == "staging" and root.is_relative_to(staging) else root


def _code(words: str) -> str:
    return _REASONS.get(words) or "".join(c if c.isalnum() else "-" for c in words.lower())[:60]
