"""Masks whose image is of another study: which study that is, so that they are made once it is there."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger


@dataclass(frozen=True)
class Referral:
    """A series (`series_key`) that lies on a series of another study."""

    series_key: str
    image_study: str
    image_series: str


def note_referrals(ledger: Ledger, study_key: str, found: Collection[Referral]) -> None:
    """Write what the series of a study lie on, in place of what was known of the study before."""
    if not found and not referrals(ledger, study_key):
        return
    mine = t.referrals.c.study_key == study_key
    with ledger.write() as connection:
        connection.execute(sa.delete(t.referrals).where(mine))
        records = [{"series_key": one.series_key, "study_key": study_key, "image_study": one.image_study,
                    "image_series": one.image_series} for one in found]  # fmt: skip
        ledger.upsert(connection, t.referrals, records)


def referrals(ledger: Ledger, study_key: str) -> list[Referral]:
    """What the series of a study lie on, of other studies."""
    query = sa.select(t.referrals).where(t.referrals.c.study_key == study_key)
    found = ledger.all(query.order_by(t.referrals.c.series_key, t.referrals.c.image_series))
    return [Referral(r.series_key, r.image_study, r.image_series) for r in found]


def referring(ledger: Ledger, image_study: str) -> list[str]:
    """Keys of the studies with series that lie on one of this study."""
    query = sa.select(t.referrals.c.study_key).where(t.referrals.c.image_study == image_study).distinct()
    return sorted(r.study_key for r in ledger.all(query))


def image_contents(ledger: Ledger, only: str = "") -> dict[str, list[str]]:
    """Study key -> digests of what is held of the studies that its series lie on; of all studies, or `only` one."""
    query = sa.select(t.referrals.c.study_key, t.studies.c.content).join(
        t.studies, t.studies.c.key == t.referrals.c.image_study
    )
    if only:
        query = query.where(t.referrals.c.study_key == only)
    found: dict[str, list[str]] = {}
    for r in ledger.all(query.where(t.studies.c.content != "").distinct()):
        found.setdefault(r.study_key, []).append(r.content)
    return found


def masks_beside(ledger: Ledger, study_key: str, reason: str) -> list[str]:
    """Keys of studies of the patient, or of a row, of a study, of which a series was refused for such a reason."""
    refused = (t.outputs.c.status == "refused") & t.outputs.c.reason.startswith(reason, autoescape=True)
    query = sa.select(t.outputs.c.study_key).join(t.hits, t.hits.c.study_key == t.outputs.c.study_key)
    query = query.join(t.studies, t.studies.c.key == t.outputs.c.study_key).where(refused, _beside(study_key))
    return sorted({r.study_key for r in ledger.all(query)})


def series_beside(ledger: Ledger, study_key: str) -> list[tuple[str, str, str]]:
    """Key of the study, key and UID of each wanted series of other studies of the patient, or of a row of the study."""
    query = (
        sa.select(t.series.c.study_key, t.series.c.key, t.series.c.uid)
        .join(t.studies, t.studies.c.key == t.series.c.study_key)
        .join(t.wants, t.wants.c.series_key == t.series.c.key)
        .join(t.hits, (t.hits.c.row_id == t.wants.c.row_id) & (t.hits.c.study_key == t.series.c.study_key))
        .where(t.wants.c.wanted, t.hits.c.decision == "take", _beside(study_key))
        .distinct()
    )
    return [(r.study_key, r.key, r.uid) for r in ledger.all(query)]


def _beside(study_key: str) -> sa.ColumnElement[bool]:
    """Whether a study, with one of its hits, is another of the patient of this one, or of one of its rows."""
    hits, one = t.hits.alias(), t.studies.alias()
    rows = sa.select(hits.c.row_id).where(hits.c.study_key == study_key)
    named = sa.func.trim(t.studies.c.patient_id)
    patient = sa.select(sa.func.trim(one.c.patient_id)).where(one.c.key == study_key).scalar_subquery()
    return (t.studies.c.key != study_key) & (((named == patient) & (named != "")) | t.hits.c.row_id.in_(rows))
