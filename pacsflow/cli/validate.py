"""validate: everything wrong with a project at once, or what it will do."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pacsflow.cli.show import console, counted
from pacsflow.errors import Problem, ProjectError, SecretError
from pacsflow.hours import told
from pacsflow.projects import Inspection, Project, inspect_project, third_party, unspell
from pacsflow.pseudonyms import nobody
from pacsflow.query import Row, load
from pacsflow.secrets import KEY_BYTES, project_key
from schemas import DeidProfile, PacsNode
from schemas.export import Target

MOST = 200
"""How many problems or warnings are printed."""


def validate(
    project: Annotated[
        Path, typer.Argument(help="Project folder", exists=True, file_okay=False, resolve_path=True, metavar="PROJECT")
    ],
) -> None:
    """Check a project and all its rows. Nothing is asked of a PACS. Exit 2 where something is to be mended."""
    problems: list[Problem] = []
    profile = _profile(inspect_project(project), problems)
    try:
        read, rows = load(project)
    except ProjectError as error:
        told = {(each.file, each.field) for each in error.problems}
        problems = [each for each in problems if (each.file, each.field) not in told] + error.problems
    if problems:
        _show_problems(ProjectError(problems).problems)
        raise typer.Exit(ProjectError.exit_code)
    _show_summary(read, rows, profile)


def _profile(inspection: Inspection, problems: list[Problem]) -> list[str]:
    """The profile in sentences; what is wrong with it, with its line."""
    from pacsflow.deid import compile_profile

    model = inspection.models.get("deid.yaml")
    if not isinstance(model, DeidProfile):
        return []
    try:
        return compile_profile(model, bytes(KEY_BYTES), pseudonyms=nobody(model.patient.source)).describe()
    except ProjectError as error:
        document = inspection.documents["deid.yaml"]
        problems += [replace(each, line=each.line or document.line_of(unspell(each.field))) for each in error.problems]
        return []


def _show_problems(problems: Sequence[Problem]) -> None:
    if console.is_terminal:
        table = Table("where", "field", "what is wrong", "what to write", title=f"{len(problems)} to mend")
        for problem in problems[:MOST]:
            where = f"{problem.file}:{problem.line}" if problem.line else problem.file
            table.add_row(*map(escape, (where, problem.field, problem.message, problem.remedy)))
        console.print(table)
    else:
        for problem in problems[:MOST]:
            console.print(str(problem), markup=False, soft_wrap=True)
    more = len(problems) - MOST
    console.print(f"… and {more} more" if more > 0 else f"{len(problems)} to mend; nothing was asked of the PACS")


def _show_summary(project: Project, rows: Sequence[Row], profile: Sequence[str]) -> None:
    console.print(f"[green]✓[/] {escape(project.settings.name)} is right: {counted(len(rows), 'row')}", soft_wrap=True)
    for name, sentence in (*_sentences(project, rows), *(("profile", each) for each in profile)):
        console.print(f"[bold]{name:<9}[/] {escape(sentence)}", soft_wrap=True)
    warnings = [f"row {row.number} ({row.origin[0]}:{row.origin[1]}): {text}" for row in rows for text in row.warnings]
    for warning in warnings[:MOST]:
        console.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)
    if len(warnings) > MOST:
        console.print(f"… and {len(warnings) - MOST} more warnings")


def _sentences(project: Project, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    node = project.pacs
    files = Counter(row.origin[0] for row in rows)
    asked = Counter(keyword for row in rows for keyword, value in row.keys.items() if value)
    yield "rows", ", ".join(f"{number} in {file}" for file, number in files.items())
    yield "asked by", ", ".join(f"{keyword} ({number})" for keyword, number in asked.most_common())
    yield "node", _address(node)
    for other in project.fallback:
        yield "fallback", _address(other)
    yield (
        "gently",
        f"{counted(node.limits.associations, 'association')} at most, {counted(node.retries.attempts, 'attempt')}",
    )
    if node.hours:
        yield "hours", told(node.hours)
    if to := third_party(node):
        how = f"compared at {project.arrivals.name}" if project.arrivals else "by the node's own numbers"
        yield "sent to", f"{to.aet}, IDENTIFIABLE, {how}; nothing comes here"
    yield "key", _key(project)
    for target in project.export.targets:
        yield "target", f"{target.kind} {_place(target)}"
    yield "workdir", str(project.workdir)


def _place(target: Target) -> str:
    for name in ("path", "url"):
        if found := getattr(target, name, ""):
            return str(found)
    return f"{getattr(target, 'called_aet', '')} at {getattr(target, 'host', '')}:{getattr(target, 'port', '')}"


def _address(node: PacsNode) -> str:
    if node.protocols == ("dimse",):
        return f"{node.name}: {node.place}, as {node.calling_aet}"
    ways = node.finds_by if len(node.protocols) == 1 else f"queries by {node.finds_by}, images by {node.fetches_by}"
    return f"{node.name}: {node.place}; {ways}"


def _key(project: Project) -> str:
    if project.deid.key is None:
        return "none"
    try:
        project_key(project.deid)
    except SecretError as error:
        return f"not usable here: {error} -> {error.remedy}"
    return f"{project.deid.key}, found"
