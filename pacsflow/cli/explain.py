"""explain: a profile in sentences, and what it does to one file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pacsflow.cli.profile import read_profile
from pacsflow.cli.show import Folding, console
from pacsflow.secrets import KEY_BYTES, project_key
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pacsflow.deid.explain import Change


def explain(
    profile: Annotated[
        Path, typer.Argument(help="A deid.yaml, or a project folder", exists=True, resolve_path=True, metavar="PROFILE")
    ],
    file: Annotated[
        Path | None,
        typer.Argument(help="A DICOM file to try it on", exists=True, dir_okay=False, metavar="[FILE]"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Elements that stay as they are, too")] = False,
) -> None:
    """Say what a profile does, in sentences; and for FILE, in a table: tag, keyword, before, after, rule.

    The table is IDENTIFYING: it shows what stands in FILE, to you who have it. Nothing is written or logged.
    """
    from pacsflow.deid import compile_profile
    from pacsflow.deid.explain import explain as changes_of
    from pacsflow.pseudonyms import empty_source

    chosen = read_profile(profile).profile
    for sentence in compile_profile(
        chosen, bytes(KEY_BYTES), pseudonyms=empty_source(chosen.patient.source)
    ).describe():
        console.print(escape(sentence), soft_wrap=True)
    if file is None:
        return
    changes = changes_of(chosen, project_key(chosen), file)
    _show([each for each in changes if every or each.before != each.after])
    kept = sum(each.before == each.after for each in changes)
    console.print(
        f"{counted(len(changes) - kept, 'element differs', 'elements differ')}, {kept} stay as they "
        f"are{'' if every else ' (--all)'}"
    )


def _show(changes: list["Change"]) -> None:
    table = Folding(
        "tag", "keyword", "before", "after", "rule", title="IDENTIFYING: `before` is what stands in the file"
    )
    for each in changes:
        table.add_row(*map(_cell, (each.tag, each.keyword, each.before, each.after, each.rule)))
    console.print(table)


def _cell(text: str | None) -> str:
    return "—" if text is None else escape(text)
