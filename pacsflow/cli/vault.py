"""vault: the link between patients and pseudonyms."""

import csv
import os
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.project import Folder
from pacsflow.cli.show import console, counted
from pacsflow.projects import read_project
from pacsflow.secrets import project_key
from pacsflow.vault import Link, Vault

app = typer.Typer(help="The encrypted link table: patient, pseudonym, day shift.", no_args_is_help=True)


@app.callback()
def _vault() -> None:
    """The encrypted link table: patient, pseudonym, day shift."""


@app.command("export")
def export(
    project: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV file to write; readable by you only", dir_okay=False)],
) -> None:
    """Write the link table as CSV, for whoever holds the project's key. IDENTIFYING: keep it apart from the images."""
    opened = read_project(project)
    links = Vault(opened.workdir / "private" / "vault", project_key(opened.deid)).links()
    descriptor = os.open(out, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        os.fchmod(file.fileno(), 0o600)
        writer = csv.writer(file)
        writer.writerow(list(Link.__dataclass_fields__))
        writer.writerows([link.patient_id, link.issuer, link.pseudonym, link.shift_days] for link in links)
    console.print(f"{counted(len(links), 'patient')} written to {out}", soft_wrap=True)
