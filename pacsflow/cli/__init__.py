"""The door: arguments -> flow run -> exit code."""

import os
import sys
import tempfile
import traceback
from pathlib import Path

_QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
}
"""Prefect does not phone out, its log goes to its server and not between our lines, and leases on lanes
outlive a temporary server; whoever sets these himself is heard."""


def main() -> None:
    """Run the command line; expected failures become one message and their exit code."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    from pacsflow.cli.app import app
    from pacsflow.discretion import keep_libraries_quiet
    from pacsflow.errors import PacsflowError

    keep_libraries_quiet()
    try:
        app()
    except PacsflowError as error:
        from pacsflow.cli.show import show_error

        show_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; run it again and it goes on\n")
        sys.exit(130)
    except Exception as error:  # noqa: BLE001
        sys.stderr.write(f"pacsflow has a fault: {type(error).__name__}. Details, which may hold identifiers, ")
        sys.stderr.write(f"are in {_keep_details()}\n")
        sys.exit(70)


def _keep_details() -> Path:
    """The traceback in a file that its owner only may read: it may be about a patient."""
    descriptor, name = tempfile.mkstemp(prefix="pacsflow-fault-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(traceback.format_exc())
    return Path(name)
