"""Who wrote a file, as its file meta information says (PS3.7 D.3.3.2)."""

from importlib.metadata import version
from typing import Final

IMPLEMENTATION_UID: Final = "2.25.254309236420190718530287716046093361507"
IMPLEMENTATION: Final = f"PACSFLOW {version('pacsflow')}"[:16]
"""Implementation Version Name: SH, 16 characters."""
