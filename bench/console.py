"""How long the console's pages take to answer, for a project of 5,000 rows that found 200,000 series (quick: a tenth).

The ledger is filled by code, as `bench.large` does: no node is asked. Each page is asked for in turn over HTTP by a
browser's session, `ROUNDS` times; what it shows is in the answer. Pages that read a table or a profile once they are
shown (query, deid) are measured by what they read, too.
"""

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import sqlalchemy as sa

from bench.measure import conclude, quick_asked, scratch

ROWS, SERIES_EACH, ROUNDS = 5000, 40, 11
PAGES = ("found", "run", "results", "query", "deid", "receiver", "sign-off")
ASKED_WITHIN = 0.2
"""Seconds that the median of each page may take."""


def filled(folder: Path, rows: int) -> Path:
    """A project of so many rows; each found a study of SERIES_EACH series, of which one is held."""
    from filled_ledger import fill, large_project  # type: ignore[import-not-found]  # of the tests
    from pacsflow.ledger import tables as t
    from pacsflow.run.opening import open_session
    from pacsflow.run.reporting.plan import write_plan
    from pacsflow.run.reporting.report import write_report

    made: Path = large_project(folder / "p", rows)
    with open_session(str(made), action="plan") as run:
        fill(run.ledger, rows, status="found")
        hits = run.ledger.all(sa.select(t.hits.c.row_id, t.hits.c.study_key))
        for start in range(0, len(hits), 500):
            series, wants = [], []
            for hit in hits[start : start + 500]:
                for number in range(2, SERIES_EACH + 1):
                    uid = f"1.2.826.0.1.{int(hit.study_key, 16)}.{number}"
                    key = run.ledger.digest("series", uid)
                    about = {"Modality": "MR", "SeriesNumber": str(number), "SeriesDescription": f"t{number % 7}"}
                    series.append({"key": key, "study_key": hit.study_key, "uid": uid, "expected": 20,
                                   "attributes": about | {"SeriesInstanceUID": uid}})  # fmt: skip
                    wants.append({"row_id": hit.row_id, "series_key": key, "ruled": True, "wanted": True})
            with run.ledger.write() as connection:
                connection.execute(sa.insert(t.series), series)
                connection.execute(sa.insert(t.wants), wants)
        write_plan(run)
        write_report(run)
    return made


def timed(call: Callable[[], Any], rounds: int, process: int = 0) -> dict[str, float]:
    """Milliseconds of the first time, median and largest of the others; and of processor time, which `process` took."""
    took, spent = [], []
    for _ in range(rounds + 1):
        begun, before = time.perf_counter(), spent_by(process or os.getpid())
        call()
        took.append(1000 * (time.perf_counter() - begun))
        spent.append(1000 * (spent_by(process or os.getpid()) - before))
    figures = {"first": took[0], "median": median(took[1:]), "largest": max(took[1:]), "processor": median(spent[1:])}
    return {name: round(figure) for name, figure in figures.items()}


def spent_by(process: int) -> float:
    """Seconds of processor time that a process took (proc(5), stat: utime and stime)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pages(folder: Path, project: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each page, of a console of its own."""
    from peers.console import ConsoleServer  # type: ignore[import-not-found]  # of the tests

    with ConsoleServer(folder / "console", project) as server, httpx.Client(timeout=120) as client:
        client.get(server.link).raise_for_status()

        def asked(path: str) -> None:
            answer = client.get(f"{server.url}{path}")
            answer.raise_for_status()
            if answer.url.path != path:
                raise RuntimeError(f"{path} led to {answer.url.path}")

        found = {name: timed(lambda name=name: asked(f"/project/p/{name}"), rounds, server.pid) for name in PAGES}
        return {"projects": timed(lambda: asked("/"), rounds, server.pid), **found}


def choices(project: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of what is done on the page Find and choose: filters, groups, a page further, a choice of many."""
    from pacsflow.projects import read_project
    from pacsflow.run.people.found_choice import BY, FoundChoice, SeriesFilter
    from pacsflow.run.run_meter import FRESH, RunMeter
    from pacsflow.run.stores import open_ledger_of

    at = read_project(project)
    with closing(open_ledger_of(at)) as ledger:
        found, clock = FoundChoice(ledger), iter(range(1, 10**6))
        meter = RunMeter(ledger, at.workdir, clock=lambda: next(clock) * 2 * FRESH)
        text = SeriesFilter(text="t3")
        keys = found.keys(SeriesFilter(description="t3"))
        return {
            "filter by text": timed(lambda: found.series(text, offset=0, limit=50), rounds),
            "a page further": timed(lambda: found.series(text, offset=5000, limit=50), rounds),
            "groups": timed(lambda: found.groups(SeriesFilter(), tuple(BY)), rounds),
            "drop a group": timed(lambda: found.choose(keys[:100], wanted=False, by="bench"), rounds),
            "a look at a run": timed(meter.look, rounds),
        }


def main() -> None:
    """Print the figures; `fluid` says whether each page's median is within what is asked."""
    quick = quick_asked(__doc__)
    rows, rounds = (ROWS // 10, 5) if quick else (ROWS, ROUNDS)
    with scratch() as folder:
        project = filled(folder / "projects", rows)
        shown, done = pages(folder, project, rounds), choices(project, rounds)
    slow = {name: one["median"] for name, one in shown.items() if one["median"] > 1000 * ASKED_WITHIN}
    facts = {"rows": rows, "series": rows * SERIES_EACH, "pages_ms": shown, "acts_ms": done}
    conclude({"bench": "console", "quick": quick, **facts, "fluid": not slow, "slow": slow})


if __name__ == "__main__":
    main()
