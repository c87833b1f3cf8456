"""The policy of all tasks: what is tried again, what is never stored, what an error may say."""

import functools
from asyncio import CancelledError
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import ExternalSignal, PrefectSignal

from pacsflow.errors import PacsError, PacsflowError
from pacsflow.policy import policy_for_deployment
from pacsflow.run.unexpected import let_stop, unexpected
from schemas.pacs import Retries
from tasks.patience import away, gave_up, stop_waiting
from tasks.temporary_server import is_temporary

P = ParamSpec("P")
R = TypeVar("R")


STOPS = (KeyboardInterrupt, GeneratorExit, CancelledError, PrefectSignal, ExternalSignal)
"""What ends a run, and is not a fault of a study: everything else costs one row or one study."""
let_stop(*STOPS)


JITTER = 0.5
"""Lanes that were refused together do not all come back at once."""


def _transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, PacsflowError) and error.transient


def with_retries(task: Task[P, R], retries: Retries) -> Task[P, R]:
    """The task, tried again after transient errors: waits are doubled from `first`, at most `max` seconds."""
    further = retries.attempts - 1
    waits = [min(retries.wait.first * 2**n, retries.wait.max) for n in range(further)]
    return task.with_options(retries=further, retry_delay_seconds=waits, retry_jitter_factor=JITTER)


def engine_task(name: str, run_name: Callable[[], str] | str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A Prefect task around one call of the engine; retries are set per run by `with_options`.

    It has no tags: for each tag Prefect asks its server for a limit before the task runs, by a client that does not
    wait where the server is away.
    """

    def wrap(function: Callable[P, R]) -> Task[P, R]:
        task: Task[P, R] = Task(
            guarded(function),
            name=name,
            task_run_name=run_name,
            cache_policy=NO_CACHE,
            persist_result=False,
            retry_condition_fn=_transient,
        )
        return task

    return wrap


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
        except STOPS:
            raise
        except BaseException as error:  # noqa: BLE001 a library may raise anything, SystemExit too
            if away(error):
                stop_waiting()
                raise gave_up(error) from None
            raise unexpected(error, function.__name__) from None

    return call


def allowed(project: str) -> None:
    """Raise PolicyError where this run was started by a deployment and this machine's policy does not let it."""
    from prefect.runtime import deployment

    if not is_temporary() and deployment.id is not None:
        policy_for_deployment(Path(project))
