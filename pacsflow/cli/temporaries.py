"""Where commands on folder trees put temporary files: below the user's own state, and not in the shared TMPDIR."""

from contextlib import AbstractContextManager
from pathlib import Path

import platformdirs

from pacsflow.scratch import scratch


def temporaries() -> AbstractContextManager[Path]:
    """See `scratch`: what a killed command left goes with the next one."""
    return scratch(platformdirs.user_state_path("pacsflow", appauthor=False) / "temporary")
