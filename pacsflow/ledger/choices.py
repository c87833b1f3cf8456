"""Series that a person chose by eye. A choice goes before the rules of the project, and outlasts asking again."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger

NEW = "new since series were chosen"
"""Said of a series that appeared after a person chose: the rules decide of it."""
PART = 500
"""So many keys a statement names."""
MANY = 2000
"""Of more series than these, all rows are brought in line at once."""
_NONE = "no series of it was chosen"


@dataclass(frozen=True)
class Candidate:
    """A series that rows found in a study they take. `ruled`: what the rules say; `chosen`: None where no person chose.

    Identifying: stays inside the process.
    """

    key: str
    study: str
    attributes: Mapping[str, str]
    images: int | None
    ruled: bool
    wanted: bool
    chosen: bool | None


def candidates(ledger: Ledger) -> list[Candidate]:
    """All series that may be chosen: those of the studies that listed rows take, in the order of the rows."""
    columns = (t.series.c.key, t.series.c.study_key, t.series.c.attributes, t.series.c.expected, t.wants.c.ruled)
    query = (
        sa.select(*columns, t.wants.c.wanted, t.choices.c.wanted.label("chosen"), t.studies.c.attributes.label("of"))
        .select_from(_found())
        .join(t.studies, t.studies.c.key == t.series.c.study_key)
        .outerjoin(t.choices, t.choices.c.series_key == t.series.c.key)
        .where(t.rows.c.listed, t.rows.c.status != "held")
        .order_by(t.rows.c.number, t.series.c.study_key, t.series.c.key)
    )
    found: dict[str, Candidate] = {}
    for r in ledger.all(query):
        before = found.get(r.key)
        ruled, wanted = (r.ruled or before.ruled, r.wanted or before.wanted) if before else (r.ruled, r.wanted)
        attributes = {**r.of, **r.attributes}
        found[r.key] = Candidate(r.key, r.study_key, attributes, r.expected, ruled, wanted, r.chosen)
    return list(found.values())


def choose(ledger: Ledger, chosen: Mapping[str, bool], *, by: str) -> None:
    """Record a person's choice: series key -> wanted or not. Choices of other series are kept."""
    from pacsflow.ledger.acts import Act, deciding

    told = f"{sum(chosen.values())} of {len(chosen)} series taken"
    with deciding(ledger, Act("select", by, told)) as connection:
        old: dict[str, bool] = {}
        for keys in _parts(chosen):
            query = sa.select(t.choices).where(t.choices.c.series_key.in_(keys))
            old |= {r.series_key: r.wanted for r in connection.execute(query)}
        fresh = {key: wanted for key, wanted in chosen.items() if old.get(key) != wanted}
        facts = {"decided_by": by, "decided_at": time.time()}
        ledger.upsert(connection, t.choices, ({"series_key": k, "wanted": w, **facts} for k, w in fresh.items()))
        _follow_series(connection, fresh)


def forget(ledger: Ledger, *, by: str) -> None:
    """Let the rules decide of all series again."""
    from pacsflow.ledger.acts import Act, deciding

    with deciding(ledger, Act("select", by, "the rules decide again")) as connection:
        connection.execute(sa.delete(t.choices))
        follow(connection)


def restore(ledger: Ledger, before: Mapping[str, bool | None], *, by: str) -> None:
    """Bring choices back to what they were: series key -> wanted or not; None: no person had chosen."""
    from pacsflow.ledger.acts import Act, deciding

    with deciding(ledger, Act("select", by, f"choice of {len(before)} series undone")) as connection:
        for keys in _parts([key for key, wanted in before.items() if wanted is None]):
            connection.execute(sa.delete(t.choices).where(t.choices.c.series_key.in_(keys)))
        facts = {"decided_by": by, "decided_at": time.time()}
        kept = ({"series_key": key, "wanted": w, **facts} for key, w in before.items() if w is not None)
        ledger.upsert(connection, t.choices, kept)
        _follow_series(connection, before)


def _parts(keys: Iterable[str]) -> Iterator[list[str]]:
    """Keys, as many at a time as a statement may name."""
    known = list(keys)
    for start in range(0, len(known), PART):
        yield known[start : start + PART]


def _follow_series(connection: sa.Connection, keys: Collection[str]) -> None:
    """As `follow`, of the rows that found some series; of all rows where these are many."""
    if len(keys) > MANY:
        follow(connection)
        return
    found: set[str] = set()
    for part in _parts(keys):
        query = sa.select(t.wants.c.row_id).where(t.wants.c.series_key.in_(part)).distinct()
        found |= {r.row_id for r in connection.execute(query)}
    for row in sorted(found):
        follow(connection, row)


def follow(connection: sa.Connection, only: str | None = None) -> None:
    """Bring what rows want, and their status, in line with rules and choices; of all rows, or of `only` one."""
    mine = t.choices.c.series_key == t.wants.c.series_key
    chosen = sa.select(t.choices.c.wanted).where(mine).scalar_subquery()
    statement = sa.update(t.wants).values(wanted=sa.func.coalesce(chosen, t.wants.c.ruled))
    connection.execute(statement if only is None else statement.where(t.wants.c.row_id == only))
    any_wanted, any_ruled = (_any(column) for column in (t.wants.c.wanted, t.wants.c.ruled))
    query = sa.select(t.rows.c.id, t.rows.c.status, any_wanted.label("wanted"), any_ruled.label("ruled"))
    query = query.select_from(_found()).group_by(t.rows.c.id, t.rows.c.status)
    for row in connection.execute(query if only is None else query.where(t.rows.c.id == only)).all():
        if outcome := _outcome(row.status, bool(row.wanted), bool(row.ruled)):
            status, reason = outcome
            connection.execute(sa.update(t.rows).where(t.rows.c.id == row.id).values(status=status, reason=reason))


def _outcome(status: str, wanted: bool, ruled: bool) -> tuple[str, str] | None:
    """What becomes of a row whose studies are taken; None: it stays as it is."""
    if wanted:
        return ("found", "") if status in ("unmatched", "dropped") else None
    if status == "found" or (status == "unmatched" and ruled):
        return ("dropped", _NONE) if ruled else ("unmatched", "no series is wanted")
    return None


def _any(column: sa.Column[bool]) -> sa.Function[int]:
    return sa.func.max(sa.cast(column, sa.Integer))


def _found() -> sa.Join:
    """Rows, the studies they take, and the series they found in them."""
    taken = (t.hits.c.row_id == t.rows.c.id) & (t.hits.c.decision == "take")
    mine = (t.wants.c.row_id == t.rows.c.id) & (t.wants.c.series_key == t.series.c.key)
    series = t.series.c.study_key == t.hits.c.study_key
    return t.rows.join(t.hits, taken).join(t.series, series).join(t.wants, mine)


def remarks(ledger: Ledger, of_rows: Sequence[str] | None = None) -> dict[str, str]:
    """Series key -> a remark on the choice: where it goes against the rules, where there was none yet.

    `of_rows`: only of the series that rows of these ids found.
    """
    if not ledger.all(sa.select(t.choices.c.series_key).limit(1)):
        return {}
    ruled = sa.select(t.wants.c.series_key, _any(t.wants.c.ruled).label("ruled")).group_by(t.wants.c.series_key)
    if of_rows is not None:
        found = sa.select(t.series.c.key).where(t.series.c.study_key.in_(studies_of(of_rows)))
        ruled = ruled.where(t.wants.c.series_key.in_(found))
    known = ruled.subquery()
    columns = (known.c.series_key, known.c.ruled, t.choices.c.wanted, t.choices.c.decided_by)
    query = sa.select(*columns).outerjoin(t.choices, t.choices.c.series_key == known.c.series_key)
    told = ((r.series_key, _remark(r.wanted, bool(r.ruled), r.decided_by)) for r in ledger.all(query))
    return {key: remark for key, remark in told if remark}


def studies_of(row_ids: Sequence[str]) -> sa.Select[tuple[str]]:
    """The keys of the studies that rows found, taken or not."""
    return sa.select(t.hits.c.study_key).where(t.hits.c.row_id.in_(row_ids))


def _remark(chosen: bool | None, ruled: bool, by: str) -> str:
    if chosen is None:
        return NEW
    return "" if chosen == ruled else f"{'taken' if chosen else 'dropped'} by {by}"


def new_in_rows(remarked: Mapping[str, str], found: Iterable[str]) -> str:
    """A warning for a row that found such series; '' where it found none."""
    number = sum(remarked.get(key) == NEW for key in found)
    return f"{number} series {NEW}: the rules decided" if number else ""
