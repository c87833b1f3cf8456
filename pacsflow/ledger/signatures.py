"""Sign-off: who looked at what of a study lies ready, and lets it go to the targets or not."""

import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.acts import Act, deciding
from pacsflow.ledger.book import Ledger
from pacsflow.ledger.studies import Planned
from pacsflow.wording import counted


@dataclass(frozen=True)
class Signature:
    """A person's decision of a study's present content. `at`: seconds since 1970."""

    by: str
    release: bool
    note: str
    at: float


Signatures = Mapping[tuple[str, str], Sequence[Signature]]
"""(study key, digest of its content) -> decisions on it, in the order of persons."""


def sign(ledger: Ledger, plans: Iterable[Planned], said: Signature, *, digest: str) -> None:
    """Write a person's decision of the content of studies down; it replaces an earlier one of the same person.

    `digest`: of all of them, for the audit trail. A content that changes later is not signed. A name in other letters
    is the same person's.
    """
    known = {one_person(name): name for name in _names(ledger)}
    facts = {
        "signed_by": known.get(one_person(said.by), said.by),
        "released": said.release,
        "note": said.note,
        "signed_at": said.at or time.time(),
    }
    records = [{"study_key": plan.key, "content": plan.content, **facts} for plan in plans]
    what = "sign off" if said.release else "withhold"
    with deciding(ledger, Act(what, said.by, f"{counted(len(records), 'study', 'studies')}, {digest}")) as connection:
        ledger.upsert(connection, t.signatures, records)


def one_person(name: str) -> str:
    """A user name in the form it is compared in, as systems and accounts write it in large or small letters."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _names(ledger: Ledger) -> list[str]:
    query = sa.select(t.signatures.c.signed_by).distinct().order_by(t.signatures.c.signed_by.desc())
    return [str(r.signed_by) for r in ledger.all(query)]


def signed(ledger: Ledger) -> dict[tuple[str, str], list[Signature]]:
    """All decisions, by study and content."""
    found: dict[tuple[str, str], list[Signature]] = {}
    for r in ledger.all(sa.select(t.signatures).order_by(t.signatures.c.study_key, t.signatures.c.signed_by)):
        one = Signature(r.signed_by, r.released, r.note, r.signed_at)
        found.setdefault((r.study_key, r.content), []).append(one)
    return found


def released(plan: Planned, known: Signatures, people: int) -> bool:
    """Whether so many persons let a study as it is now go, and none withholds it."""
    said = known.get((plan.key, plan.content), ())
    return all(one.release for one in said) and releasing(said) >= people


def releasing(said: Iterable[Signature]) -> int:
    """How many persons let it go."""
    return len({one_person(one.by) for one in said if one.release})
