"""Docstrings: a public function that raises one of our errors names it, so that a caller knows what to catch."""

import ast

import pytest

from documents import ROOT
from pacsflow import errors

FILES = sorted(
    path
    for room in ("pacsflow", "flows", "tasks", "schemas")
    for path in (ROOT / room).rglob("*.py")
    if "cli" not in path.parts
    # cli: a command's docstring is its --help, which speaks of exit codes
)


def our_errors():
    """Names of PacsflowError and of all classes below it, wherever they are defined."""
    names = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.PacsflowError)
    }
    classes = [
        node for path in FILES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)
    ]
    while more := {c.name for c in classes if c.name not in names and names & {getattr(b, "id", "") for b in c.bases}}:
        names |= more
    return names


def raised(function):
    """Names of what the function's own body raises, as `raise Name(...)` or `raise Name.at(...)`."""
    found, left = set(), list(function.body)
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        left += ast.iter_child_nodes(node)
        if isinstance(node, ast.Raise) and node.exc is not None:
            called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            called = called.value if isinstance(called, ast.Attribute) else called
            found.add(getattr(called, "id", ""))
    return found


def public_functions(body):
    """Functions and methods without an underscore before their names or that of their class."""
    for node in body:
        if getattr(node, "name", "_").startswith("_"):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from public_functions(node.body)


def unnamed(source, ours):
    """Line and name of each public function, and the errors it raises without naming them."""
    for function in public_functions(ast.parse(source).body):
        text = ast.get_docstring(function) or ""
        if text.startswith("See `"):  # the contract names them
            continue
        if missing := {name for name in raised(function) & ours if name not in text}:
            yield f"{function.lineno}: {function.name} raises {', '.join(sorted(missing))}"


def test_a_public_function_names_the_errors_it_raises():
    ours = our_errors()
    found = [f"{path.relative_to(ROOT)}:{line}" for path in FILES for line in unnamed(path.read_text(), ours)]
    assert found == []


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ('def f():\n    """Do."""\n    raise PacsError("x")', 1),
        ('def f():\n    """Do. Raises PacsError."""\n    raise PacsError("x")', 0),
        (
            'class A:\n    def f(self):\n        """Do."""\n        if self:\n            raise ProjectError.at("x", "y")',
            1,
        ),
        ('def _f():\n    """Do."""\n    raise PacsError("x")', 0),
        ('def f():\n    """Do."""\n    def g():\n        raise PacsError("x")\n    return g', 0),
        ('def f():\n    """Do."""\n    raise ValueError("x")', 0),
    ],
)
def test_the_test_finds_them(source, number):
    assert len(list(unnamed(source, our_errors()))) == number
