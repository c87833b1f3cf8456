"""The console's audit trail: who logged in and out, who was refused, who changed which file of which project.

What concerns a project is on the project's own trail too (`pacsflow trail`), where it has begun a ledger.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from pacsflow.errors import PacsflowError
from pacsflow.system import lock


@dataclass(frozen=True)
class ConsoleAct:
    """One line. `at`: seconds since 1970. `chain`: digest of this line and all before it."""

    at: float
    by: str
    action: str
    about: str
    chain: str


class ConsoleTrail:
    """Lines of JSON, each chained to those before it; a file that its owner only may read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def note(self, action: str, by: str, about: str = "") -> None:
        """Add a line; it is on disk when this comes back. Raises OSError."""
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+", encoding="utf-8") as stream:
            lock(stream)
            last = ""
            for last in stream:  # noqa: B007 - the last line is what is looked for
                pass
            before = json.loads(last)["chain"] if last.endswith("\n") else ""
            at = time.time()
            line = ConsoleAct(at, by, action, about, _chain(before, at, by, action, about))
            stream.seek(0, os.SEEK_END)
            stream.write(json.dumps(asdict(line), ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def acts(self) -> Iterator[ConsoleAct]:
        """All lines, in their order; none where nothing was noted."""
        if self.file.exists():
            with self.file.open(encoding="utf-8") as stream:
                yield from (ConsoleAct(**json.loads(line)) for line in stream)

    def broken(self) -> int | None:
        """Number of the first line that is not as it was written, or before which some are missing; None: none is."""
        before = ""
        for number, one in enumerate(self.acts(), start=1):
            if one.chain != _chain(before, one.at, one.by, one.action, one.about):
                return number
            before = one.chain
        return None


def console_trail() -> ConsoleTrail:
    """The trail of this user's consoles."""
    return ConsoleTrail(platformdirs.user_state_path("pacsflow", appauthor=False) / "console" / "trail.jsonl")


def note_in_project(folder: Path, action: str, by: str, about: str) -> None:
    """The same on the project's own trail, where it has begun a ledger that can be opened."""
    from pacsflow.ledger.acts import Act, note
    from pacsflow.projects import read_project
    from pacsflow.run.stores import open_ledger_of

    try:
        project = read_project(folder)
        begun = project.settings.ledger != "sqlite" or (project.workdir / "private" / "ledger.sqlite").exists()
        if begun:
            with closing(open_ledger_of(project)) as ledger:
                note(ledger, Act(action, by, about))
    except PacsflowError:
        return  # a project that is not right yet has no ledger to write to; the console's trail has the line


def _chain(before: str, *facts: object) -> str:
    return hashlib.sha256(json.dumps([before, *facts]).encode()).hexdigest()
