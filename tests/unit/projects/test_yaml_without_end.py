"""YAML that is too much for any reader is refused soon, and what is wrong with it is told in a few lines."""

import pytest

from pacsflow.errors import ProjectError
from pacsflow.projects import source
from pacsflow.projects.source import MOST_TOLD
from pacsflow.query import load
from yaml_folder import problems_of, write_files


def nested(wide, deep):
    """Aliases of lists of aliases of lists."""
    lines = ["a0: &a0 [" + ",".join("x" * wide) + "]"]
    lines += [f"a{n}: &a{n} [" + ",".join([f"*a{n - 1}"] * wide) + "]" for n in range(1, deep)]
    return "\n".join(lines)


MANY = 300
SHAPES = {
    "unknown keys": "".join(f"k{n}: 1\n" for n in range(MANY)),
    "keys that stand twice": "a: 1\n" * MANY,
    "rows that are none": "rows: [" + "1," * MANY + "1]",
    "empty rows": "rows:\n" + "-\n" * MANY,
    "aliases": "rows:\n - &a x\n" + " - *a\n" * MANY,
    "merged keys": "rows:\n - &a {x: 1}\n" + " - <<: *a\n" * MANY,
    "a key that stands twice, by alias": "a: &a {" + "k: 1," * MANY + "z: 1}\nb: [" + "*a," * MANY + "]",
    "control characters": "rows: [" + '"\\0",' * MANY + "1]",
}


@pytest.mark.parametrize("file", ["project", "pacs", "query", "deid", "export"])
@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_many_mistakes_of_a_file_are_told_as_a_few_and_a_number(tmp_path, file, text):
    with pytest.raises(ProjectError) as told:
        load(write_files(tmp_path / "p", **{file: text}))
    assert len(str(told.value)) < 30_000


def test_the_first_mistakes_of_a_file_are_those_that_are_told(tmp_path):
    told = problems_of(write_files(tmp_path / "p", pacs=SHAPES["unknown keys"]))
    lines = [each.line for each in told if each.message == "unknown key"]
    assert lines == list(range(1, len(lines) + 1))
    assert MOST_TOLD - 1 <= len(lines) <= MOST_TOLD
    assert any("more mistakes" in each.message for each in told)


@pytest.mark.parametrize("text", [*SHAPES.values(), nested(9, 9), nested(2, 30), nested(50, 3)])
def test_more_values_than_are_taken_are_refused_where_they_begin(tmp_path, monkeypatch, text):
    monkeypatch.setattr(source, "MOST_NODES", 200)
    told = problems_of(write_files(tmp_path / "p", query=text))
    assert any("too many values" in each.message and each.line for each in told)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    told = problems_of(write_files(tmp_path / "p", query="# " + "x" * source.MOST_BYTES + "\nrows: []\n"))
    assert any("larger than 4 MB" in each.message for each in told)
