"""Libraries keep to themselves what they make of headers, and faults what they are about: a patient's values."""

import logging
import resource
import sys
import threading
import traceback
import warnings
from pathlib import Path
from types import TracebackType

TALKATIVE = ("pydicom", "pynetdicom", "httpx", "httpcore", "dicomtrolley", "sqlalchemy", "py.warnings")


def keep_libraries_quiet() -> None:
    """From now on no library's warning is shown by this process, and nothing of theirs is logged.

    What pacsflow itself has to say goes through its results, where it was made safe to see. A crash leaves no core
    dump: the images of patients would be in it.
    """
    warnings.simplefilter("ignore")
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def keep_faults_quiet() -> None:
    """From now on an exception that nobody takes, in a thread or a finalizer, is told by its type and place only."""
    threading.excepthook = lambda fault: _tell(fault.exc_type, fault.exc_traceback)
    sys.unraisablehook = lambda fault: _tell(fault.exc_type, fault.exc_traceback)


def _tell(kind: type[BaseException], where: TracebackType | None) -> None:
    if kind is not SystemExit:
        place = traceback.extract_tb(where)[-1:]
        told = "".join(f" ({Path(frame.filename).name}:{frame.lineno})" for frame in place)
        sys.stderr.write(f"pacsflow has a fault aside: {kind.__name__}{told}\n")
