"""select: a person chooses series by eye."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.prompt import Prompt
from rich.table import Column

from pacsflow.cli.project_folder import Folder
from pacsflow.cli.show import Folding, console, show_error
from pacsflow.errors import ProjectError
from pacsflow.system import user_name
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pacsflow.ledger.choices import Candidate
    from pacsflow.run.people.choices import ChosenSeries, Group

Patterns = list[str] | None
_PROMPT = "take 1-3 T1* · drop /scout/i · only 2 Modality=MR · ok · quit"


def select(  # noqa: PLR0913, PLR0917 - a command's parameters are its options
    project: Folder,
    listed: Annotated[bool, typer.Option("--list", help="Show the series found, in groups; choose nothing")] = False,
    only: Annotated[
        Patterns, typer.Option(help="Want these series and no others: a description with * and ?, KEYWORD=…, 3, 2-5")
    ] = None,
    take: Annotated[Patterns, typer.Option(help="Want these series too; may be repeated")] = None,
    drop: Annotated[Patterns, typer.Option(help="Do not want these, whatever --take says; may be repeated")] = None,
    workbook: Annotated[
        Path | None, typer.Option(help="The plan's workbook (or plan-series.csv) with its column `want` filled in")
    ] = None,
    visible: Annotated[
        bool | None,
        typer.Option(
            "--visible/--hidden-too", help="Of a filtered workbook: what is hidden is not wanted, or as it says"
        ),
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Let the rules of query.yaml decide again")] = False,
) -> None:
    """Choose which of the series found `run` is to take; without options, by questions. Recorded with who and when."""
    from pacsflow.run.people.choices import choose, choose_in_workbook, forget_choices, grouped, series_found

    patterns = bool(only or take or drop)
    if sum([listed, patterns, workbook is not None, forget]) > 1 or (visible is not None and workbook is None):
        fix = "--list | --only, --take, --drop | --workbook plan.xlsx [--visible or --hidden-too] | --forget"
        raise ProjectError.at("select", "these options do not go together", fix)
    who = user_name()
    if workbook:
        _tell(choose_in_workbook(project, workbook, visible=visible, by=who), who)
        return
    if forget:
        forget_choices(project, by=who)
        console.print("the rules of query.yaml decide of all series again")
        return
    found = series_found(project)
    groups, wanted = grouped(found), {one.key for one in found if one.wanted}
    if listed:
        _show(groups, wanted)
        return
    if patterns:
        wanted = _changed(groups, wanted, [("only", only), ("take", take), ("drop", drop)])
    elif not (console.is_terminal and sys.stdin.isatty()):
        fix = "--list shows them; then --only, --take, --drop, or --workbook"
        raise ProjectError.at("select", "series cannot be chosen here: this is not a terminal", fix)
    else:
        wanted = _asked(groups, wanted)
    _tell(choose(project, wanted, seen=found, by=who), who)


def _changed(groups: "Sequence[Group]", wanted: set[str], said: Sequence[tuple[str, Patterns]]) -> set[str]:
    """The keys of the series wanted after verbs with their patterns."""
    from pacsflow.run.people.choices import picked

    for verb, words in said:
        if words:
            named = picked(groups, words)
            wanted = named if verb == "only" else wanted | named if verb == "take" else wanted - named
    return wanted


def _asked(groups: "Sequence[Group]", wanted: set[str]) -> set[str]:
    """The keys of the series wanted, after as many changes as the person likes. Raises Abort on `quit`."""
    _show(groups, wanted)
    while True:
        verb, *words = _words(Prompt.ask(escape(_PROMPT), console=console)) or [""]
        verb = verb.casefold()
        if verb == "ok":
            return wanted
        if verb in ("quit", "q"):
            raise typer.Abort
        if verb not in ("only", "take", "drop") or not words:
            console.print("say take, drop or only with numbers or descriptions, a blank in one in quotes; ok, quit")
            continue
        try:
            wanted = _changed(groups, wanted, [(verb, words)])
        except ProjectError as error:
            show_error(error)
        else:
            _show(groups, wanted)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return []


def _show(groups: "Sequence[Group]", wanted: set[str]) -> None:
    right = [Column(name, justify="right") for name in ("studies", "series", "images")]
    whole = [Column(name, overflow="fold") for name in ("study description", "series description")]
    table = Folding("", *whole, "modality", *right, "want")
    for group in groups:
        numbers = (f"{number:,}" for number in (group.studies, len(group.series), group.images))
        names = (escape(name) or "-" for name in group.name)
        table.add_row(str(group.number), *names, *numbers, _share(group.series, wanted))
    console.print(table)


def _share(series: "Sequence[Candidate]", wanted: set[str]) -> str:
    number = sum(one.key in wanted for one in series)
    return "no" if not number else "yes" if number == len(series) else f"{number} of {len(series)}"


def _tell(chosen: "ChosenSeries", who: str) -> None:
    console.print(
        f"{counted(chosen.wanted, 'series', 'series')} wanted, {chosen.dropped} not, {chosen.changed} of them "
        f"otherwise than before: chosen by {who}; a run takes exactly these",
        soft_wrap=True,
    )
    if chosen.left:
        console.print(f"{chosen.left} series of the plan are not in the file: they stay as they were")
