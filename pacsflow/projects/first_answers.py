"""What a person says when a project begins, written into its commented files."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pacsflow.errors import Problem, ProjectError
from pacsflow.projects.hosts import host_fault
from schemas.pacs import PacsNode

_ROWS = re.compile(r"^rows:\n(?:  .*\n)+\n", re.MULTILINE)
_TABLE = re.compile(r"^# A table instead.*\n(?:#.*\n)+", re.MULTILINE)


def with_node(text: str, node: Mapping[str, str | int]) -> str:
    """pacs.yaml with what is said of the node: `host`, `port`, `called_aet`, `calling_aet`. Raises ProjectError."""
    _check(node)
    for name, value in node.items():
        begin, found, rest = re.split(rf"^({name}: )\S+", text, maxsplit=1, flags=re.MULTILINE)
        text = f"{begin}{found}{json.dumps(value, ensure_ascii=False)}{rest}"
    return text


def _check(node: Mapping[str, str | int]) -> None:
    usual: dict[str, Any] = {"name": "a", "host": "a", "port": 104, "called_aet": "A", "calling_aet": "A"}
    problems = []
    try:
        PacsNode.model_validate(usual | dict(node))
    except ValidationError as error:
        problems = [Problem(_option(str(one["loc"][0])), 0, "", one["msg"], "correct it") for one in error.errors()]
    if fault := host_fault(str(node.get("host", ""))):
        problems.append(Problem("--host", 0, "", *fault))
    if problems:
        raise ProjectError(problems)


def _option(name: str) -> str:
    return "--" + name.removesuffix("_aet")


def with_table(text: str, table: Mapping[str, Any], *, level: str, questions: Sequence[str]) -> str:
    """query.yaml that asks by a table instead of rows, its questions as comments. `table`: fields of `table`."""
    asked = "".join(f"# question: {one}\n" for one in questions)
    lines = "".join(f"  {name}:{_value(value)}\n" for name, value in table.items())
    text = _ROWS.sub("", text)
    text = re.sub(r"^level: study ", lambda _: f"level: {level} ", text, flags=re.MULTILINE)
    return _TABLE.sub(lambda _: f"{asked}table:\n{lines}", text)


def _value(value: Any) -> str:
    if isinstance(value, dict) and len(value) > 1:
        return "".join(f"\n    {_key(key)}: {_plain(each)}" for key, each in value.items())
    if isinstance(value, dict):
        return " {" + ", ".join(f"{_key(key)}: {_plain(each)}" for key, each in value.items()) + "}"
    return f" {_plain(value)}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and value.isalpha() else json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return (
        key if key.isascii() and key.isalpha() and key.casefold() not in _WORDS else json.dumps(key, ensure_ascii=False)
    )


_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that YAML takes for something else."""
