"""How an association is found to be of no use any more."""

from pacsflow.errors import BrokenError

UNEXPECTED, INVALID_PARAMETER = 2, 6
"""Reasons of an A-ABORT (PS3.8 9.3.8): a PDU that has no place, a parameter that has no such value."""


class SilenceError(BrokenError):
    """The peer sent nothing for as long as pacsflow waits."""


class CutError(BrokenError):
    """The association ended before the peer's final response."""


class NonsenseError(BrokenError):
    """The peer sent what has no place here; `reason` is that of our A-P-ABORT (PS3.8 9.3.8)."""

    def __init__(self, message: str, *, reason: int = UNEXPECTED) -> None:
        super().__init__(f"the node broke the protocol: {message}")
        self.reason = reason
