"""vault: the link between patients and pseudonyms."""

import csv
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.project_folder import Folder
from pacsflow.cli.show import console
from pacsflow.errors import ProjectError, WorkLeftError
from pacsflow.export.names import in_names
from pacsflow.projects import read_project
from pacsflow.secrets import project_key
from pacsflow.staging import PRIVATE, whole_file
from pacsflow.system import user_name
from pacsflow.vault import VAULT_FIX, Link, Vault
from pacsflow.wording import counted

HEADINGS = (*Link.__dataclass_fields__, "folder", "bids_label")
"""`folder`, `bids_label`: how the pseudonym is spelled in names of folders, and in a BIDS dataset behind `sub-`."""
app = typer.Typer(help="The encrypted link table: patient, pseudonym, day shift.", no_args_is_help=True)


@app.callback()
def _vault() -> None:
    """The encrypted link table: patient, pseudonym, day shift."""


@app.command("export")
def export(
    project: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV file to write; readable by you only", dir_okay=False)],
) -> None:
    """Write the link table as CSV; this needs the project's key. IDENTIFYING: keep it apart from the images."""
    from pacsflow.ledger.acts import Act, note
    from pacsflow.run.stores import open_ledger_of
    from pacsflow.run.vaults import place_of_vault

    opened = read_project(project)
    vault = Vault(place_of_vault(opened), project_key(opened.deid), lenient=True)
    links, damaged = vault.links(), vault.faults
    _check_ours(out)
    with closing(open_ledger_of(opened)) as ledger:
        note(ledger, Act("export", user_name(), f"the link table: {counted(len(links), 'patient')}"))
    with whole_file(out, PRIVATE) as half, half.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        writer.writerows(
            [link.patient_id, link.issuer, link.pseudonym, link.shift_days, *in_names(link.pseudonym)] for link in links
        )
    console.print(f"{counted(len(links), 'patient')} written to {out}", soft_wrap=True)
    if damaged:
        raise WorkLeftError(f"the vault is damaged: {damaged[0]}; what can be read is written", fix=VAULT_FIX)


@app.command("accept")
def accept(project: Folder) -> None:
    """Go on with a vault that lost lines or was damaged, and of which there is no backup. Recorded with who and when.

    Patients whose lines are lost get their pseudonyms again where they come from the key, a column or a service;
    numbers of `source: sequential` that were given are not given again. A damaged vault stays beside the new one.
    """
    from pacsflow.run.stores import open_ledger_of
    from pacsflow.run.vaults import accept_vault

    opened = read_project(project)
    with closing(open_ledger_of(opened)) as ledger:
        wrong = accept_vault(opened, ledger, project_key(opened.deid), by=user_name())
    for one in wrong:
        console.print(f"accepted: {one}", markup=False, soft_wrap=True)
    if not wrong:
        console.print("nothing is wrong with the vault")


def _check_ours(out: Path) -> None:
    """Raise ProjectError where a file stands that is not an earlier link table: it would be lost."""
    if not out.exists():
        return
    with out.open("rb") as file:
        head = file.read(1 << 10).decode("utf-8", "replace").splitlines()[:1]
    if head not in ([",".join(HEADINGS)], [",".join(Link.__dataclass_fields__)]):
        raise ProjectError.at(str(out), "is there already, and is not a link table", "name another file", field="--out")
