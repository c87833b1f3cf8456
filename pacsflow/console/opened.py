"""The ledgers of the projects that pages look at: each opened once, and shared by all who look."""

import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from pacsflow.ledger import Ledger
from pacsflow.projects import Project, read_project
from pacsflow.run.people.found_choice import FoundChoice
from pacsflow.run.run_meter import RunMeter
from pacsflow.run.stores import open_ledger_of


@dataclass(frozen=True)
class OpenedProject:
    """A project as its files say now, and its ledger."""

    project: Project
    ledger: Ledger

    @cached_property
    def found(self) -> FoundChoice:
        """What its rows found, and the choice among it."""
        return FoundChoice(self.ledger)

    @cached_property
    def meter(self) -> RunMeter:
        """How fast its runs are: one look for all who watch."""
        return RunMeter(self.ledger, self.project.workdir)


_known: Final[dict[Path, tuple[tuple[str, str], OpenedProject]]] = {}
_lock: Final = threading.Lock()


def opened(folder: Path) -> OpenedProject:
    """The project in a folder. Raises ProjectError, SecretError, LedgerError."""
    project = read_project(folder)
    place = (str(project.workdir), project.settings.ledger)
    with _lock:
        known = _known.get(folder)
        if known is None or known[0] != place:
            if known is not None:
                known[1].ledger.close()
            _known[folder] = known = (place, OpenedProject(project, open_ledger_of(project)))
        elif known[1].project != project:
            again = OpenedProject(project, known[1].ledger)
            again.__dict__["found"] = known[1].found  # the choices that can be undone are kept
            again.__dict__["meter"] = known[1].meter
            _known[folder] = known = (place, again)
        return known[1]
