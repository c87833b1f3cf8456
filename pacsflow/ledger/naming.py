"""What the originals of a series answered to the rules for names; nothing of their values."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger


@dataclass(frozen=True)
class Answered:
    """The answers of one original of a series. `number`: its Instance Number."""

    series_key: str
    number: int
    answers: Mapping[str, str]


def note_answers(ledger: Ledger, study_key: str, found: Answered) -> None:
    """Write the answers of a series down, in place of those before."""
    record = {"series_key": found.series_key, "study_key": study_key, "number": found.number,
              "answers": dict(found.answers)}  # fmt: skip
    with ledger.write(alone=False) as connection:
        ledger.upsert(connection, t.naming, [record])


def answered(ledger: Ledger, study_key: str) -> dict[str, Answered]:
    """Series key -> answers, of the series of a study that were asked."""
    query = sa.select(t.naming).where(t.naming.c.study_key == study_key)
    return {r.series_key: Answered(r.series_key, r.number, r.answers) for r in ledger.all(query)}
