"""A project folder from Python: validate, plan, run, status; the same files as the command line writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Self

from pacsflow.errors import ArgumentError, Problem, ProjectError
from pacsflow.library.connection import PacsConnection, connect, noted
from pacsflow.library.showing import listened
from pacsflow.projects.folder import read_project
from pacsflow.query.loading import load
from pacsflow.redaction import as_a_guest
from pacsflow.run.local import Ending, plan_locally, run_locally
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.status import Status, status_of
from pacsflow.run.session import override_hours


@dataclass(frozen=True)
class PlannedRun:
    """What a run would fetch.

    Attributes
    ----------
    sentence : str
        The plan in one sentence of numbers.
    totals : mapping of str to int or float
        The same numbers: rows, studies, series, images, gigabytes, hours.
    workbook : pathlib.Path
        The plan as a workbook, `plan.xlsx`; above 20,000 rows its sheet `rows`, `plan-rows.csv`. Identifying, readable
        by you only.
    """

    sentence: str
    totals: Mapping[str, int | float]
    workbook: Path


@dataclass(frozen=True)
class FinishedRun:
    """How a run ended.

    Attributes
    ----------
    state : {"done", "work left", "waiting for approval", "waiting for sign-off", "paused"}
        As the command line says it; paused: outside the hours of a node, the next run goes on.
    sentence : str
        How it ended, in numbers.
    rows : mapping of str to int
        Number of rows by status.
    report : pathlib.Path
        Folder of `results.csv`, `results.xlsx` (identifying; up to 20,000 rows), `report.html` and `run.json`.
    """

    state: Ending
    sentence: str
    rows: Mapping[str, int] = field(default_factory=dict)
    report: Path = Path()

    @property
    def done(self) -> bool:
        """Whether nothing is left to do for anybody."""
        return self.state == "done"


class ResearchProject:
    """A project folder; `pacsflow.Project`.

    Runs need no Prefect: threads of this process do the work, with the same steps, retries, hours and limits, and the
    same ledger, so that the command line may go on where a run here ended, and the other way round. Lanes are shared
    with other processes of this computer that run without Prefect; not with runs of the command line.

    Parameters
    ----------
    folder : path
        The project's folder.

    Examples
    --------
    >>> project = pacsflow.Project.load("projects/lung-ct")  # doctest: +SKIP
    >>> project.validate()  # doctest: +SKIP
    []
    >>> project.run().done  # doctest: +SKIP
    True
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder).absolute()

    def __repr__(self) -> str:
        return f"<Project: {self.folder.name}>"

    @classmethod
    @noted
    def load(cls, folder: str | PathLike[str]) -> Self:
        """The project in a folder; mistakes in its files are told by `validate`, or raised by what needs them.

        Parameters
        ----------
        folder : path
            The project's folder.

        Returns
        -------
        Project

        Raises
        ------
        ArgumentError
            Where it is not a folder.
        """
        project = cls(folder)
        if not project.folder.is_dir():
            raise ArgumentError(f"{project.folder.name} is not a folder", fix="`pacsflow init NAME` makes a project")
        return project

    def validate(self) -> list[Problem]:
        """Every mistake in files and rows, with file, line, field and fix; empty where there is none.

        Returns
        -------
        list of pacsflow.errors.Problem

        Raises
        ------
        nothing for what the folder holds
        """
        try:
            load(self.folder)
        except ProjectError as error:
            return error.problems
        return []

    @noted
    def connect(self) -> PacsConnection:
        """A connection to the project's nodes; the same as `pacsflow.connect` of its folder. Raises as that does."""
        return connect(self.folder)

    @noted
    def plan(
        self, *, again: bool = False, info: bool = False, now: str = "", progress: bool | None = None
    ) -> PlannedRun:
        """Ask the PACS for the rows that were not asked for yet, and write the plan. Nothing is fetched.

        Parameters
        ----------
        again : bool
            Ask for all rows, not only for the open ones.
        info : bool
            Ask for an image of each series too, for the columns that only images answer.
        now : str
            A reason to ask outside the node's hours; it is recorded, name no patient in it.
        progress : bool, optional
            Whether a bar is shown; left out: in a terminal and in a notebook.

        Returns
        -------
        PlannedRun

        Raises
        ------
        ProjectError, SecretError, KeyMismatchError, LedgerError
            Where the project cannot be opened.
        PacsError
            Where the first node does not answer.
        BusyError
            While a run of other rows of the project is at work.
        """
        self._override(now)
        with as_a_guest(), open_session(str(self.folder), action="plan") as run, listened("plan", progress) as hear:
            run.listeners.append(hear)
            plan = plan_locally(run, again=again, info=info)
            return PlannedRun(plan.sentence, dict(plan.totals), _workbook(run.reports))

    @noted
    def run(self, *, now: str = "", progress: bool | None = None) -> FinishedRun:
        """Find, fetch, de-identify, convert, deliver, report: all that is left to do.

        Safe to end at any moment, by Ctrl-C or a notebook's stop button, and to call again; what is done is not done
        twice.

        Parameters
        ----------
        now : str
            A reason to ask outside the node's hours; it is recorded, name no patient in it.
        progress : bool, optional
            Whether a bar is shown; left out: in a terminal and in a notebook.

        Returns
        -------
        FinishedRun

        Raises
        ------
        ProjectError, SecretError, KeyMismatchError, LedgerError
            Where the project cannot be opened.
        PacsError
            Where the first node does not answer.
        BusyError
            While another run of the project is at work.
        KeyboardInterrupt
            After what was under way has ended in order.
        """
        self._override(now)
        with as_a_guest(), open_session(str(self.folder), action="run") as run, listened("run", progress) as hear:
            run.listeners.append(hear)
            ended = run_locally(run)
            rows = dict(ended.report.statuses) if ended.report else {}
            return FinishedRun(ended.state, ended.sentence, rows, run.reports)

    @noted
    def status(self) -> Status:
        """How far the project is, from its ledger; nothing is asked of the PACS.

        Returns
        -------
        pacsflow.run.reporting.status.Status
            `counts` of rows, studies and images by status; `traffic` by the hour; `hours` in words.

        Raises
        ------
        ProjectError, SecretError, KeyMismatchError, LedgerError
            Where the project cannot be opened.
        """
        return status_of(self.folder)

    @property
    def reports(self) -> Path:
        """Folder of plans and reports. Raises ProjectError."""
        return read_project(self.folder).workdir / "report"

    def _override(self, reason: str) -> None:
        if reason.strip():
            override_hours(str(self.folder), reason.strip())


def _workbook(reports: Path) -> Path:
    workbook = reports / "plan.xlsx"
    return workbook if workbook.exists() else reports / "plan-rows.csv"
