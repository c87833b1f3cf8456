"""What a retrieval needs of the PACS that carries it out."""

from typing import Protocol


class Host(Protocol):
    """A PACS that counts what was asked of it, waits, and restarts."""

    def count(self, *names: str) -> None:
        """Count one of each of `names`."""

    def wait(self, seconds: float) -> None:
        """Wait. Raises Gone where the PACS is stopped meanwhile."""

    def restart(self, seconds: float) -> None:
        """End all associations, stop listening, listen again after `seconds`. Returns at once."""
