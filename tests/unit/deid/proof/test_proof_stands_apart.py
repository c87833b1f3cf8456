"""The proof is other code than the code that cleans: what both share is named here, and nothing else is shared."""

import ast
from pathlib import Path

import pytest

DEID = Path(__file__).parents[4] / "pacsflow" / "deid"
SHARED = {
    "pacsflow.deid.encoding.charsets",
    "pacsflow.deid.encoding.days",
    "pacsflow.deid.encoding.dictionary",
    "pacsflow.deid.encoding.implementation",
    "pacsflow.deid.vocabulary",
}
"""Character sets, spellings of days, the dictionary, our own name, the vocabulary."""


def imported(path):
    """Modules of the house that a file imports anywhere, for type checking too; packages where names are theirs."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("pacsflow"))
        elif isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("pacsflow")):
            assert not node.level, f"{path.name} has a relative import"
            for alias in node.names:
                whole = DEID.parents[1].joinpath(*node.module.split("."), alias.name)
                found = whole.with_suffix(".py").exists() or whole.is_dir()
                yield f"{node.module}.{alias.name}" if found else node.module


@pytest.mark.parametrize("path", sorted((DEID / "proof").glob("*.py")), ids=lambda path: path.stem)
def test_the_proof_imports_itself_and_what_is_named_as_shared(path):
    own = {name for name in imported(path) if name.startswith("pacsflow.deid.proof.")}
    assert set(imported(path)) - own <= SHARED | {"pacsflow.errors"}


@pytest.mark.parametrize("name", sorted(SHARED))
def test_what_is_shared_leads_no_further_into_the_cleaner(name):
    """`pacsflow.attributes` is the table of PS3.6 that pydicom brings, and imports nothing of ours."""
    path = DEID.parents[1].joinpath(*name.split(".")).with_suffix(".py")
    assert set(imported(path)) <= SHARED | {"pacsflow.errors", "pacsflow.attributes"}
