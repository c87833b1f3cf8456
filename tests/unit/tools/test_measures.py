"""The measures of the house find what they are to find."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "tools" / "measures.py"


@pytest.fixture(scope="module")
def measures():
    spec = importlib.util.spec_from_file_location("measures", SCRIPT)
    module = sys.modules["measures"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["measures"]


@pytest.fixture
def house(tmp_path):
    def build(**files):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return build


def test_a_circle_that_only_type_checking_closes_is_found(measures, house):
    root = house(
        pacsflow__a="from pacsflow.b import B\nclass A: ...\n",
        pacsflow__b="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pacsflow.a import A\nclass B: ...\n",
        pacsflow__c="from pacsflow import a\n",
    )
    found = measures.circles(measures.imports(measures.sources(root), everywhere=True))
    assert found == [["pacsflow.a", "pacsflow.b"]]


def test_a_chain_counts_modules_and_leaves_out_imports_in_functions(measures, house):
    root = house(
        pacsflow__a="import pacsflow.b\n",
        pacsflow__b="from pacsflow import c\ndef late():\n    from pacsflow import d\n",
        pacsflow__c="",
        pacsflow__d="import pacsflow.e\n",
        pacsflow__e="",
    )
    chain = measures.longest_chain(measures.imports(measures.sources(root), everywhere=False))
    assert chain == ["pacsflow.a", "pacsflow.b", "pacsflow.c"]


def test_classes_of_one_name_and_modules_without_a_task_are_named(measures, house):
    root = house(
        pacsflow__a="class Finding: ...\nclass _Own: ...\n",
        pacsflow__b="class Finding: ...\nclass _Own: ...\n",
        tasks__bare="x = 1\n",
        tasks__step="from tasks._policy import engine_task\n",
        tasks__slots="from prefect import task\n",
    )
    found = measures.sources(root)
    assert measures.homonyms(found.values()) == {"Finding": ["pacsflow.a", "pacsflow.b"]}
    assert measures.without_task(found) == ["tasks.bare"]


@pytest.mark.parametrize(("text", "code"), [("x = 1\n", 1), ("from prefect import task\n", 0)])
def test_it_exits_with_1_beyond_a_limit(house, text, code):
    ended = subprocess.run(
        [sys.executable, SCRIPT, house(tasks__one=text)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == code, ended.stdout + ended.stderr


def test_no_import_circle_and_no_module_without_a_task(measures):
    found = measures.sources(SCRIPT.parents[1])
    assert measures.circles(measures.imports(found, everywhere=True)) == []
    assert measures.without_task(found) == []


def test_the_house_keeps_each_limit(measures):
    assert measures.main(SCRIPT.parents[1]) == 0


def test_make_check_measures_the_house():
    check = (SCRIPT.parents[1] / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]
    assert "tools/measures.py" in check
