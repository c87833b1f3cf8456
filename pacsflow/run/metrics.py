"""What monitoring systems read of projects: numbers from their ledgers, in Prometheus' text format; no identifier."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from pacsflow.ledger import Ledger, traffic
from pacsflow.ledger import tables as t
from pacsflow.ledger.runs import at_work_now
from pacsflow.projects import read_project
from pacsflow.run.stores import open_ledger_of

Labels = tuple[tuple[str, str], ...]
Numbers = Mapping[str, Mapping[Labels, float]]
"""Name of a metric -> its labels -> number."""
KINDS = {
    "pacsflow_rows": ("gauge", "Rows of the project's table, by what finding them gave"),
    "pacsflow_studies": ("gauge", "Studies that were found, by what fetching them gave"),
    "pacsflow_runs_at_work": ("gauge", "Runs and plans at work"),
    "pacsflow_asked_total": ("counter", "What nodes were asked: queries, retrievals; images and bytes that came"),
    "pacsflow_slowings_total": ("counter", "How often a run slowed down by itself"),
    "pacsflow_lanes": ("gauge", "Lanes of a node in Prefect: those there are, and those taken"),
}
"""Name of a metric -> its kind, and its help."""


def metrics_of(folders: Iterable[Path]) -> dict[str, dict[Labels, float]]:
    """The numbers of projects. Raises ProjectError, LedgerError, SecretError."""
    found: dict[str, dict[Labels, float]] = {name: {} for name in KINDS}
    for folder in folders:
        project = read_project(folder)
        with closing(open_ledger_of(project)) as ledger:
            for name, numbers in _numbers(ledger).items():
                whose = ("project", project.settings.name)
                found[name] |= {(whose, *labels): number for labels, number in numbers.items()}
    return found


def text_of(numbers: Numbers) -> str:
    """The text that a monitoring system reads; metrics without a number are left out."""
    lines = []
    for name, (kind, told) in KINDS.items():
        if found := numbers.get(name):
            lines += [f"# HELP {name} {told}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{{{_labelled(labels)}}} {number:g}" for labels, number in sorted(found.items())]
    return "\n".join([*lines, ""])


def _labelled(labels: Labels) -> str:
    escaped = ((name, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for name, value in labels)
    return ",".join(f'{name}="{value}"' for name, value in escaped)


def _numbers(ledger: Ledger) -> dict[str, dict[Labels, float]]:
    asked: Counter[Labels] = Counter()
    for hour in traffic.by_hour(ledger):
        for operation, number in hour.counts.items():
            asked[("node", hour.node), ("operation", operation)] += number
    slowed: Counter[Labels] = Counter((("node", one.node),) for one in traffic.slowings(ledger))
    return {
        "pacsflow_rows": _by_status(ledger, t.rows, t.rows.c.listed),
        "pacsflow_studies": _by_status(ledger, t.studies, sa.true()),
        "pacsflow_runs_at_work": {(): len(at_work_now(ledger))},
        "pacsflow_asked_total": dict(asked),
        "pacsflow_slowings_total": dict(slowed),
    }


def _by_status(ledger: Ledger, table: sa.Table, which: sa.ColumnElement[bool]) -> dict[Labels, float]:
    query = sa.select(table.c.status, sa.func.count().label("number")).where(which).group_by(table.c.status)
    return {(("status", row.status),): row.number for row in ledger.all(query)}
