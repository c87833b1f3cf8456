"""What lies at targets, or is held here, and is wanted by no row: the row was removed, its series were dropped."""

from collections import Counter

import sqlalchemy as sa

from pacsflow.ledger import Ledger, outcomes, rows, withdrawals
from pacsflow.ledger import tables as t
from pacsflow.wording import counted


def left_behind(ledger: Ledger) -> tuple[str, ...]:
    """A sentence for each target, and one for what is held here."""
    free = withdrawals.unwanted(ledger)
    found = Counter(delivery.target for key, delivery in outcomes.everywhere(ledger) if key in free)
    others = Counter(delivery.target for key, delivery in outcomes.everywhere(ledger) if key not in free)
    former = {target: number for target, number in others.items() if is_former(target)}
    unsure = len(rows.to_find(ledger))
    maybe = f" ({counted(unsure, 'row is', 'rows are')} not answered yet, and may want some of them)" if unsure else ""
    told = [f"{_studies(n)} at {target}, and no row wants them{maybe}" for target, n in sorted(found.items())]
    told += [f"{_studies(n)} at {target}, where export.yaml sends them no more" for target, n in sorted(former.items())]
    if held := len(free & _held(ledger)):
        told.append(f"{_studies(held)} in the folder staging, and no row wants them{maybe}")
    return tuple(told)


def left_studies(ledger: Ledger) -> int:
    """How many studies lie at targets, or are held here, and are wanted by no row."""
    return len(withdrawals.unwanted(ledger) & ({key for key, _ in outcomes.everywhere(ledger)} | _held(ledger)))


def is_former(target: str) -> bool:
    """Whether a delivery was to a place that its target had before."""
    return " before " in target


def _held(ledger: Ledger) -> set[str]:
    query = sa.select(t.instances.c.study_key).where(t.instances.c.status == "held").distinct()
    return {r.study_key for r in ledger.all(query)}


def _studies(number: int) -> str:
    return f"{number} {'study lies' if number == 1 else 'studies lie'}"
