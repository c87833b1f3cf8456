"""The engine without Prefect: find and fetch a project's studies over one lane, and say in JSON what they took."""

import json
import sys
import time

from pacsflow.ledger import rows, studies
from pacsflow.refs import RowRef, StudyRef
from tasks.fetch import fetch_study
from tasks.find import find_row
from tasks.session import open_session


def main(project: str) -> None:
    """The same functions as the tasks', in the same order, called one after the other."""
    with open_session(project, action="run") as run:
        run.lanes.allow(1)
        began = time.monotonic()
        for number in rows.to_find(run.ledger):
            find_row.fn(RowRef(project, number))
        found = time.monotonic()
        for planned in studies.planned(run.ledger):
            fetch_study.fn(StudyRef(project, planned.key))
        done = time.monotonic()
    print(json.dumps({"find": found - began, "fetch": done - found}))


if __name__ == "__main__":
    main(sys.argv[1])
