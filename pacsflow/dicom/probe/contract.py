"""What a probe gives: findings, each of one check."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pacsflow.dicom.contract import Level
from pacsflow.errors import PacsError

if TYPE_CHECKING:
    from pacsflow.dicom.probe.visit import Visit

Verdict = Literal["ok", "partly", "no", "unknown"]
Fact = str | int | bool | Sequence[str]
Keys = Mapping[Level, Mapping[str, str]]
"""Keys of a row, by the level they are asked at."""


@dataclass(frozen=True)
class Finding:
    """What one check found. Holds nothing that identifies a patient.

    `said` is a sentence for a person, `facts` are the same for programs. `ask`: what to ask the PACS
    administrator for; `mend`: what to write in pacs.yaml, or do on this computer.
    """

    name: str
    verdict: Verdict
    said: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    ask: str = ""
    mend: str = ""


Check = Callable[["Visit"], Iterator[Finding]]
"""A check asks the node through a visit. A PacsError it raises becomes a finding of the verdict `unknown`."""
Checks = Mapping[str, Check]
"""Checks by name, in their order."""

_ASKING = "ask the PACS administrator "
_TO = "to "


def failure(name: str, error: PacsError, *, verdict: Verdict = "no") -> Finding:
    """The finding that says what an error said; its remedy goes to the one who can do it."""
    asking, remedy = error.remedy.startswith(_ASKING), error.remedy.removeprefix(_ASKING)
    facts: dict[str, Fact] = {} if error.status is None else {"status": f"{error.status:04X}"}
    wish = remedy.removeprefix(_TO) if remedy.startswith(_TO) else f"tell us {remedy.removeprefix('for ')}"
    return Finding(name, verdict, str(error), facts, ask=wish if asking else "", mend="" if asking else remedy)
