"""How far a ledger went, kept in a file outside it: an older copy that was put back does not go on from there."""

import json
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from pacsflow.ledger import tables as t

KEPT = 1000
"""So many marks of the ledger are kept; of anchors further back only the number is compared."""
_WRITING = threading.Lock()


@dataclass(frozen=True)
class Anchor:
    """The last change that the ledger was to keep whatever becomes of the power, as its file outside says.

    `mark`: its number; `token`: random, given with it; `acts` and `chain`: number and digest of the last act of the
    audit trail; `at`: seconds since 1970.
    """

    mark: int = 0
    token: str = ""
    acts: int = 0
    chain: str = ""
    at: float = 0.0


def advance(connection: sa.Connection) -> Anchor:
    """Give the change of this transaction its number and token, in the ledger."""
    number = _last(connection) + 1
    token = secrets.token_hex(8)
    connection.execute(sa.insert(t.marks).values(number=number, token=token))
    connection.execute(sa.delete(t.marks).where(t.marks.c.number <= number - KEPT))
    act = connection.execute(sa.select(t.acts.c.number, t.acts.c.chain).order_by(t.acts.c.number.desc())).first()
    return Anchor(number, token, act.number if act else 0, act.chain if act else "", time.time())


def keep(file: Path, reached: Anchor) -> None:
    """Write the anchor down, where the file does not say more already.

    A disk that refuses it does not undo the change, which is in the ledger: then the one before stays.
    """
    from pacsflow.staging import PRIVATE, write_text

    with _WRITING, suppress(OSError):
        if read(file).mark < reached.mark:
            write_text(file, json.dumps(asdict(reached)), PRIVATE)


def read(file: Path) -> Anchor:
    """The anchor of a file; one of no change where it is not there, or is not one."""
    try:
        found = Anchor(**json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return Anchor()
    return found if _ours(found) else Anchor()


def _ours(found: Anchor) -> bool:
    numbers, texts = (found.mark, found.acts), (found.token, found.chain)
    return all(type(one) is int and 0 <= one < 1 << 63 for one in numbers) and all(type(one) is str for one in texts)


def behind(connection: sa.Connection, known: Anchor) -> str:
    """What is wrong with a ledger that had reached `known`; empty where it goes on from there."""
    if not known.mark:
        return ""
    last = _last(connection)
    if last < known.mark:
        return f"it is an older copy: the last {known.mark - last} of its {known.mark} lasting changes are missing"
    token = connection.execute(sa.select(t.marks.c.token).where(t.marks.c.number == known.mark)).scalar()
    if token != known.token and known.mark > last - KEPT:
        return "it is another copy than the one that was written last"
    chain = connection.execute(sa.select(t.acts.c.chain).where(t.acts.c.number == known.acts)).scalar()
    return "" if (chain or "") == known.chain else "the last acts of its audit trail are missing or were changed"


def accept(connection: sa.Connection, known: Anchor) -> None:
    """Have the ledger go on from `known`, whatever it lacks."""
    connection.execute(sa.delete(t.marks).where(t.marks.c.number == known.mark))
    connection.execute(sa.insert(t.marks).values(number=known.mark, token=known.token))


def _last(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.max(t.marks.c.number))).scalar() or 0
