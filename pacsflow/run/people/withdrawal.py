"""Withdrawing as a person asks for it, at the command line or on a page, and what came of it in numbers."""

from collections.abc import Iterator
from pathlib import Path

from pacsflow.run.opening import open_session
from pacsflow.run.reporting.plan import write_plan
from pacsflow.run.reporting.report import write_report
from pacsflow.run.withdrawing import Withdrawal, WithdrawRequest, withdraw


def withdraw_from(folder: Path, wish: WithdrawRequest, *, by: str) -> Withdrawal:
    """Take away what a wish names, and write plan and report again.

    Raises ProjectError where nothing is named so, BusyError while a run is at work, and what opening a project raises.
    """
    with open_session(str(folder), action="withdraw") as run:
        done = withdraw(run, wish, by=by)
        write_plan(run)
        write_report(run)
    return done


def places_of(done: Withdrawal) -> Iterator[tuple[str, int, int]]:
    """(place, studies, files) of what was taken away."""
    places: dict[str, list[int]] = {}
    for removal in (one for found in done.studies.values() for one in found if one.gone):
        places.setdefault(removal.place, []).append(len(removal.gone) - removal.lacking)
    for place, numbers in places.items():
        yield place, len(numbers), sum(numbers)
