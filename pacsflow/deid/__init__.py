"""De-identification: bytes in, bytes out, or a refusal with its reason."""

from pacsflow.deid.compile import compile_profile
from pacsflow.deid.contract import Cleaned, Cleaner, Person, Source
from pacsflow.deid.part10 import read_part10

__all__ = ["Cleaned", "Cleaner", "Person", "Source", "compile_profile", "read_part10"]
