"""Libraries keep to themselves what they make of headers: their warnings may repeat a patient's values."""

import logging
import warnings

_TALKATIVE = ("pydicom", "pynetdicom", "httpx", "httpcore", "dicomtrolley", "py.warnings")


def keep_libraries_quiet() -> None:
    """From now on no library's warning is shown by this process, and nothing of theirs is logged.

    What pacsflow itself has to say goes through its results, where it was made safe to see.
    """
    warnings.simplefilter("ignore")
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
