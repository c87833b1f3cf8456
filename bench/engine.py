"""The engine without Prefect: find and fetch a project's studies over some lanes, and say in JSON what they took."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from pacsflow.ledger import rows, studies
from pacsflow.refs import RowRef, StudyRef
from pacsflow.run.opening import open_session
from tasks.steps import fetch_study, find_row


def main(project: str, lanes: int) -> None:
    """The same functions as the tasks', in the same order, so many at a time as there are lanes."""
    with open_session(project, action="run") as run, ThreadPoolExecutor(lanes) as workers:
        run.lanes.allow(lanes)
        began = time.monotonic()
        list(workers.map(lambda number: find_row.fn(RowRef(project, number)), rows.to_find(run.ledger)))
        found = time.monotonic()
        keys = [planned.key for planned in studies.planned(run.ledger)]
        list(workers.map(lambda key: fetch_study.fn(StudyRef(project, key)), keys))
        done = time.monotonic()
    print(json.dumps({"find": found - began, "fetch": done - found}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
