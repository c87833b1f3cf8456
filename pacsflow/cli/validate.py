"""validate: everything wrong with a project at once, or what it will do."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

import typer
from rich.markup import escape

from pacsflow.cli.answering import Json, answer
from pacsflow.cli.project_folder import HERE, Folder
from pacsflow.cli.show import console
from pacsflow.errors import Problem, ProjectError, SecretError
from pacsflow.hours import told
from pacsflow.projects import Inspection, Project, inspect_project, third_party, unspell
from pacsflow.query import Row, load
from pacsflow.secrets import KEY_BYTES, project_key
from pacsflow.wording import counted
from schemas.deid import DeidProfile
from schemas.export import Target
from schemas.pacs import PacsNode

MOST = 200
"""How many problems or warnings are printed."""
SHOWN = 8
"""How many rows or cells one of them names."""


def validate(
    project: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Check a project and all its rows. Nothing is asked of a PACS. Exit 2 where something is to be fixed."""
    problems: list[Problem] = []
    profile = _profile(inspect_project(project), problems)
    try:
        read, rows = load(project)
    except ProjectError as error:
        told = {(each.file, each.field) for each in error.problems}
        problems = [each for each in problems if (each.file, each.field) not in told] + error.problems
    if as_json:
        _answer(problems, None if problems else read, () if problems else rows)
        return
    if problems:
        _show_problems(ProjectError(problems).problems)
        raise typer.Exit(ProjectError.exit_code)
    _show_summary(read, rows, profile)


def _answer(problems: Sequence[Problem], project: Project | None, rows: Sequence[Row]) -> None:
    """Problems and warnings, for scripts."""
    found, name = ProjectError(list(problems)).problems, project.settings.name if project else ""
    warnings = [*(_of_prefect(project) if project else ()), *_warnings(rows)]
    code = ProjectError.exit_code if found else 0
    counts = {"problems": len(found), "warnings": len(warnings), "rows": len(rows)}
    more = {"problems": [asdict(each) for each in found], "warnings": warnings}
    answer("validate", "mistakes" if found else "right", exit_code=code, project=name, counts=counts, **more)
    if code:
        raise typer.Exit(code)


def _profile(inspection: Inspection, problems: list[Problem]) -> list[str]:
    """The profile in sentences; what is wrong with it, with its line."""
    from pacsflow.deid.compile import describe_profile

    model = inspection.models.get("deid.yaml")
    if not isinstance(model, DeidProfile):
        return []
    try:
        return describe_profile(model, bytes(KEY_BYTES), given=model.patient.source != "keyed")
    except ProjectError as error:
        document = inspection.documents["deid.yaml"]
        problems += [replace(each, line=each.line or document.line_of(unspell(each.field))) for each in error.problems]
        return []


def _show_problems(problems: Sequence[Problem]) -> None:
    groups = _grouped(problems)
    for same in groups[:MOST]:
        one = same[0]
        named = f"{one.field}: " if one.field else ""
        told = f" -> {one.fix}" if one.fix else ""
        sentence = f"{_places(same)}: {named}{one.message}{told}"
        console.print(sentence, markup=False, soft_wrap=not console.is_terminal)
    more = len(groups) - MOST
    console.print(f"and {more} more" if more > 0 else f"{len(problems)} to fix; nothing was asked of the PACS")


def _grouped(problems: Sequence[Problem]) -> list[list[Problem]]:
    """The problems, those of a table's rows together that differ by their line only."""
    groups: dict[tuple[str, ...], list[Problem]] = {}
    for each in problems:
        alone = str(each) if each.file.endswith((".yaml", ".yml")) else ""
        groups.setdefault((each.file, each.field, each.message, each.fix, alone), []).append(each)
    return list(groups.values())


def _places(problems: Sequence[Problem]) -> str:
    """`cohort.xlsx:5 (B5)`; `12 rows of cohort.xlsx (B2, B3, ...)` where a mistake is made often."""
    if len(problems) == 1:
        return problems[0].where
    named = [each.cell or f"line {each.line}" for each in problems]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return f"{counted(len(problems), 'row')} of {problems[0].file} ({', '.join(named[:SHOWN])}{more})"


def _show_summary(project: Project, rows: Sequence[Row], profile: Sequence[str]) -> None:
    console.print(f"[green]✓[/] {escape(project.settings.name)} is right: {counted(len(rows), 'row')}", soft_wrap=True)
    for name, sentence in (*_sentences(project, rows), *(("profile", each) for each in profile)):
        console.print(f"[bold]{name:<9}[/] {escape(sentence)}", soft_wrap=True)
    warnings = [*_of_prefect(project), *_warnings(rows)]
    for warning in warnings[:MOST]:
        console.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)
    if len(warnings) > MOST:
        console.print(f"and {counted(len(warnings) - MOST, 'more warning')}")


def _of_prefect(project: Project) -> Iterator[str]:
    """That Prefect's API hands out the secrets in it, where the project has some there."""
    if any("${prefect:" in str(document.value) for document in project.documents.values()):
        from tasks.server_facts import told_of_secrets

        yield from filter(None, [told_of_secrets()])


def _warnings(rows: Sequence[Row]) -> Iterator[str]:
    """What is odd about rows, each oddity once: `12 rows (2, 3, 4 ...): PatientID: ...`."""
    told: dict[str, list[Row]] = {}
    for row in rows:
        for text in row.warnings:
            told.setdefault(text, []).append(row)
    for text, odd in told.items():
        if len(odd) == 1:
            yield f"row {odd[0].number} ({odd[0].origin[0]}:{odd[0].origin[1]}): {text}"
        else:
            more = f" and {len(odd) - SHOWN} more" if len(odd) > SHOWN else ""
            yield f"{counted(len(odd), 'row')} ({', '.join(str(row.number) for row in odd[:SHOWN])}{more}): {text}"


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
        "at once",
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
    protocols = (
        node.finds_by if len(node.protocols) == 1 else f"queries by {node.finds_by}, images by {node.fetches_by}"
    )
    return f"{node.name}: {node.place}; {protocols}"


def _key(project: Project) -> str:
    if project.deid.key is None:
        return "none"
    try:
        project_key(project.deid)
    except SecretError as error:
        return f"not usable here: {error} -> {error.fix}"
    return f"{project.deid.key}, found"
