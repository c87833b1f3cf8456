"""Counts are told with the right form of the word, everywhere; advice names the reader's own project."""

import ast
import re
from pathlib import Path

import pytest

from pacsflow.wording import Count, addressed, counted

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for room in ("pacsflow", "flows", "tasks") for path in sorted((ROOT / room).rglob("*.py"))]
FORMULAS = ROOT / "pacsflow" / "deid" / "envelope"
"""Lengths and shapes of pixel data, as 16 x 16 x 1 x 1 frames: reasons in ledgers, which stay as they are."""
OTHERS = {
    *(
        "accepts",
        "answers",
        "as",
        "aus",
        "begins",
        "chooses",
        "does",
        "ends",
        "fits",
        "gives",
        "goes",
        "has",
        "holds",
        "is",
    ),
    *("leads", "lets", "lies", "listens", "ms", "needs", "refers", "series", "stands", "stays", "takes", "was"),
}
"""Words with an s at their end that are no plural, or the same as their singular."""


def found(source):
    """`{…} things` in texts of a module, where the number is not a constant or written as a decimal."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            for value, text in zip(node.values, node.values[1:], strict=False):
                if isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant) and number(value):
                    yield from re.findall(r"^ (?:more |other |exact )?([a-z]+s|people)\b", str(text.value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\{[a-z]+\} (?:more |other )?([a-z]+s|people)\b", node.value)


def number(value):
    """Whether a value may be the number 1: constants, decimals and numbers with a sign are not."""
    inner = value.value.value if isinstance(value.value, ast.Subscript) else value.value
    name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
    decimal = isinstance(value.value, ast.Call) and getattr(value.value.func, "id", "") == "float"
    spec = ast.unparse(value.format_spec) if value.format_spec else ""
    return not decimal and not (name and name.strip("_").isupper()) and not set(".g+") & set(spec)


def test_no_text_tells_a_number_of_things_without_their_singular():
    told = {
        str(path.relative_to(ROOT)): set(found(path.read_text("utf-8"))) - OTHERS
        for path in SOURCES
        if path.parent != FORMULAS
    }
    assert {path: words for path, words in told.items() if words} == {}


def test_the_search_finds_such_texts_and_leaves_others():
    assert set(found('f"{len(rows)} rows left, {n:,} more images, {node} has {seconds:.1f} seconds, {MOST} rows"')) == {
        *("rows", "images", "has")
    }
    assert list(found('"{number} studies"')) == ["studies"]


def test_one_is_singular():
    assert [counted(number, "row") for number in (0, 1, 2, 1234)] == ["0 rows", "1 row", "2 rows", "1,234 rows"]
    assert counted(1, "study is", "studies are") == "1 study is"
    assert [f"{Count(number):Studie|Studien}" for number in (1, 2000)] == ["1 Studie", "2000 Studien"]
    assert f"{Count(1):03d} {Count(1)}" == "001 1"


@pytest.mark.parametrize(
    ("advice", "told"),
    [
        ("pacsflow check PROJECT --fetch-again, then pacsflow run PROJECT: now", "check 'a b' --fetch-again, then"),
        ("`pacsflow status PROJECT`", "`pacsflow status 'a b'`"),
        ("pacsflow policy PROJECT... --out FILE", "policy PROJECT... --out"),
        ("day_shift_PROJECT.json", "day_shift_PROJECT.json"),
    ],
)
def test_advice_names_the_project(advice, told):
    assert told in addressed(advice, "a b")
    assert addressed(advice, "") == advice
