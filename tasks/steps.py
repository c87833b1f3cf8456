"""The steps of a run as Prefect's tasks: one call of the application layer each; numbers go into artifacts."""

from collections.abc import Callable
from typing import Any

from prefect.artifacts import create_table_artifact
from prefect.runtime import task_run
from prefect.states import Completed

from pacsflow.refs import RowRef, StudyRef
from pacsflow.run import batch, delivering, describing, finding, greeting
from pacsflow.run.batch import Trouble
from pacsflow.run.fetching import study
from pacsflow.run.reporting import plan, report
from pacsflow.run.reporting.plan import Plan
from pacsflow.run.reporting.report import RunOutcome
from pacsflow.run.session import Session
from tasks._policy import engine_task

greet_node = engine_task("greet node", "greet node")(greeting.greet_node)
listen = engine_task("listen for images", "listen for images")(greeting.listen)
find_row = engine_task("find row", "find {ref}")(finding.find_row)
describe_study = engine_task("describe study", "describe {ref}")(describing.describe_study)
fetch_study = engine_task("fetch study", "fetch {ref}")(study.fetch_study)
deliver_study = engine_task("deliver study", "deliver {ref}")(delivering.deliver_study)
find_many = engine_task("find rows", "find rows")(batch.find_many)
retrieve_many = engine_task("fetch and deliver studies", "fetch and deliver studies")(batch.retrieve_many)


def _next_attempt(step: Callable[[Any], object]) -> Callable[..., object]:
    """The step, whose first attempt was made in a chunk: what came of it is told here, and the next are made here."""

    def attempt(ref: RowRef | StudyRef, trouble: Trouble) -> object:
        if trouble.error is None:
            return Completed(name="Held", message=trouble.reason)
        if task_run.run_count <= 1:
            raise trouble.error
        return step(ref)

    attempt.__name__ = getattr(step, "__name__", "attempt")
    return attempt


find_row_on = engine_task("find row", "find {ref}")(_next_attempt(finding.find_row))
fetch_study_on = engine_task("fetch study", "fetch {ref}")(_next_attempt(study.fetch_study))
deliver_study_on = engine_task("deliver study", "deliver {ref}")(_next_attempt(delivering.deliver_study))


def write_plan(run: Session) -> Plan:
    """Write the plan's workbook and CSV files (identifying, 0600), and a table into Prefect (numbers only)."""
    written = plan.write_plan(run)
    rows = [{"what": name, "number": number} for name, number in written.totals.items()]
    create_table_artifact(rows, key=artifact_key(run, "plan"), description=_described(run, written.sentence))
    return written


def write_report(run: Session) -> RunOutcome:
    """Write the user's table back, the page and the record; numbers into Prefect."""
    outcome = report.write_report(run)
    rows = [{"status": status, "rows": number} for status, number in outcome.statuses.items()]
    create_table_artifact(rows, key=artifact_key(run, "rows"), description=_described(run, outcome.sentence))
    return outcome


def artifact_key(run: Session, what: str) -> str:
    """Key of an artifact: each project has its own."""
    return f"{run.project.settings.name.replace('_', '-')}-{what}"


def _described(run: Session, sentence: str) -> str:
    return f"{run.project.settings.name}: {sentence}"
