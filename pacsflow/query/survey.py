"""A table looked at as a whole: what single cells cannot tell. Hints come once per column, with lines to paste."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pacsflow.errors import Problem
from pacsflow.query.columns import IGNORE
from pacsflow.query.dates import NO_DATE
from pacsflow.query.hospital import meant_by
from pacsflow.query.raw import Merged, RawRow, RawTable
from pacsflow.query.row import Row
from pacsflow.wording import counted

_SHARE, _FEWEST = 0.7, 3
"""How many values of a column must have one length, and at least how many, that another length is odd."""
_NAMED = 10
"""How many ranges a message names."""
_IDENTIFIERS = ("PatientID", "AccessionNumber")
_FORMATS = (
    "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d",
    "%Y.%m.%d", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d. %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y%m",
)  # fmt: skip


def odd_lengths(rows: Iterable[Row]) -> list[Row]:
    """The rows, those with an identifier of another length than all others warned of."""
    known = list(rows)
    for keyword in _IDENTIFIERS:
        values = {row.number: row.keys.get(keyword, "") for row in known}
        lengths = Counter(len(value) for value in values.values() if value and not set("*?") & set(value))
        usual, number = lengths.most_common(1)[0] if lengths else (0, 0)
        if number < max(_FEWEST, _SHARE * lengths.total()) or len(lengths) == 1:
            continue
        told = (
            f"{keyword}: has not the {counted(usual, 'character')} that {number} of "
            f"{counted(lengths.total(), 'row has', 'rows have')}"
        )
        known = [
            replace(row, warnings=(*row.warnings, told))
            if (value := values[row.number]) and len(value) != usual and not set("*?") & set(value)
            else row
            for row in known
        ]
    return known


def with_formats(problems: Sequence[Problem], raw: RawTable, columns: Mapping[str, str]) -> list[Problem]:
    """The problems, dates that cannot be read with the format that all values of their column fit."""
    wrong = {problem.field for problem in problems if problem.message == NO_DATE}
    advice = {heading: _advice(raw.rows, heading) for heading in wrong if heading in columns}
    return [
        replace(problem, fix=advice[problem.field])
        if problem.message == NO_DATE and advice.get(problem.field)
        else problem
        for problem in problems
    ]


def _advice(rows: Sequence[RawRow], heading: str) -> str:
    texts = [text for row in rows if heading in row.cells and (text := row.cells[heading].text.strip())]
    fitting, odd = fitting_formats(texts)
    if not fitting:
        return ""
    number = f"all {counted(odd, 'value fits', 'values fit')}" if odd > 1 else "it fits"
    if len(fitting) == 1:
        return f"{number} {fitting[0]}: write `date_formats: ['{fitting[0]}']` under `table:`"
    either = " and ".join(fitting)
    return f"{number} {either}: write the one that is right under `table:`, as `date_formats: ['{fitting[0]}']`"


def fitting_formats(texts: Sequence[str]) -> tuple[list[str], int]:
    """The formats that fit all dates that are not YYYYMMDD or YYYY-MM-DD, and the number of these dates."""
    odd = [text for text in texts if not re.fullmatch(r"[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}", text)]
    return [form for form in _FORMATS if odd and all(_fits(text, form) for text in odd)], len(odd)


def _fits(text: str, form: str) -> bool:
    try:
        dt.datetime.strptime(text, form)  # noqa: DTZ007 a date has no zone
    except ValueError:
        return False
    return True


def with_columns(problems: Sequence[Problem]) -> list[Problem]:
    """The problems, the first heading that nobody knows with a line to paste for all of them."""
    unknown = [problem.field for problem in problems if problem.message == "unknown column"]
    taken: set[str] = set()
    lines = []
    for heading in unknown:
        keyword = meant_by(heading)
        if keyword in taken or not keyword:
            keyword = IGNORE
        taken |= {keyword} - {IGNORE}
        lines.append(f"{_quoted(heading)}: {keyword}")
    if not taken and len(unknown) < 2:  # noqa: PLR2004 its own advice says as much
        return list(problems)
    offer = f"ready to paste under `table:`, look whether it is right: columns: {{{', '.join(lines)}}}"
    first = next((p for p in problems if p.message == "unknown column"), None)
    return [replace(p, fix=f"{p.fix}; {offer}") if p is first else p for p in problems]


def _quoted(heading: str) -> str:
    """A heading as a YAML key within braces."""
    plain = re.fullmatch(r"[^\W\d_][\w .()/-]*", heading) and heading.casefold() not in {
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
    }
    return heading if plain else '"' + heading.replace("\\", "\\\\").replace('"', '\\"') + '"'


def offending(raw: RawTable, ignored: frozenset[str], skipped: frozenset[int]) -> tuple[Merged, ...]:
    """Merged cells of a table, but for those in ignored columns and in lines that are skipped."""
    return tuple(
        one
        for one in raw.merged
        if one.headings - ignored and not set(range(one.lines[0], one.lines[1] + 1)) <= skipped
    )


def merged_fault(merged: Sequence[Merged]) -> tuple[str, str]:
    """What is wrong with merged cells, and what to do."""
    more = f" and {len(merged) - _NAMED} more" if len(merged) > _NAMED else ""
    named = ", ".join(one.cells for one in merged[:_NAMED])
    return f"cells {named}{more} are merged", "unmerge them, fill every cell"
