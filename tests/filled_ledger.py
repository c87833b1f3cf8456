"""A project with a table of any length and a ledger as a finished run leaves it, made by code: no node is asked."""

import csv
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pacsflow.ledger import Ledger, studies
from pacsflow.ledger import tables as t
from project_folder import write_project

BATCH = 1000


def large_project(folder: Path, number: int, **project: Any) -> Path:
    """A project whose table asks for `number` accession numbers; nothing is in its ledger yet."""
    folder.mkdir(parents=True)
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "AccessionNumber", "remark"])
        writer.writerows([f"r{n}", f"ACC{n:07}", f"as written in line {n}"] for n in range(number))
    table = {"rows": [], "table": {"file": "rows.csv", "id_column": "id", "columns": {"remark": "ignore"}}}
    node = {"name": "test", "host": "127.0.0.1", "port": 1, "called_aet": "NONE"}
    return write_project(folder, pacs=node, rows=[], query=table, project=project)


def fill(ledger: Ledger, number: int, *, unmatched_every: int = 0, status: str = "complete") -> None:
    """What `number` rows `r0`, `r1`, … found: a study of one series of two images each, held where it is complete.

    Every so many rows found nothing.
    """
    for start in range(0, number, BATCH):
        numbers = range(start, min(number, start + BATCH))
        lost = [n for n in numbers if unmatched_every and n % unmatched_every == 0]
        _write(ledger, [n for n in numbers if n not in lost], status)
        with ledger.write() as connection:
            for n in lost:
                unmatched = sa.update(t.rows).where(t.rows.c.id == f"r{n}")
                connection.execute(unmatched.values(status="unmatched", reason="nothing of that number"))


def _write(ledger: Ledger, numbers: list[int], status: str) -> None:
    tables: dict[sa.Table, list[dict[str, Any]]] = {
        table: [] for table in (t.studies, t.series, t.hits, t.wants, t.instances)
    }
    for n in numbers:
        uid = f"1.2.826.0.1.3680043.10.1{n:07}"
        key, series = ledger.digest("study", uid), ledger.series_key(uid, f"{uid}.1")
        of_study = {
            "StudyInstanceUID": uid,
            "PatientID": f"P{n:07}",
            "AccessionNumber": f"ACC{n:07}",
            "StudyDate": "20200101",
        }
        of_series = {"Modality": "MR", "SeriesNumber": "1", "SeriesDescription": "t1", "SeriesInstanceUID": f"{uid}.1"}
        wanted, content = studies.digest_of([series]), studies.digest_of([uid])
        tables[t.studies].append({"key": key, "uid": uid, "patient_id": f"P{n:07}", "attributes": of_study,
            "status": status, "listed": True, "wanted": wanted, "content": content, "proof": "uid"})  # fmt: skip
        tables[t.series].append({"key": series, "study_key": key, "uid": f"{uid}.1", "attributes": of_series,
            "expected": 2})  # fmt: skip
        tables[t.hits].append({"row_id": f"r{n}", "study_key": key, "decision": "take"})
        tables[t.wants].append({"row_id": f"r{n}", "series_key": series, "ruled": True, "wanted": True})
        for image in range(2):
            sop = f"{uid}.1.{image}"
            tables[t.instances].append({"key": ledger.digest("instance", f"{uid}|{uid}.1|{sop}"), "study_key": key,
                "series_key": series, "uid": sop, "status": "held" if status == "complete" else "expected",
                "path": f"{key}/{series}/{image}.dcm", "size": 1000, "sha256": f"{n:032}{image:032}"})  # fmt: skip
    with ledger.write() as connection:
        for table, records in tables.items():
            if records:
                connection.execute(sa.insert(table), records)
        found = sa.update(t.rows).where(t.rows.c.id == sa.bindparam("row")).values(status="found")
        if numbers:
            connection.execute(found, [{"row": f"r{n}"} for n in numbers])
