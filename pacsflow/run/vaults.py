"""The vault of a project: opened, compared with what the ledger knows of it, and counted there."""

import hashlib
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from pacsflow.errors import LedgerError
from pacsflow.ledger import Ledger, setting
from pacsflow.ledger.acts import Act, note
from pacsflow.ledger.book import recall, remember
from pacsflow.projects.project import Project
from pacsflow.run.stores import work_directory_name
from pacsflow.vault import VAULT_FIX, Head, Vault


def place_of_vault(project: Project) -> Path:
    """The file of a project's vault."""
    return project.workdir / "private" / "vault"


def open_vault(project: Project, ledger: Ledger, key: bytes, place: Path | None = None) -> Vault:
    """The vault, which goes on from what the ledger knows of it; `place`: another file than the project's.

    Raises KeyMismatchError where the key is another one, LedgerError where lines were lost or changed, or an older copy
    was put back: pseudonyms might be given twice.
    """
    where, name = place or place_of_vault(project), _name(project, place)
    vault = Vault(where, key, shared=project.deid.patient.shared, noted=partial(_note, ledger, name))
    known = noted(project, ledger, place)
    if wrong := vault.compared(known):
        raise LedgerError(f"the vault is not as it was left: {wrong}", fix=VAULT_FIX)
    if not vault.chained:
        vault.accept(vault.head)
    elif vault.head.lines > known.lines:  # a process was killed before it could say so
        _note(ledger, name, vault.head)
    return vault


def noted(project: Project, ledger: Ledger, place: Path | None = None) -> Head:
    """How far a vault went, as the ledger knows it."""
    known = setting(ledger, _name(project, place))
    return Head(**json.loads(known)) if known else Head()


def accept_vault(project: Project, ledger: Ledger, key: bytes, *, by: str) -> list[str]:
    """Go on with a vault as it is; what was wrong with it. It stays beside, as it was, where lines are damaged.

    Raises KeyMismatchError where nothing of it can be read.
    """
    where = place_of_vault(project)
    old = Vault(where, key, shared=project.deid.patient.shared, lenient=True)
    known = noted(project, ledger)
    wrong = [*map(str, old.faults), *filter(None, [old.compared(known)])]
    if wrong:
        fresh = _readable_copy(where, old, key) if old.faults else old
        fresh.accept(Head(known.lines, max(known.links, old.head.links)))
        with ledger.write(lasting=True) as connection:
            remember(ledger, connection, _name(project), json.dumps(asdict(fresh.head)))
    note(ledger, Act("accept vault", by, "; ".join(wrong) or "nothing was wrong"))
    return wrong


def _readable_copy(where: Path, old: Vault, key: bytes) -> Vault:
    """A vault in place of a damaged one, which stays under another name, with all that could be read of it."""
    digest = hashlib.sha256(where.read_bytes()).hexdigest()[:12]
    beside = where.with_name(f"{where.name}.damaged-{digest}")
    half = where.with_name(f"{where.name}.fresh")
    half.unlink(missing_ok=True)
    old.copied(half, key)
    where.replace(beside)
    half.replace(where)
    return Vault(where, key)


def _name(project: Project, place: Path | None = None) -> str:
    """What the ledger calls a vault; where several workers share it, each has one in its own work directory."""
    if place is None:
        return f"vault {work_directory_name(project)}" if project.settings.workers > 1 else "vault"
    return f"vault {hashlib.sha256(str(place.absolute()).encode()).hexdigest()[:24]}"


def _note(ledger: Ledger, name: str, head: Head) -> None:
    """Remember how far a vault goes; of several processes the one that is furthest says."""
    with ledger.write(lasting=True) as connection:
        known = Head(**json.loads(found)) if (found := recall(connection, name)) else Head()
        if head.lines > known.lines:
            remember(ledger, connection, name, json.dumps(asdict(head)))
