"""Measures of the house, per room and as a whole; exits with 1 where a limit is exceeded.

    python tools/measures.py [ROOT]

Limits: the longest chain of imports that importing a module runs, import circles (imports in functions and for type
checking counted), class names that stand in more
than one module, modules in `tasks/` that hold neither a task nor anything of Prefect.
"""

import argparse
import ast
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGES: Final = ("pacsflow", "flows", "tasks", "schemas")
LONGEST_CHAIN: Final = 15
MOST_HOMONYMS: Final = 5
Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class Source:
    """A module: its name, its syntax tree, its number of lines."""

    name: str
    tree: ast.Module
    lines: int

    @property
    def room(self) -> str:
        """The package a module is told under: two names deep."""
        return ".".join(self.name.split(".")[:2]) if self.name.startswith("pacsflow.") else self.name.split(".")[0]

    @property
    def functions(self) -> list[int]:
        """Lines of each function, docstring included."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, kinds))
        return [(node.end_lineno or node.lineno) - node.lineno + 1 for node in nodes]

    @property
    def docstrings(self) -> list[int]:
        """Lines of each docstring."""
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        texts = (ast.get_docstring(node) for node in ast.walk(self.tree) if isinstance(node, kinds))
        return [text.count("\n") + 1 for text in texts if text]


def sources(root: Path) -> dict[str, Source]:
    """The modules below `root`, by dotted name."""
    found = {}
    for path in (path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text("utf-8")
        found[name] = Source(name, ast.parse(text), text.count("\n"))
    return found


def imports(modules: Mapping[str, Source], *, everywhere: bool) -> dict[str, set[str]]:
    """Module -> the modules of the house it imports: on being imported, or `everywhere`, for type checking too."""
    return {
        name: {found for node in _nodes(module, everywhere=everywhere) for found in _imported(node, modules)} - {name}
        for name, module in modules.items()
    }


def _nodes(module: Source, *, everywhere: bool) -> Iterable[ast.AST]:
    return ast.walk(module.tree) if everywhere else module.tree.body


def _imported(node: ast.AST, modules: Mapping[str, Source]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in modules)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            if full in modules:
                yield full
            elif node.module in modules:
                yield node.module


def circles(graph: Graph) -> list[list[str]]:
    """Groups of modules that import each other, by Tarjan's strongly connected components."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            group, stack[at:] = stack[at:], []
            if len(group) > 1:
                found.append(sorted(group))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def longest_chain(graph: Graph) -> list[str]:
    """The longest way down through the imports; each circle counts as the module it is entered by."""
    known: dict[str, list[str]] = {}

    def chain(node: str, above: frozenset[str]) -> list[str]:
        if node not in known:
            below = (chain(other, above | {node}) for other in graph[node] if other not in above)
            known[node] = [node, *max(below, key=len, default=[])]
        return known[node]

    return max((chain(node, frozenset()) for node in graph), key=len, default=[])


def homonyms(modules: Iterable[Source]) -> dict[str, list[str]]:
    """Names of public classes that several modules define."""
    homes: dict[str, list[str]] = defaultdict(list)
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(module.name)
    return {name: where for name, where in sorted(homes.items()) if len(where) > 1}


def without_task(modules: Mapping[str, Source]) -> list[str]:
    """Modules of `tasks/` with neither a task nor anything of Prefect."""
    return [
        name
        for name, module in modules.items()
        if name.startswith("tasks.") and not any(_of_prefect(node) for node in ast.walk(module.tree))
    ]


def _of_prefect(node: ast.AST) -> bool:
    named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    return any(name.split(".")[0] == "prefect" or name == "tasks._policy" for name in named)


def told(values: list[int]) -> str:
    """Median, 95th percentile and maximum."""
    ordered = sorted(values) or [0]
    return f"{statistics.median(ordered):.0f}/{ordered[int(0.95 * (len(ordered) - 1))]}/{ordered[-1]}"


def table(modules: Mapping[str, Source]) -> None:
    """Print a line per room."""
    rooms: dict[str, list[Source]] = defaultdict(list)
    for module in modules.values():
        rooms[module.room].append(module)
    rooms["all"] = list(modules.values())
    print(f"{'room':24} {'files':>5} {'lines':>6} {'function':>10} {'docstring':>10}   (lines: median/p95/max)")
    for room, members in rooms.items():
        functions = told([n for one in members for n in one.functions])
        docstrings = told([n for one in members for n in one.docstrings])
        print(f"{room:24} {len(members):5} {sum(one.lines for one in members):6} {functions:>10} {docstrings:>10}")


def main(root: Path) -> int:
    """Print all measures; the number of limits that are exceeded."""
    modules = sources(root)
    table(modules)
    chain, rings = longest_chain(imports(modules, everywhere=False)), circles(imports(modules, everywhere=True))
    same, bare = homonyms(modules.values()), without_task(modules)
    print(f"\nlongest import chain: {len(chain)} (at most {LONGEST_CHAIN})\n  " + " -> ".join(chain))
    print(f"circles: {len(rings)} (0)", *map(" <-> ".join, rings), sep="\n  ")
    print(f"class names in several modules: {len(same)} (at most {MOST_HOMONYMS})")
    print(*(f"  {name}: {', '.join(where)}" for name, where in same.items()), sep="\n")
    print(f"modules in tasks/ without a task: {len(bare)} (0)", *bare, sep="\n  ")
    exceeded = [len(chain) > LONGEST_CHAIN, bool(rings), len(same) > MOST_HOMONYMS, bool(bare)]
    return sum(exceeded)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measures of the house.")
    parser.add_argument("root", type=Path, nargs="?", default=Path(__file__).resolve().parents[1])
    sys.exit(bool(main(parser.parse_args().root)))
