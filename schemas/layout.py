"""The layout of a folder target: a template, checked before there is anything to lay out."""

import string
from collections.abc import Iterator

LONGEST = 160
"""Bytes of a name, so that a suffix and an ending still fit into 255."""

FIELDS = (
    "patient",
    "session",
    "study_date",
    "study_time",
    "modality",
    "series_number",
    "series_description",
    "study",
    "series",
    "row",
)
_SAMPLE: dict[str, str | int] = dict.fromkeys(FIELDS, "x") | {"series_number": 1}
_UNWANTED = '\\:*?"<>|'


def check_layout(layout: str) -> str | None:
    """What is wrong with a layout, None where nothing is. Needs no files."""
    return next(_problems(layout), None)


def _problems(layout: str) -> Iterator[str]:
    try:
        fields = [parts[1:] for parts in string.Formatter().parse(layout) if parts[1] is not None]
    except ValueError as error:
        yield f"not a template: {error}"
        return
    for name, spec, conversion in fields:
        if name not in FIELDS:
            yield f"unknown field {{{name}}}; known are {', '.join(FIELDS)}"
        if conversion or "{" in (spec or ""):
            yield f"{{{name}}} may have a width, as in {{series_number:05d}}, nothing more"
    try:
        yield from _problems_of_path(layout.format(**_SAMPLE))
    except ValueError as error:
        yield f"a format does not fit its field: {error}"
    if not any(name in ("series", "series_number", "series_description") for name, _, _ in fields):
        yield "puts all series of a study into one folder: add {series_number}, {series_description} or {series}"


def _problems_of_path(path: str) -> Iterator[str]:
    if any(part.strip() in ("", ".", "..") for part in path.split("/")) or any(c in path for c in _UNWANTED):
        yield f"must be a relative path without empty parts, `..`, and any of {' '.join(_UNWANTED)}"
    if not path.isprintable():
        yield "must not hold control characters"
    if any(len(part) > LONGEST for part in path.split("/")):
        yield f"makes names of more than {LONGEST} characters"
