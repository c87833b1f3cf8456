"""What a person wrote into the plan: `decision` in its sheet `held`, `want` in its sheet `series`."""

from pathlib import Path

from pacsflow.errors import Problem, ProjectError
from pacsflow.report.filled import DECISIONS, HELD, SERIES, FilledLine, read_lines
from pacsflow.wording import counted

_YES = ("yes", "y", "1", "1.0", "x", "true")
_NO = ("no", "n", "0", "0.0", "", "false")


def read_decisions(path: Path) -> list[tuple[int, str, str, str]]:
    """Row number, short name of the study, `take` or `drop`, key of the row ('' in a file without that column).

    Lines without a decision are left out.

    Reads plan.xlsx, or plan-held.csv. Raises ProjectError with all mistakes, by line.
    """
    problems: list[Problem] = []
    decided = []
    for line in read_lines(path, HELD, ("row", "study", "decision"), optional=("row key",)):
        row, study, decision, key = line.texts
        if mistake := _mistake(row, study, decision):
            problems.append(Problem(path.name, line.number, *mistake))
        elif decision:
            decided.append((int(float(row)), study, decision.casefold(), key))
    if problems:
        raise ProjectError(problems)
    return decided


def read_choice(path: Path, *, visible: bool | None = None) -> dict[str, bool]:
    """Short name of a series -> whether it is wanted, from plan.xlsx or plan-series.csv; an empty cell means no.

    `visible`: lines that a filter hides are not wanted (True), or say themselves (False). Raises ProjectError with all
    mistakes, by line; also where lines are hidden and `visible` is None.
    """
    lines = read_lines(path, SERIES, ("series", "want"))
    problems = [Problem(path.name, line.number, *mistake) for line in lines if (mistake := _choice_mistake(line))]
    hidden = [line.number for line in lines if line.hidden]
    if hidden and visible is None:
        fix = "--visible: what is hidden is not wanted; --hidden-too: it counts as its `want` says"
        problems.append(
            Problem(path.name, hidden[0], "want", f"a filter hides {counted(len(hidden), 'line')} of `series`", fix)
        )
    chosen: dict[str, bool] = {}
    for line in lines:
        wanted = line.texts[1].casefold() in _YES and not (visible and line.hidden)
        if chosen.setdefault(line.texts[0], wanted) != wanted:
            fix = "leave one of the lines"
            problems.append(Problem(path.name, line.number, "want", "says otherwise of a series named above", fix))
    if problems:
        raise ProjectError(problems)
    return chosen


def _choice_mistake(line: FilledLine) -> tuple[str, str, str] | None:
    series, want = line.texts
    if want.casefold() not in (*_YES, *_NO):
        return "want", f"is neither yes nor no (sheet `{SERIES}`)", "write yes or no; x or 1, 0 or nothing will do"
    if not series:
        return "series", f"the series is gone (sheet `{SERIES}`)", "plan again, and change the column `want` only"
    return None


def _mistake(row: str, study: str, decision: str) -> tuple[str, str, str] | None:
    if not decision:
        return None
    if decision.casefold() not in DECISIONS:
        return "decision", "is not a decision", "write take or drop, or leave it empty"
    if not row.removesuffix(".0").isdecimal() or not study:
        return "row", "the row or the study is gone", "plan again, and change the column `decision` only"
    return None
