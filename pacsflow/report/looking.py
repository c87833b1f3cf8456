"""Descriptions and pictures of delivered images, for the page: made in a process of their own, which may fail."""

import base64
import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pacsflow.children import pipes, start_child
from pacsflow.report.records import Look

if TYPE_CHECKING:
    from subprocess import Popen

SECONDS = 60.0
"""For one series; a process that takes longer is ended."""
FAILURES = 5
"""Processes that may be lost before nothing more is looked at: a report must not wait for all of a thousand series."""


class Looker:
    """Looks at series; never raises on what it sees."""

    def __init__(self, *, seconds: float = SECONDS, module: str = "pacsflow.report.pictures_process") -> None:
        self._seconds, self._module = seconds, module
        self._child: Popen[bytes] | None = None
        self._lost = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def look(self, files: Sequence[Path], *, picture: bool) -> Look:
        """What the files of one series show; the picture only where it is asked for."""
        if not files or self._lost >= FAILURES:
            return Look()
        try:
            return self._asked(json.dumps({"files": [str(f.absolute()) for f in files], "picture": picture}))
        except Exception:  # noqa: BLE001 a picture is decoration: nothing of it may end an account
            self._lost += 1
            self._end()
            return Look()

    def _asked(self, job: str) -> Look:
        self._child = self._child or start_child(self._module)
        source, sink = pipes(self._child)
        timer = threading.Timer(self._seconds, self._child.kill)
        timer.start()
        try:
            source.write(job.encode() + b"\n")
            source.flush()
            told = json.loads(sink.readline())
        finally:
            timer.cancel()
        picture = base64.b64decode(told["picture"]) or None
        return Look(str(told["description"]), picture, planes=bool(told["planes"]))

    def _end(self) -> None:
        child, self._child = self._child, None
        if child:
            child.kill()
            for stream in pipes(child):
                with suppress(OSError):
                    stream.close()
            child.wait()
