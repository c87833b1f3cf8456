"""What nobody thought of, while one instance is cleaned, refuses that instance and no other."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Final

from pacsflow.errors import PacsflowError, RefusalError

_OURS: Final = Path(__file__).resolve().parents[1]


@contextmanager
def faults_refused() -> Iterator[None]:
    """Raises RefusalError `fault of pacsflow: TYPE (module:line)` for any exception that is none of ours.

    Its text is not repeated, as it may hold a patient's values. What the disk or the network says passes.
    """
    try:
        yield
    except (PacsflowError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns one instance
        raise fault(error) from None


def fault(error: Exception) -> RefusalError:
    """The refusal of the instance in which it happened, by its type and place."""
    return RefusalError(
        f"fault of pacsflow: {type(error).__name__} ({_place(error.__traceback__)})",
        fix="please report it, with the version and this place; the image itself stays where it is",
    )


def _place(trace: TracebackType | None) -> str:
    """The last line of our own that was run."""
    frames = ((Path(frame.f_code.co_filename), line) for frame, line in walk_tb(trace))
    ours = [f"{path.stem}:{line}" for path, line in frames if path.is_relative_to(_OURS) and path != Path(__file__)]
    return ours[-1] if ours else "unknown"
