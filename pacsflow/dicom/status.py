"""What a DIMSE status means: one table for every service (PS3.7 C, PS3.4 B.2.3, C.4.1.1.4, C.4.2.1.5, C.4.3.1.4)."""

from enum import Enum

from pacsflow.dicom.advice import NARROWER
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from pacsflow.wording import counted


class Category(Enum):
    """What a client may do after a status."""

    SUCCESS = "success"
    PENDING = "pending"
    WARNING = "warning"
    TRANSIENT = "transient failure"
    PERMANENT = "permanent failure"
    CANCELLED = "cancelled"


SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
PROCESSING_FAILURE = 0x0110

_UNSUPPORTED_KEYS = "ask the PACS administrator which keys and levels the node can be asked by"
_PERMISSION = "ask the PACS administrator to permit this AE title to query and retrieve"
_DESTINATION = (
    "ask the PACS administrator to declare the AE title of `move_to` with this computer's address and its port"
)

NEVER = "the node never connected to our port"
DESTINATION = (
    "ask the PACS administrator to see that the AE title of `move_to` is declared with this computer's address and its "
    "port, and that a firewall lets the node connect to it"
)

_IF_IT_LASTS = "if it lasts, ask the PACS administrator for the node's log"
_OF_MOVES = (
    "; a C-MOVE also ends so where the AE title of `move_to` is not declared, or where it cannot be reached from the "
    "node"
)

# first code, last code, category, what it says, what the user can do
_TABLE: tuple[tuple[int, int, Category, str, str], ...] = (
    (0x0000, 0x0000, Category.SUCCESS, "success", ""),
    (0xFF00, 0xFF00, Category.PENDING, "pending", ""),
    (0xFF01, 0xFF01, Category.PENDING, "pending, some keys are not supported for matching", ""),
    (0xFE00, 0xFE00, Category.CANCELLED, "cancelled", ""),
    (0x0105, 0x0107, Category.PERMANENT, "an attribute is not right", _UNSUPPORTED_KEYS),
    (0x0110, 0x0110, Category.TRANSIENT, "processing failure", ""),
    (0x0111, 0x0111, Category.PERMANENT, "duplicate SOP instance", ""),
    (0x0112, 0x0112, Category.PERMANENT, "no such object instance", ""),
    (0x0113, 0x0115, Category.PERMANENT, "an argument is not right", _UNSUPPORTED_KEYS),
    (0x0116, 0x0116, Category.WARNING, "attribute value out of range", ""),
    (0x0117, 0x0121, Category.PERMANENT, "the request is not right", _UNSUPPORTED_KEYS),
    (0x0122, 0x0122, Category.PERMANENT, "SOP class not supported", _UNSUPPORTED_KEYS),
    (0x0123, 0x0123, Category.PERMANENT, "no such action", ""),
    (0x0124, 0x0124, Category.PERMANENT, "not authorized", _PERMISSION),
    (0x0210, 0x0210, Category.TRANSIENT, "duplicate invocation", ""),
    (0x0211, 0x0211, Category.PERMANENT, "unrecognized operation", _UNSUPPORTED_KEYS),
    (0x0212, 0x0212, Category.PERMANENT, "mistyped argument", ""),
    (0x0213, 0x0213, Category.TRANSIENT, "resource limitation", ""),
    (0x0001, 0x0001, Category.WARNING, "requested optional attributes are not supported", ""),
    (0xA801, 0xA801, Category.PERMANENT, "move destination unknown", _DESTINATION),
    (0xA900, 0xA9FF, Category.PERMANENT, "identifier does not match the SOP class", _UNSUPPORTED_KEYS),
    (0xA700, 0xAFFF, Category.TRANSIENT, "refused: out of resources", ""),
    (0xB000, 0xBFFF, Category.WARNING, "warning: not everything was done", ""),
    (0xC000, 0xCFFF, Category.TRANSIENT, "unable to process", _IF_IT_LASTS),
)
_UNKNOWN = (Category.PERMANENT, "a status the standard does not know", "report it to the PACS administrator")


def _row(status: int) -> tuple[Category, str, str]:
    return next((tuple_[2:] for tuple_ in _TABLE if tuple_[0] <= status <= tuple_[1]), _UNKNOWN)


def categorise(status: int) -> Category:
    """The category of a DIMSE status; what the standard does not know is a permanent failure."""
    return _row(status)[0]


def told(status: int) -> str:
    """A DIMSE status in words, for a person."""
    return f"0x{status:04X} ({_row(status)[1]})"


def status_error(operation: str, status: int, *, so_far: int = 0) -> PacsError:
    """The error that says why `operation` (as `C-FIND`) did not end in success, after so many answers."""
    category, meaning, fix = _row(status)
    cancelled = category is Category.CANCELLED
    fix += _OF_MOVES if operation == "C-MOVE" and fix == _IF_IT_LASTS else ""
    kind = PacsPermanentError if category is Category.PERMANENT or (cancelled and so_far) else PacsTransientError
    after = f" after {counted(so_far, 'answer')}, maybe the most the node gives" if so_far else ""
    message = f"{operation} ended with status 0x{status:04X}: {meaning}{after}"
    # Orthanc ends a query that it cuts as one that we had cancelled, and we never cancel.
    cut = so_far if cancelled or OUT_OF_RESOURCES <= status < OUT_OF_RESOURCES + 0x100 else 0
    return kind(message, fix=fix or NARROWER if cut else fix, status=status, answers=cut)
