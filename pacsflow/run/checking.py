"""What a project keeps, looked at as a whole: ledger, audit trail, vault, staging, what was delivered."""

from collections.abc import Iterator
from contextlib import closing

import sqlalchemy as sa

from pacsflow.errors import PacsflowError
from pacsflow.export.disk import facts_of
from pacsflow.ledger import Ledger, acts, outcomes, studies, tables
from pacsflow.ledger.book import OLDER_FIX
from pacsflow.projects.project import Project
from pacsflow.run.auditing import TargetAudit, audited
from pacsflow.run.health import HealthFinding
from pacsflow.run.stores import key_of, open_ledger_of
from pacsflow.run.vaults import noted, place_of_vault
from pacsflow.vault import VAULT_FIX, Vault
from pacsflow.wording import counted

_AGAIN = "pacsflow check PROJECT --fetch-again, then pacsflow run PROJECT: only these are asked for"
_NAMED = 10
"""How many lines or files a finding names."""


def checked(project: Project, *, targets: bool = True) -> Iterator[HealthFinding]:
    """A finding for each thing that a project keeps; nothing is changed. `targets`: what was delivered, too."""
    try:
        ledger = open_ledger_of(project, any_copy=True)
    except PacsflowError as error:
        yield HealthFinding("ledger", fine=False, said=str(error), fix=error.fix)
        return
    with closing(ledger):
        yield _ledger(ledger)
        yield _newest(ledger)
        yield _trail(ledger)
        if key := key_of(project):
            yield _vault(project, ledger, key)
        yield _staging(project, ledger)
        yield _conversions(project, ledger)
        for audit in audited(project, ledger) if targets else ():
            yield finding_of(audit)


def finding_of(audit: TargetAudit) -> HealthFinding:
    """An audit as a finding: how many files, and how they were compared."""
    if not audit.compared:
        return HealthFinding(audit.target, fine=False, said=f"not compared: {audit.why}", fix=audit.fix)
    if audit.fine:
        said = (
            f"{counted(audit.files, 'file')} of {counted(audit.studies, 'study is', 'studies are')} there, "
            f"compared by {audit.compared}"
        )
        return HealthFinding(audit.target, fine=True, said=said)
    said = f"of {counted(audit.files, 'file')} {len(audit.missing)} are missing, {len(audit.changed)} differ"
    fix = "pacsflow audit PROJECT names them; put them back, or withdraw the study and run again"
    return HealthFinding(audit.target, fine=False, said=said, fix=fix)


def _ledger(ledger: Ledger) -> HealthFinding:
    if ledger.engine.dialect.name != "sqlite":
        return HealthFinding("ledger", fine=True, said="is kept by PostgreSQL, which checks its own pages")
    wrong = [str(row[0]) for row in ledger.all(sa.text("PRAGMA integrity_check(5)")) if row[0] != "ok"]
    orphans = ledger.all(sa.text("PRAGMA foreign_key_check"))
    if wrong or orphans:
        said = (
            f"is damaged: {counted(len(wrong), 'fault')} of its pages, {counted(len(orphans), 'record')} "
            f"without what they belong to"
        )
        fix = "restore it from a backup, or point workdir to a new folder and run again"
        return HealthFinding("ledger", fine=False, said=said, fix=fix)
    return HealthFinding("ledger", fine=True, said="is whole (integrity_check, foreign_key_check)")


def _newest(ledger: Ledger) -> HealthFinding:
    if wrong := ledger.behind():
        return HealthFinding("ledger's age", fine=False, said=wrong, fix=OLDER_FIX)
    said = (
        "is the one that was written last" if ledger.reached().mark else "is not known outside it before the next run"
    )
    return HealthFinding("ledger's age", fine=True, said=said)


def accept_ledger(project: Project, *, by: str) -> str:
    """Go on with a ledger that is an older copy than was written last; what was wrong, written to the audit trail.

    Raises as `open_ledger_of`.
    """
    with closing(open_ledger_of(project, any_copy=True)) as ledger:
        if wrong := ledger.behind():
            ledger.accept()
            acts.note(ledger, acts.Act("accept ledger", by, wrong))
    return wrong


def _trail(ledger: Ledger) -> HealthFinding:
    if (number := acts.broken(ledger)) is not None:
        said = f"was changed at act {number}, or before it"
        return HealthFinding("audit trail", fine=False, said=said, fix="compare it with a backup of the ledger")
    return HealthFinding("audit trail", fine=True, said=f"{counted(len(acts.trail(ledger)), 'act')}, unchanged")


def _vault(project: Project, ledger: Ledger, key: bytes) -> HealthFinding:
    vault = Vault(place_of_vault(project), key, lenient=True)
    wrong = [*map(str, vault.faults), *filter(None, [vault.compared(noted(project, ledger))])]
    said = f"{counted(vault.head.lines, 'line')}, {counted(len(vault.known()), 'patient')}"
    if wrong:
        return HealthFinding("vault", fine=False, said=f"{said}, but {_some(wrong)}", fix=VAULT_FIX)
    chained = "" if vault.chained else "; lost lines are noticed from the next run on"
    return HealthFinding("vault", fine=True, said=f"{said}, chained and as the ledger counts them{chained}")


def mark_lost(project: Project) -> int:
    """Have the next run fetch what staging lost, and convert again what it lost of conversions; the number of images.

    Raises as the ledger does.
    """
    with closing(open_ledger_of(project)) as ledger:
        missing, changed, _ = _held(project, ledger)
        studies.lose(ledger, [*missing, *changed])
        outcomes.lose(ledger, [key for key, _ in _unconverted(project, ledger)])
        return len(missing) + len(changed)


def _held(project: Project, ledger: Ledger) -> tuple[list[str], list[str], int]:
    """Paths of the instances held that are missing, and that are changed, by size and SHA-256; the number of all."""
    root = project.workdir / "staging"
    missing, changed, number = [], [], 0
    held = sa.select(tables.instances).where(tables.instances.c.status == "held")
    for row in ledger.all(held.order_by(tables.instances.c.path)):
        number += 1
        try:
            if facts_of(root / row.path) != (row.sha256, row.size):
                changed.append(row.path)
        except OSError:
            missing.append(row.path)
    return missing, changed, number


def _unconverted(project: Project, ledger: Ledger) -> list[tuple[str, str]]:
    """(series key, name) of the files of conversions that are missing."""
    root = project.workdir / "staging"
    rows = ledger.all(sa.select(tables.outputs).order_by(tables.outputs.c.series_key))
    named = [(row.series_key, name) for row in rows for name in row.facts.get("files", ())]
    return [(key, name) for key, name in named if not (root / name).exists()]


def _staging(project: Project, ledger: Ledger) -> HealthFinding:
    missing, changed, number = _held(project, ledger)
    if missing or changed:
        named = _some([f"missing: {path}" for path in missing] + [f"changed: {path}" for path in changed])
        return HealthFinding("staging", fine=False, said=f"of {counted(number, 'image')} {named}", fix=_AGAIN)
    return HealthFinding("staging", fine=True, said=f"{counted(number, 'image')}, as they were written")


def _conversions(project: Project, ledger: Ledger) -> HealthFinding:
    missing = [name for _, name in _unconverted(project, ledger)]
    if missing:
        return HealthFinding("conversions", fine=False, said=f"missing: {_some(missing)}", fix=_AGAIN)
    return HealthFinding("conversions", fine=True, said="all files are there")


def _some(texts: list[str]) -> str:
    more = f", and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more
