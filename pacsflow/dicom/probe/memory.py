"""What was found of a node, remembered on this computer for all projects that ask it. Nothing of patients."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

from pacsflow.dicom.probe.results import CheckResult
from pacsflow.dicom.retrieve_methods import fingerprint
from pacsflow.staging import write_text
from schemas.pacs import PacsNode

_TRAFFIC = {
    "echoes": "echo",
    "queries": "find",
    "retrievals": "retrievals",
    "images": "images",
    "bytes": "bytes",
}

_FIRST_NAMES = {"ask": "request", "mend": "fix"}


@dataclass(frozen=True)
class Capabilities:
    """The findings of a probe, how much it asked for them, and when.

    Not `whole`: only what is cheap was asked, or there was no series to try retrievals with.
    """

    findings: tuple[CheckResult, ...]
    requests: Mapping[str, int]
    whole: bool = True
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def traffic(self) -> dict[str, int]:
        """What was asked for and what came, by the names that the ledger counts it by."""
        return {name: self.requests.get(what, 0) for what, name in _TRAFFIC.items()}

    def as_data(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self) | {"at": self.at.isoformat(timespec="seconds")}


def recall(node: PacsNode) -> Capabilities | None:
    """What is remembered of `node`; None where nothing is, or it cannot be read."""
    try:
        data = json.loads(_place(node).read_text("utf-8"))
        findings = tuple(CheckResult(**_renamed(finding)) for finding in data["findings"])
        return Capabilities(findings, data["requests"], data["whole"], datetime.fromisoformat(data["at"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep(node: PacsNode, capabilities: Capabilities) -> None:
    """Remember. Where the disk does not let us, the node is asked again the next time."""
    place = _place(node)
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(place, json.dumps(capabilities.as_data(), indent=1), 0o600)


def amend(node: PacsNode, finding: CheckResult) -> None:
    """Remember what a run found out, in the place of what the probe found of the same name."""
    known = recall(node) or Capabilities((), {}, whole=False)
    others = (each for each in known.findings if each.name != finding.name)
    keep(node, replace(known, findings=(*others, finding)))


def _renamed(finding: Mapping[str, Any]) -> dict[str, Any]:
    """A finding with the names of now: files of earlier versions say `ask` and `mend`."""
    return {_FIRST_NAMES.get(name, name): value for name, value in finding.items()}


def _place(node: PacsNode) -> Path:
    return platformdirs.user_state_path("pacsflow", appauthor=False) / "nodes" / f"{fingerprint(node)}.json"
