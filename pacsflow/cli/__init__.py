"""The door: arguments -> flow run -> exit code."""

import os
import sys
import tempfile
import traceback
from importlib.util import find_spec
from pathlib import Path

_QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
}
"""Prefect does not phone out, its log goes to its server and not between our lines, a temporary server may take its
time on a busy machine, and leases on lanes outlive it; values that the user has set are kept."""

ASKED = frozenset({"approve", "demo", "plan", "probe", "run", "select", "settle", "status", "validate"})
"""Commands that are about a PACS; all others work on files at hand."""


def main() -> None:
    """Run the command line; expected failures become one message and their exit code."""
    _check_own_packages()
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    from pacsflow.children import make_children_safe

    make_children_safe()
    from pacsflow.cli.app import app
    from pacsflow.errors import LedgerError, PacsflowError, ServerError, StoppedError
    from pacsflow.redaction import keep_faults_quiet, keep_libraries_quiet

    keep_libraries_quiet()
    keep_faults_quiet()
    try:
        app()
    except PacsflowError as error:
        from pacsflow.cli.answering import answer_error, asked_for
        from pacsflow.cli.show import show_error

        if asked_for():
            answer_error(error)
        show_error(error, asks=not ASKED.isdisjoint(sys.argv[1:2]))
        if isinstance(error, StoppedError | ServerError):
            from pacsflow.cli.stopping import leave

            leave(error.exit_code, at_once=isinstance(error, ServerError))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; run it again and it goes on\n")
        sys.exit(130)
    except OSError as error:
        refused = error.strerror or type(error).__name__
        sys.stderr.write(f"this computer refuses: {refused}. Look at room, rights and network. {_keep_details()}\n")
        sys.exit(LedgerError.exit_code)
    except Exception as error:  # noqa: BLE001
        sys.stderr.write(f"pacsflow has a fault: {type(error).__name__}. {_keep_details()}\n")
        sys.exit(70)


def _check_own_packages() -> None:
    """End where a package of another program has the name of one of ours, and would be imported in its place."""
    home = Path(__file__).parents[2]
    for name in ("schemas", "tasks", "flows"):
        found = find_spec(name)
        origin = Path(found.origin) if found and found.origin else None
        if origin is None or origin.parents[1] != home:
            sys.stderr.write(
                f"another program's package `{name}` stands in the way of pacsflow's.\n"
                "  fix: install pacsflow in an environment of its own (uv tool install, pipx install), "
                "without PYTHONPATH\n"
            )
            sys.exit(2)


def _keep_details() -> str:
    """Where the traceback is, in a file that its owner only may read: it may be about a patient."""
    import platformdirs

    folder = platformdirs.user_state_path("pacsflow", appauthor=False) / "faults"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=folder, suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(traceback.format_exc())
    except OSError as refused:
        return f"Details could not be kept: {refused.strerror}"
    return f"Details, which may hold identifiers, are in {name}"
