"""The policy of all tasks: what is tried again, what is never stored, what an error may say."""

import functools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run

from pacsflow.errors import PacsError, PacsflowError
from schemas.pacs import Retries

P = ParamSpec("P")
R = TypeVar("R")


class UnexpectedError(PacsflowError):
    """A fault in pacsflow itself. Its message names type and place only: it may be about a patient."""

    exit_code = 70


def _transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, PacsflowError) and error.transient


def persistent(task: Task[P, R], retries: Retries) -> Task[P, R]:
    """The task, tried again after transient errors: waits are doubled from `first`, at most `max` seconds."""
    further = retries.attempts - 1
    waits = [min(retries.wait.first * 2**n, retries.wait.max) for n in range(further)]
    return task.with_options(retries=further, retry_delay_seconds=waits)


def engine_task(
    name: str, run_name: Callable[[], str] | str, tags: set[str] | None = None
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A Prefect task around one call of the engine; retries are set per run by `with_options`."""

    def wrap(function: Callable[P, R]) -> Task[P, R]:
        task: Task[P, R] = Task(
            guarded(function),
            name=name,
            task_run_name=run_name,
            tags=tags or set(),
            cache_policy=NO_CACHE,
            persist_result=False,
            retry_condition_fn=_transient,
        )
        return task

    return wrap


def named(verb: str) -> Callable[[], str]:
    """Name of a flow run: the verb and the name of the project's folder."""
    return lambda: f"{verb} {Path(flow_run.parameters['project']).name}"


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose unexpected errors lose their message: Prefect keeps what exceptions say."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except PacsflowError as error:
            error.__cause__ = error.__context__ = None
            if isinstance(error, PacsError):
                error.partial = []
            raise
        except Exception as error:  # noqa: BLE001
            raise unexpected(error, function.__name__) from None

    return call


def unexpected(error: Exception, where: str) -> UnexpectedError:
    """What may be said of an exception that nobody expected."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    told = f"unexpected {type(error).__name__} in {where} ({Path(place.filename).name}:{place.lineno})"
    return UnexpectedError(told, remedy="this is a fault of pacsflow: report it with this line")
