"""Clean Descriptors (PS3.15 E.3.5): the patient's own identifiers go, then every word that no list allows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scrubber:
    """Cleans free text of one patient's instance."""

    def clean(self, value: bytes, charsets: list[str]) -> bytes:  # noqa: ARG002
        """The text that is left; nothing yet."""
        return b""
