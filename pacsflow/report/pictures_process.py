"""The process that looks at delivered images for the report: JSON lines in, JSON lines out.

Whatever an image makes of it (an exception, all its memory, a crash) costs that picture and nothing else.
"""

import base64
import json
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from pydicom import dcmread

from pacsflow.report.pictures import middle_slice
from pacsflow.report.planes import three_planes
from pacsflow.system import forbid_core_dumps, limit_memory

MEMORY = 4 << 30
"""Bytes of address space that it may have."""


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until nothing more comes."""
    for line in source:
        sink.write(json.dumps(_look(json.loads(line))).encode() + b"\n")
        sink.flush()


def _look(job: dict[str, Any]) -> dict[str, str]:
    """What the files of a series show: description, and a picture as base64; empty where that fails.

    The picture is of three planes of a volume (`planes` says so), else of the middle slice.
    """
    files = [Path(file) for file in job["files"]]
    answer = {"description": "", "picture": "", "planes": ""}
    try:
        answer["description"] = _description(files[0])
        if job["picture"]:
            seen = _planes(files)
            answer["planes"] = "yes" if seen else ""
            answer["picture"] = base64.b64encode(seen or middle_slice(files) or b"").decode("ascii")
    except BaseException:  # noqa: BLE001 decoders raise anything, and none of it matters to the account
        return answer
    return answer


def _planes(files: list[Path]) -> bytes | None:
    """Three planes of a volume; None of what is none."""
    try:
        return three_planes(files)
    except Exception:  # noqa: BLE001 the middle slice is shown then
        return None


def _description(file: Path) -> str:
    """The series description of a cleaned file."""
    header = dcmread(file, stop_before_pixels=True, specific_tags=["SpecificCharacterSet", "SeriesDescription"])
    return str(header.get("SeriesDescription") or "").encode("utf-8", "replace").decode()


def main() -> None:
    """Keep stdout for answers: what a decoder prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    limit_memory(MEMORY)
    forbid_core_dumps()
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
