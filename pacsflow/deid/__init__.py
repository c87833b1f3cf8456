"""De-identification: bytes in, bytes out, or a refusal with its reason.

What is exported is loaded when it is first used (PEP 562): to say what a profile does takes less than to do it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pacsflow.deid.compile import compile_profile
    from pacsflow.deid.contract import Cleaned, Cleaner, Person, Source
    from pacsflow.deid.encoding.part10 import read_part10

_PLACES = {
    "Cleaned": "contract",
    "Cleaner": "contract",
    "Person": "contract",
    "Source": "contract",
    "compile_profile": "compile",
    "read_part10": "encoding.part10",
}

__all__ = ["Cleaned", "Cleaner", "Person", "Source", "compile_profile", "read_part10"]


def __getattr__(name: str) -> Any:
    """What is exported, loaded now; raises AttributeError for anything else."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
