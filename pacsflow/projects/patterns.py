"""Texts with `*` and `?`, and `/regular expressions/i`, by which rules choose series."""

import fnmatch
import re
from typing import Any

from pacsflow.projects.source import Document, FieldPath

_EXPRESSION = re.compile(r"^/(?P<body>.*)/(?P<flags>i?)$", re.DOTALL)


def alike(pattern: str, text: str) -> bool:
    """Whether `pattern` fits: compared whole and without case; `/…/` is searched for, `/…/i` without case."""
    if expression := _EXPRESSION.match(pattern):
        return re.search(expression["body"], text, re.IGNORECASE if expression["flags"] else 0) is not None
    plain = pattern.casefold().replace("[", "[[]")
    return fnmatch.fnmatchcase(text.casefold(), plain)


def check_patterns(document: Document, path: FieldPath, value: Any) -> None:
    """A problem in `document` for a pattern, or one of a list of them, that cannot be followed."""
    for each in value if isinstance(value, list) else [value]:
        _check_pattern(document, path, each)


def _check_pattern(document: Document, path: FieldPath, value: Any) -> None:
    if not isinstance(value, str | int | float) or isinstance(value, bool) or str(value) == "":
        document.problem(path, "holds no text", "write a text, a wildcard, /regular expression/i or a list of them")
        return
    if expression := _EXPRESSION.match(str(value)):
        try:
            re.compile(expression["body"])
        except re.error as error:
            document.problem(path, f"is not a regular expression: {error.msg}", "fix it")
