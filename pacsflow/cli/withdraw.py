"""withdraw: take away what was delivered of a row, a patient, a study, or what no row wants any more."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pacsflow.cli.project_folder import Folder
from pacsflow.cli.show import advice, console
from pacsflow.errors import ProjectError, WorkLeftError
from pacsflow.system import user_name
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pacsflow.run.withdrawing import Withdrawal


def withdraw(
    project: Folder,
    row: Annotated[str | None, typer.Argument(help="Id of the row", metavar="ROW")] = None,
    patient: Annotated[str, typer.Option(metavar="ID", help="Patient ID: all studies of this patient")] = "",
    study: Annotated[str, typer.Option(metavar="KEY", help="Study, as the plan names it, or its UID")] = "",
    unwanted: Annotated[bool, typer.Option("--unwanted", help="All that no row of the project wants any more")] = False,
    gone: Annotated[
        list[str] | None,
        typer.Option(metavar="TARGET", help="A target where you deleted it by hand, as `dicom 1`; may be repeated"),
    ] = None,
) -> None:
    """Take away what was delivered, everywhere it can be, and write a certificate. Exit 1 where something stays."""
    from pacsflow.run.people.withdrawal import withdraw_from
    from pacsflow.run.withdrawing import WithdrawRequest

    if sum([row is not None, bool(patient), bool(study), unwanted]) != 1:
        fix = "pacsflow withdraw PROJECT ROW | --patient ID | --study KEY | --unwanted"
        raise ProjectError.at("withdraw", "say what is to be taken away", fix)
    wish = WithdrawRequest(row or "", patient, study, unwanted, tuple(gone or ()))
    done = withdraw_from(project, wish, by=user_name())
    show_withdrawal(done)
    if done.stays:
        raise WorkLeftError("something stays, see above", fix="delete it there; then the same command again")


def show_withdrawal(done: "Withdrawal") -> None:
    """What was taken away from where, what stays, and where the certificate is."""
    from pacsflow.run.people.withdrawal import places_of

    console.print(f"{counted(len(done.studies), 'study', 'studies')} withdrawn")
    for place, number, taken in places_of(done):
        studies, files = counted(number, "study", "studies"), counted(taken, "file")
        console.print(f"  {place}: {studies}, {files} taken away", markup=False, soft_wrap=True)
    if done.links:
        console.print(f"  vault: {counted(done.links, 'patient')} taken out")
    for key, one in done.stays:
        console.print(f"[red]✗[/] {escape(one.place)}: study {key} stays: {escape(one.why)}", soft_wrap=True)
        if one.fix:
            console.print(f"  [bold]fix:[/] {advice(one.fix)}", soft_wrap=True)
    for note in done.notes:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    console.print(f"certificate: {Path(str(done.certificate))}", markup=False, soft_wrap=True)
