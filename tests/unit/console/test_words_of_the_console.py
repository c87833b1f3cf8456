"""The texts of the pages: each that a page says is in the table, in three languages, with the same facts."""

import ast
import re
from pathlib import Path

import pacsflow.console
from pacsflow.console.deid_page import _CHOICES, KEEPS
from pacsflow.console.import_form import _BESIDE
from pacsflow.console.node_fields import LOG_INS, SECTIONS, log_in_fields
from pacsflow.console.pages import HOME, PAGES
from pacsflow.console.projects_page import _NODE
from pacsflow.console.review_form import _FIELDS
from pacsflow.console.withdraw_form import _KINDS
from pacsflow.console.words import preferred, said, table

FOLDER = Path(pacsflow.console.__file__).parent


def texts():
    """Every text that is given to `t` or `said` as it stands in the source, and those of tables."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                yield from (
                    each.value
                    for each in node.args
                    if name in {"t", "said"} and isinstance(each, ast.Constant) and isinstance(each.value, str)
                )
    yield from (page.title for page in (HOME, *PAGES))
    yield from KEEPS.values()
    yield from (label for label, _ in _CHOICES.values())
    yield from _NODE.values()
    yield from _BESIDE.values()
    yield from _FIELDS
    yield from ("Mask the boxes", "Let them pass", "Refuse them", "Element", "before", "after")
    yield from _KINDS.values()
    yield from SECTIONS
    yield from (each.label for fields in SECTIONS.values() for each in fields)
    yield from (each.label for kind in LOG_INS for each in log_in_fields(kind))


def test_each_text_has_its_translations():
    found = set(texts())
    assert len(found) > 80
    assert sorted(found - table().keys()) == []


def test_translations_name_the_same_facts():
    for english, others in table().items():
        facts = set(re.findall(r"\{\w+", english))
        for other in others:
            assert set(re.findall(r"\{\w+", other)) == facts, english


def test_a_language_is_chosen_by_what_the_browser_prefers():
    assert preferred("fr-CH, fr;q=0.9, en;q=0.8") == "fr"
    assert preferred("it, de-CH;q=0.5") == "de"
    assert preferred("") == "en"
    assert said("de", "Log in") == "Anmelden"
    assert said("fr", "no such text {x}", x=1) == "no such text 1"
