"""The node files that a node file names: its fallbacks, and the one that lists what a third party received."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pacsflow.projects.source import Document, FieldPath, read_document
from pacsflow.projects.validation import validated
from pacsflow.regular_files import at_home, is_there, real
from schemas.pacs import PacsNode


@dataclass
class Nodes:
    """The nodes beside a project's first: `documents` are their files, by names that no file of a project has.

    `fallback`: name of the document -> node, in the order in which they are asked.
    """

    fallback: dict[str, PacsNode] = field(default_factory=dict)
    arrivals: PacsNode | None = None
    documents: dict[str, Document] = field(default_factory=dict)


class NodeReader:
    """Reads node files beside the first; each is checked by `check`. Problems are in the documents, by line."""

    def __init__(self, project: Path, check: Callable[[Document, PacsNode], PacsNode]) -> None:
        self._project, self._check = project, check
        self._seen: dict[str, str] = {}
        self._names: set[str] = set()
        self.nodes = Nodes()

    def read(self, document: Document, node: PacsNode) -> Nodes:
        """All that `node`, of `document`, names: its fallbacks, each followed by its own."""
        self._know(document, (), node)
        if node.fetch.move_to is not None and node.fetch.move_to.check is not None:
            found = self._node(document, ("fetch", "move_to", "check"), node.fetch.move_to.check)
            self.nodes.arrivals = found[1] if found else None
        self._follow(document, node, (_file(document),))
        return self.nodes

    def _follow(self, document: Document, node: PacsNode, way: tuple[Path, ...]) -> None:
        for position, text in enumerate(node.fallback):
            at: FieldPath = ("fallback", position)
            if real(document.folder / at_home(text)) in way:
                document.problem(at, "leads back to a node that asks it", "take it out, or the way back")
                continue
            found = self._node(document, at, text)
            if found and self._know(document, at, found[1]):
                self.nodes.fallback[f"node {found[0].file}"] = found[1]
                self._follow(*found, (*way, _file(found[0])))

    def _node(self, document: Document, at: FieldPath, text: str) -> tuple[Document, PacsNode] | None:
        file = document.folder / at_home(text)
        if not is_there(file):
            document.problem(at, "names no file", "write the path of a node file, as seen from this file")
            return None
        name = os.path.relpath(file, self._project)
        read = self.nodes.documents.setdefault(f"node {name}", read_document(file, name))
        model = validated(PacsNode, read) if read.value is not None and not read.problems else None
        return (read, self._check(read, model)) if model is not None else None

    def _know(self, document: Document, at: FieldPath, node: PacsNode) -> bool:
        """Whether a node is a new one; two of one address, or of one name, are a problem."""
        address = node.place.casefold()
        if address in self._seen:
            document.problem(at, f"is the node {self._seen[address]} once more", "name each node once")
        elif node.name in self._names:
            document.problem(at, f"has the name of another node, {node.name}", "give each node its own `name`")
        else:
            self._names.add(node.name)
            self._seen[address] = node.name
            return True
        return False


def _file(document: Document) -> Path:
    return real(document.folder / Path(document.file).name)
