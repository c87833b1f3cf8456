"""What a row is called where it is public: the user's own id, unless it identifies the patient."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from pacsflow.attributes import tag_for_keyword
from pacsflow.deid.proof.search_terms import KINDS, SHORTEST_NAME, Kind, folded, spellings
from pacsflow.query.columns import known_keyword
from pacsflow.query.row import Row

_WORD = re.compile(r"[^\W_]+")


def row_label(row: Row, known: Iterable[Mapping[str, str]]) -> str:
    """The row's id; `row 12` where it is, or holds, an identifying value of the row's patient.

    Those are in what the row asks for, in its columns whether asked by or not, and in the answers of the node: `known`
    holds the attributes of the row's studies.
    """
    named = {known_keyword(heading): value for heading, value in row.cells.items()}
    asked = any(row.id.strip() == value.strip() for value in row.keys.values())
    told = (each for source in (row.keys, named, *known) for each in identifying(source))
    return f"row {row.number}" if asked or any(_stands_in(row.id, kind, value) for _, kind, value in told) else row.id


def identifying(attributes: Mapping[str, str]) -> Iterator[tuple[int, Kind, str]]:
    """Tag, kind and value of what identifies a patient."""
    for keyword, value in attributes.items():
        tag = _tag(keyword)
        if tag in KINDS and value:
            yield tag, KINDS[tag], str(value).strip()


@lru_cache(1024)
def _tag(keyword: str) -> int:
    return tag_for_keyword(keyword) or 0


def _stands_in(row_id: str, kind: Kind, value: str) -> bool:
    """Whether the id is the value, or holds one of its spellings; the shortest names count as words of their own."""
    text = row_id.strip().casefold()
    if text == value.casefold():
        return True
    forms = {plain for form in spellings(kind, value) for plain in (form.casefold(), *_plain(kind, form))}
    words = set(_WORD.findall(text))
    return any(form in words if len(form) <= SHORTEST_NAME else form in text for form in forms)


def _plain(kind: Kind, form: str) -> set[str]:
    return {each for each in folded(form) if len(each) >= SHORTEST_NAME} if kind == "name" else set()
