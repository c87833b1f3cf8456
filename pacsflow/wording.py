"""Words for people: counts with the right form of what is counted, advice that names the reader's own project."""

import re
import shlex
from typing import Final

PLACEHOLDER: Final = "PROJECT"
"""Stands in advice for the project, whose folder only the door knows as it was written."""
_MINUTE, _HOUR = 60, 3600
_WORD: Final = re.compile(rf"(?<![\w\[$-]){PLACEHOLDER}(?![\w\]-]|\.\.\.)")


def counted(number: int, thing: str, things: str = "") -> str:
    """`1 row`, `2 rows`, `1,000 rows`; `things` where it is not `thing` with an s: `study`, `studies`."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"


def addressed(text: str, project: str) -> str:
    """Advice with the project in place of the word PROJECT, ready to paste into a shell."""
    return _WORD.sub(lambda _: shlex.quote(project), text) if project else text


def lasting(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 05 min`: the same in all languages."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    hours, rest = divmod(round(seconds / _MINUTE), _MINUTE)
    return f"{hours} h {rest:02} min"


class Count(int):
    """A number for templates: `{rows:row|rows}` becomes `1 row` or `2 rows`."""

    def __format__(self, spec: str) -> str:
        """`one|many`, or a format specification of int."""
        one, bar, many = spec.partition("|")
        if not bar:
            return super().__format__(spec)
        return f"{int(self)} {one if self == 1 else many}"  # without commas, which other languages read otherwise
