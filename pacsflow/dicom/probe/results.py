"""What a check of the probe finds, as a record: nothing of it identifies a patient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pacsflow.errors import PacsError

Verdict = Literal["ok", "partly", "no", "unknown"]
Fact = str | int | bool | Sequence[str]


@dataclass(frozen=True)
class Heard:
    """`status`: of HTTP. `version`: of TLS, '' without it; `until`: when the service's certificate ends."""

    status: int
    version: str = ""
    until: str = ""


@dataclass(frozen=True)
class CheckResult:
    """What one check found. Holds nothing that identifies a patient.

    `said` is a sentence for a person, `facts` are the same for programs. `request`: what to ask the PACS
    administrator for; `fix`: what to write in pacs.yaml, or do on this computer.
    """

    name: str
    verdict: Verdict
    said: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    request: str = ""
    fix: str = ""


_ASKING = "ask the PACS administrator "
_TO = "to "


def failure(name: str, error: PacsError, *, verdict: Verdict = "no") -> CheckResult:
    """The finding that says what an error said; its fix goes to the one who can do it."""
    asking, fix = error.fix.startswith(_ASKING), error.fix.removeprefix(_ASKING)
    facts: dict[str, Fact] = {} if error.status is None else {"status": f"{error.status:04X}"}
    wish = fix.removeprefix(_TO) if fix.startswith(_TO) else f"tell us {fix.removeprefix('for ')}"
    return CheckResult(name, verdict, str(error), facts, request=wish if asking else "", fix="" if asking else fix)


@dataclass(frozen=True)
class Sample:
    """A small series that the node has. `sop_uids`: its instances as listed. `at_hand`: not nearline, not offline.

    `syntaxes`: UIDs of the transfer syntaxes its instances are stored in, as far as the node tells.
    """

    study_uid: str
    series_uid: str
    patient_id: str = ""
    study_date: str = ""
    sop_uids: tuple[str, ...] = ()
    sop_classes: frozenset[str] = frozenset()
    syntaxes: frozenset[str] = frozenset()
    at_hand: bool = True
