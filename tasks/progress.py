"""Progress in Prefect's UI: one artifact per run, brought up to date now and then."""

import threading
import time
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from pacsflow.wording import counted
from tasks.patience import at_once, away

SECONDS_BETWEEN = 5.0


class Progress:
    """Hears of delivered studies; an artifact shows their share of all that were left at the run's start."""

    def __init__(self, studies: int, *, key: str, project: str) -> None:
        self._all, self._done, self._shown = studies, 0, time.monotonic()
        self._lock = threading.Lock()
        made = create_progress_artifact(
            0.0, key=key, description=f"{project}: {counted(studies, 'study', 'studies')} to fetch and deliver"
        )
        self._artifact: UUID = made if isinstance(made, UUID) else UUID(str(made))

    def __call__(self, what: str, number: int) -> None:
        """Listen, as `pacsflow.run.session.Listener`."""
        if what != "studies delivered":
            return
        with self._lock:
            self._done += number
            now = time.monotonic()
            due = now - self._shown > SECONDS_BETWEEN or self._done >= self._all
            self._shown = now if due else self._shown
        if due:
            self._show(min(100.0, 100 * self._done / self._all))

    def _show(self, percent: float) -> None:
        """Where the server is away, it is shown the next time: no study waits, or fails, for it."""
        try:
            with at_once():
                update_progress_artifact(self._artifact, progress=percent)
        except Exception as error:
            if not away(error):
                raise
