"""A plan or a run as a process without Prefect: `python -m pacsflow.console.local_run run FOLDER`. Lines to its log."""

import signal
import sys
from datetime import datetime
from pathlib import Path

from pacsflow.errors import PacsflowError, StoppedError
from pacsflow.redaction import keep_faults_quiet, keep_libraries_quiet


def main(action: str, folder: str) -> int:
    """Do it; the exit code is that of the command line."""
    keep_libraries_quiet()
    keep_faults_quiet()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _say(_done(action, folder))
    except KeyboardInterrupt:
        _say("stopped; the next run goes on")
        return StoppedError(signal.SIGTERM).exit_code
    except PacsflowError as error:
        _say(f"{error}{f'; {error.fix}' if error.fix else ''}")
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - its text may name a patient
        _say(f"pacsflow has a fault: {type(error).__name__}")
        return 70
    return 0


def _done(action: str, folder: str) -> str:
    from pacsflow.run.local import plan_locally, run_locally
    from pacsflow.run.opening import open_session
    from pacsflow.run.stages import pause_told

    _say(f"{action} begins")
    with open_session(str(Path(folder).absolute()), action=action) as run:
        run.listeners.append(lambda what, number: _say(f"{what}: {number}") if what in _TOLD else None)
        if action == "plan":
            sentence = plan_locally(run).sentence
            return pause_told(run) if run.paused else f"plan: {sentence}"
        ended = run_locally(run)
        return f"{ended.state}: {ended.sentence}"


_TOLD = ("rows to find", "studies to fetch", "stopping")
"""What is said of what a run tells; all else is in the ledger."""


def _say(text: str) -> None:
    sys.stderr.write(f"{datetime.now().astimezone():%Y-%m-%dT%H:%M:%S%z} {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    from pacsflow.children import make_children_safe

    make_children_safe()
    sys.exit(main(*sys.argv[1:3]))
