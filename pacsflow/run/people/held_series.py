"""Series of which cleaned images are held, some at a time, in the order of the rows that want them: to be looked at."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from pacsflow.ledger import Ledger, studies
from pacsflow.ledger import tables as t
from pacsflow.projects.project import Project


@dataclass(frozen=True)
class HeldSeries:
    """A series: the row that wants it first, keys, what the node answered of it, its files in staging."""

    row: int
    study: str
    series: str
    modality: str
    files: tuple[Path, ...]


def shown_as_held(project: Project) -> bool:
    """Whether images may be looked at: those that stay as the node sent them are not."""
    return project.deid.base != "none"


def number_held(ledger: Ledger) -> int:
    """How many series there are."""
    return int(ledger.all(sa.select(sa.func.count()).select_from(_held().subquery()))[0][0])


def held_series(ledger: Ledger, project: Project, *, offset: int = 0, limit: int = 12) -> list[HeldSeries]:
    """Some of them; none of a project whose images stay as the node sent them."""
    if not shown_as_held(project):
        return []
    order = (sa.text("number"), t.series.c.study_key, t.series.c.key)
    found = ledger.all(_held().order_by(*order).offset(offset).limit(limit))
    paths: dict[str, dict[str, list[str]]] = {}
    for study in {one.study_key for one in found}:
        of_study = paths.setdefault(study, {})
        for instance in studies.instances(ledger, study, "held"):
            of_study.setdefault(instance.series_key, []).append(instance.path)
    staging = project.workdir / "staging"
    return [
        HeldSeries(
            one.number,
            one.study_key,
            one.key,
            str(one.attributes.get("Modality", "")),
            tuple(staging / path for path in sorted(paths[one.study_key].get(one.key, ()))),
        )
        for one in found
    ]


def _held() -> sa.Select[tuple[str, str, dict[str, str], int]]:
    s, i = t.series.c, t.instances.c
    here = sa.exists().where(i.study_key == s.study_key, i.series_key == s.key, i.status == "held")
    number: sa.Label[int] = sa.func.min(t.rows.c.number).label("number")
    return (
        sa.select(s.key, s.study_key, s.attributes, number)
        .join(t.hits, t.hits.c.study_key == s.study_key)
        .join(t.rows, t.rows.c.id == t.hits.c.row_id)
        .where(t.rows.c.listed, t.hits.c.decision == "take", here)
        .group_by(s.key)
    )
