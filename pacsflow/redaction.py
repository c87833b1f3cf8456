"""Silences logs and warnings of libraries and redacts uncaught exceptions, as both may contain a patient's values."""

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from pacsflow.errors import PacsflowWarning
from pacsflow.system import forbid_core_dumps

TALKATIVE = ("pydicom", "pynetdicom", "httpx", "httpcore", "dicomtrolley", "sqlalchemy", "py.warnings")


def keep_libraries_quiet() -> None:
    """From now on no library's warning is shown by this process, and nothing of theirs is logged.

    What pacsflow itself reports goes through its results, where it was made safe to see. A crash leaves no core
    dump: the images of patients would be in it.
    """
    warnings.simplefilter("ignore")
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    forbid_core_dumps()


@contextmanager
def as_a_guest() -> Iterator[None]:
    """Within it `keep_libraries_quiet` silences all; afterwards, in a program that is not ours, only what is of DICOM.

    Warnings of that program are shown as before, and pacsflow's own; those of libraries that repeat values of headers
    are not, nor is what they log.
    """
    try:
        with warnings.catch_warnings():
            keep_libraries_quiet()
            yield
    finally:
        warnings.filterwarnings("ignore", module=rf"({'|'.join((*TALKATIVE, 'pacsflow'))})(\.|$)")
        warnings.filterwarnings("default", category=PacsflowWarning)


def keep_faults_quiet() -> None:
    """From now on an uncaught exception, in a thread or a finalizer too, is reported by its type and place only."""
    threading.excepthook = lambda fault: _tell(fault.exc_type, fault.exc_traceback)
    sys.unraisablehook = lambda fault: _tell(fault.exc_type, fault.exc_traceback)


def _tell(kind: type[BaseException], where: TracebackType | None) -> None:
    if kind is not SystemExit:
        place = traceback.extract_tb(where)[-1:]
        told = "".join(f" ({Path(frame.filename).name}:{frame.lineno})" for frame in place)
        sys.stderr.write(f"pacsflow has a fault aside: {kind.__name__}{told}\n")
