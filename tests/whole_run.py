"""Whole runs of a project in this process, as the flows make them, without Prefect; and a PACS that misbehaves."""

import hashlib
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import pytest

from clock import TestClock
from pacsflow.errors import PacsflowError
from pacsflow.ledger import rows, studies, traffic
from pacsflow.refs import RowRef, StudyRef
from pacsflow.run.fetching.missing import to_retrieve
from pacsflow.run.opening import open_session
from pacsflow.run.remaining import left_to_do
from pacsflow.run.reporting.report import fixes
from pacsflow.run.reporting.row_outcomes import outcomes_of
from pacsflow.simpacs import Faults, SimPacs, phantom_archive
from peers.ports import free_port, wait_until
from project_folder import write_project
from tasks.steps import deliver_study, fetch_study, find_row

IMAGES = 6
METHODS = pytest.mark.parametrize("method", ["c-get", "c-move"])
SUCCESS = "the node ended with 0x0000 (success)"
MISSING = "instances did not come"


def fault(kind, **fields):
    return {"kind": kind, **fields}


@dataclass
class Told:
    """What came of a project. `counts`: what the PACS was asked; `traffic`: what we say it was, in all runs.

    `out`: delivered path -> hash. `fixes`: what a person is told to do."""

    errors: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    studies: list = field(default_factory=list)
    instances: Counter = field(default_factory=Counter)
    counts: Counter = field(default_factory=Counter)
    out: dict = field(default_factory=dict)
    fixes: tuple = ()
    traffic: Counter = field(default_factory=Counter)

    @property
    def retrievals(self):
        return self.counts["gets"] + self.counts["moves"]


@contextmanager
def lying(*faults, archive=None, method="c-get"):
    """A PACS that misbehaves, and the fields of pacs.yaml that lead to it."""
    port = free_port()
    told = Faults.model_validate({"faults": [dict(fault) for fault in faults]})
    source = archive or phantom_archive(4, matrix=16, images=IMAGES)
    with SimPacs(source, told, destinations={"PACSFLOW": ("127.0.0.1", port)}) as pacs:
        move_to = {"aet": "PACSFLOW", "port": port, "host": "127.0.0.1"}
        yield pacs, {"port": pacs.port, "called_aet": pacs.aet, "fetch": {"method": method, "move_to": move_to}}


def by_uid(archive, number):
    return [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(list(archive.studies)[:number])]


def project(tmp_path, pacs, node, *, asked=None, number=2, attempts=3, response=30, **files):
    """A project of the first studies of the PACS, or of the rows `asked`; `response` is less where a node is silent."""
    timeouts = {"connect": 20, "response": response, "idle": 60}
    node = {**node, "timeouts": timeouts, "retries": {"attempts": attempts, "wait": {"first": 0, "max": 0}}}
    return write_project(tmp_path / "p", pacs=node, rows=asked or by_uid(pacs.archive, number), **files)


def write_node(path, node, **fields):
    """A further node file."""
    timeouts = {"connect": 20, "response": 30, "idle": 60}
    retries = {"attempts": 2, "wait": {"first": 0, "max": 0}}
    known = {"host": "127.0.0.1", "calling_aet": "PACSFLOW", "timeouts": timeouts, "retries": retries}
    path.write_text(json.dumps(known | node | fields))


def persist(task, ref, *, run, pacs, errors):
    """The task as Prefect would repeat it, once the PACS listens."""
    for _ in range(run.project.pacs.retries.attempts):
        try:
            return task.fn(ref)
        except PacsflowError as error:
            errors.append(error)
            if not error.transient:
                return None
            wait_until(lambda: pacs.listening)
    return None


def find_rows(run, *forgiven, everything=False):
    """Find each row once, by one lane, whatever of the `forgiven` errors comes of it."""
    run.lanes.allow(1)
    for number in rows.to_find(run.ledger, everything=everything):
        with suppress(*forgiven):
            find_row.fn(RowRef(str(run.project.folder), number))


def find_only(folder):
    """What becomes of the rows of a project by finding alone."""
    with open_session(str(folder), action="run") as run:
        find_rows(run, PacsflowError)
        return outcomes_of(run)


def bring(run):
    """Fetch and deliver what was found."""
    for ref in [StudyRef(str(run.project.folder), plan.key) for plan in left_to_do(run.ledger, run.project)]:
        fetch_study.fn(ref)
        deliver_study.fn(ref)


def run_once(folder, pacs, *, lanes=1):
    told, before = Told(), pacs.counts.copy()
    with open_session(str(folder), action="run", clock=TestClock()) as run, ThreadPoolExecutor(lanes) as workers:
        run.lanes.allow(lanes)
        do = partial(persist, run=run, pacs=pacs, errors=told.errors)
        list(workers.map(lambda n: do(find_row, RowRef(str(folder), n)), rows.to_find(run.ledger)))
        for node, pool in run.others.items():
            pool.allow(lanes)
            lacking = [RowRef(str(folder), number, node) for number in rows.unmatched(run.ledger)]
            list(workers.map(lambda ref: do(find_row, ref), lacking))
        for node in run.project.nodes:
            refs = [StudyRef(str(folder), plan.key, node) for plan in to_retrieve(run, node)]
            list(workers.map(lambda ref: (do(fetch_study, ref), do(deliver_study, ref)), refs))
        found = outcomes_of(run)
        told.rows = [(one.status, one.reason) for one in found]
        told.fixes, told.traffic = fixes(run, found), traffic.total(run.ledger)
        for plan in studies.planned(run.ledger):
            study = studies.study(run.ledger, plan.key)
            told.studies.append((study.status, study.reason))
            told.instances.update((i.status, i.reason) for i in studies.instances(run.ledger, plan.key))
        staged = [
            path
            for path in run.staging.rglob("*")
            if path.is_file() and path.suffix == ".dcm" and path.parent.name != "nifti"
        ]
    told.counts = pacs.counts - before
    told.out = delivered(folder)
    assert len(staged) == sum(n for (status, _), n in told.instances.items() if status == "held"), (
        "none lost, none twice"
    )
    nothing_identifying(told, pacs.archive)
    return told


def delivered(folder):
    return files_of(folder.parent / "data" / "out")


def files_of(out):
    """Path -> hash of what lies at a target."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file() and ".pacsflow" not in path.parts)
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def nothing_identifying(told, archive):
    said = " ".join([*map(str, told.errors), *(why for _, why in (*told.rows, *told.studies, *told.instances))])
    for study in archive.studies.values():
        for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "AccessionNumber"):
            assert study.attributes[keyword] not in said
