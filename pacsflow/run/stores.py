"""What a project keeps: its key, its ledger, its place for temporary files, its source of pseudonyms."""

import uuid
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from pacsflow.ledger import Ledger, open_ledger
from pacsflow.projects.project import Project
from pacsflow.pseudonyms import PseudonymContext, day_shifts
from pacsflow.query.row import Row
from pacsflow.run.pseudonyms import pseudonyms_of_rows
from pacsflow.scratch import scratch
from pacsflow.secrets import project_key, resolve_address
from pacsflow.vault import Vault

ANCHOR = "ledger.anchor"
"""The file of a work directory that tells how far the ledger went; outside `private`, which is put back as a whole."""


def pseudonym_context(
    project: Project, ledger: Ledger, table: tuple[Row, ...], vault: Vault | None
) -> PseudonymContext:
    """What the project's source of pseudonyms draws from."""
    patient = project.deid.patient
    of_rows = pseudonyms_of_rows(ledger, table, patient.column or "")
    dates = project.deid.dates
    return PseudonymContext(
        patient,
        vault,
        of_rows,
        project.settings.name,
        service_shifts=dates.source == "api",
        direction=dates.direction,
        day_shifts=day_shifts(project.deid),
    )


def private_scratch(project: Project) -> AbstractContextManager[Path]:
    """A place for temporary files, below the project's private folder; see `scratch`."""
    private = project.workdir / "private"
    private.mkdir(parents=True, exist_ok=True, mode=0o700)
    return scratch(private / "temporary")


def open_ledger_of(project: Project, *, any_copy: bool = False) -> Ledger:
    """The ledger of a project, its key checked; LedgerError for an older copy than was written last, but `any_copy`.

    Raises KeyMismatchError, LedgerError, SecretError.
    """
    where = project.settings.ledger
    place = project.workdir / "private" / "ledger.sqlite" if where == "sqlite" else resolve_address(where)
    anchored = project.workdir / ANCHOR
    return open_ledger(place, project=project.settings.name, key=key_of(project), anchored=anchored, any_copy=any_copy)


def work_directory_name(project: Project) -> str:
    """Name of a work directory, made when it is first used."""
    file = project.workdir / "private" / "place"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = file.with_name(f".place-{uuid.uuid4().hex}")
        half.touch(0o600)
        half.write_text(uuid.uuid4().hex[:16], encoding="ascii")
        with suppress(FileExistsError):
            file.hardlink_to(half)  # whole, and of several processes the first decides
        half.unlink()
    return file.read_text(encoding="ascii")


def key_of(project: Project) -> bytes | None:
    """The project's key; None where nothing is de-identified."""
    return project_key(project.deid) if project.deid.base != "none" else None
