"""The sources of pseudonyms: all that is known of one stands in its line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class SourceSpec:
    """`module` gives `source(context)`, see `pacsflow.pseudonyms`; '' where pseudonyms are computed from the key.

    `fields`: those of `patient` that go with this source, and only with it; `options`: those that may.
    `invents`: it gives each patient one, when images first come.
    """

    module: str
    fields: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    invents: bool = False


SOURCES: Final[Mapping[str, SourceSpec]] = {
    "keyed": SourceSpec(""),
    "sequential": SourceSpec("pacsflow.pseudonyms.sequential", invents=True),
    "table": SourceSpec("pacsflow.pseudonyms.table", fields=("file",), options=("shared",)),
    "api": SourceSpec("pacsflow.pseudonyms.api", fields=("url", "token")),
    "column": SourceSpec("pacsflow.pseudonyms.column", fields=("column",)),
}
