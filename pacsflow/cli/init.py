"""init: a new project folder."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from pacsflow.cli.show import console
from pacsflow.errors import ProjectError
from pacsflow.projects.beginning import begin_project, usual_text
from pacsflow.projects.first_answers import with_node, with_table
from pacsflow.projects.templates import TEMPLATES, USUAL, texts_of_template
from pacsflow.query import load

if TYPE_CHECKING:
    from pacsflow.query.suggesting import Suggestion

    TemplateName = str
else:
    TemplateName = Literal[tuple(TEMPLATES)]
_KINDS = "; ".join(f"{name}: {template.what}" for name, template in TEMPLATES.items())


def init(  # noqa: PLR0913 - a command's parameters are its options
    name: Annotated[Path, typer.Argument(help="Name of the project: the folder to make", metavar="NAME")],
    *,
    template: Annotated[TemplateName, typer.Option(help=f"What to begin with. {_KINDS}", metavar="KIND")] = USUAL,
    table: Annotated[
        Path | None,
        typer.Option(
            help="Your table of patients or studies: its columns, dates and identifiers are recognised, nothing is "
            "copied",
            metavar="FILE",
        ),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Host name or address of the PACS")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port of the PACS")] = None,
    called: Annotated[str | None, typer.Option(help="AE title of the PACS", metavar="AET")] = None,
    calling: Annotated[str | None, typer.Option(help="Our own AE title, as the PACS knows it", metavar="AET")] = None,
) -> None:
    """Begin a project: a commented folder that validates, and a key of its own."""
    said: dict[str, str | int | None] = {"host": host, "port": port, "called_aet": called, "calling_aet": calling}
    node = {field: value for field, value in said.items() if value is not None}
    texts = texts_of_template(template)
    if node:
        texts["pacs.yaml"] = with_node(texts.get("pacs.yaml") or usual_text("pacs.yaml"), node)
    found = _read(table) if table else None
    if found and table:
        fields: dict[str, Any] = {"file": _from(name.absolute(), table), **found.table}
        query = texts.get("query.yaml") or usual_text("query.yaml")
        texts["query.yaml"] = with_table(query, fields, level=found.level, questions=found.questions)
    begun = begin_project(name.absolute(), texts)
    console.print(f"[green]✓[/] {name} is begun", soft_wrap=True)
    console.print(f"  its key:    {begun.key}  (keep a copy in a safe place)", markup=False, soft_wrap=True)
    console.print(f"  it writes:  {begun.workdir}", markup=False, soft_wrap=True)
    if found:
        _tell(found)
    open_files = " and ".join(
        f"{name}/{file}" for file, known in (("pacs.yaml", host), ("query.yaml", table)) if not known
    )
    edit = f"edit {open_files}, then " if open_files else ""
    console.print(f"  next:       {edit}pacsflow validate {name}", markup=False, soft_wrap=True)
    _check(begun.folder, with_table=bool(found))


def _read(table: Path) -> "Suggestion":
    from pacsflow.query.fault import FaultError
    from pacsflow.query.suggesting import suggest

    try:
        return suggest(table)
    except FaultError as fault:
        raise ProjectError.at(table.name, fault.message, fault.fix, field="--table") from None


def _from(folder: Path, table: Path) -> str:
    """Where the table lies, from the project's folder: relative where it lies near it."""
    near = os.path.relpath(table.absolute(), folder)
    far = near.count("..") > 2  # noqa: PLR2004 - the folder of the folder of projects
    return str(table.absolute()) if far else near


def _tell(found: "Suggestion") -> None:
    for sentence in found.said:
        console.print(f"  table:      {escape(sentence)}", soft_wrap=True)
    for question in found.questions:
        console.print(f"  [yellow]question:[/]   {escape(question)}", soft_wrap=True)


def _check(folder: Path, *, with_table: bool) -> None:
    """That it is right; a table of one's own may have mistakes, which `validate` names."""
    try:
        load(folder)
    except ProjectError as error:
        if not with_table:
            raise
        number = len(error.problems)
        console.print(
            f"  [yellow]![/] {number} to fix or to answer first: pacsflow validate lists them", soft_wrap=True
        )
