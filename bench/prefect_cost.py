"""What a Prefect server takes: processor time of its processes, and bytes of its database by table."""

import os
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from peers.prefect import Prefect

TICKS = os.sysconf("SC_CLK_TCK")
LARGEST = 6


@dataclass(frozen=True)
class ServerCost:
    """`cpu` in seconds; `tables`: name of a table, indices with it -> bytes; `task_runs`: how many there are."""

    cpu: float
    tables: Counter[str]
    task_runs: int

    def per_row(self, before: "ServerCost", rows: int) -> dict[str, object]:
        """What `rows` rows added since `before`, per row."""
        grown = Counter({name: size - before.tables[name] for name, size in self.tables.items()})
        return {
            "server_cpu_ms": round(1000 * (self.cpu - before.cpu) / rows, 2),
            "task_runs": round((self.task_runs - before.task_runs) / rows, 4),
            "database_kb": round(grown.total() / 1000 / rows, 3),
            "tables_kb": {name: round(size / 1000 / rows, 3) for name, size in grown.most_common(LARGEST)},
        }


def cost_so_far(prefect: Prefect) -> ServerCost:
    """What a server, with its database in a file, took since it began."""
    database = prefect.folder / "prefect.db"
    query = (
        "SELECT coalesce(m.tbl_name, s.name), sum(s.pgsize) FROM dbstat s LEFT JOIN sqlite_master m ON m.name = s.name"
    )
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        tables = Counter(dict(opened.execute(f"{query} GROUP BY 1").fetchall()))
        [number] = opened.execute("SELECT count(*) FROM task_run").fetchone()
    return ServerCost(sum(map(_seconds, _processes(prefect.pid))), tables, number)


def _processes(group: int) -> list[list[str]]:
    """The fields of /proc/PID/stat behind the name, of all processes of a group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            found.append(fields)
    return found


def _seconds(fields: list[str]) -> float:
    return sum(map(int, fields[11:15])) / TICKS
