"""pacsflow's engine, and its front door for Python: the work itself, without Prefect.

    import pacsflow

    with pacsflow.connect("projects/lung-ct") as pacs:
        studies = pacs.find(PatientID="0045322", level="series")

What is exported is loaded when it is first used (PEP 562), so that `import pacsflow` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pacsflow.version import __version__

if TYPE_CHECKING:
    from pacsflow import errors
    from pacsflow.library.answers import InstanceAnswer, SeriesAnswer, StudyAnswer, StudyAnswers
    from pacsflow.library.connection import PacsConnection, connect
    from pacsflow.library.download import DownloadedStudy, DownloadResult
    from pacsflow.library.research_project import FinishedRun, PlannedRun
    from pacsflow.library.research_project import ResearchProject as Project

__all__ = [
    "DownloadResult",
    "DownloadedStudy",
    "FinishedRun",
    "InstanceAnswer",
    "PacsConnection",
    "PlannedRun",
    "Project",
    "SeriesAnswer",
    "StudyAnswer",
    "StudyAnswers",
    "__version__",
    "connect",
    "errors",
]
_PLACES = {
    "DownloadResult": "download",
    "DownloadedStudy": "download",
    "FinishedRun": "research_project",
    "InstanceAnswer": "answers",
    "PacsConnection": "connection",
    "PlannedRun": "research_project",
    "Project": "research_project",
    "SeriesAnswer": "answers",
    "StudyAnswer": "answers",
    "StudyAnswers": "answers",
    "connect": "connection",
}
"""What is exported -> the module of `pacsflow.library` that holds it."""
_CALLED = {"Project": "ResearchProject"}
"""What is called otherwise there, as another class of the engine has its name."""


def __getattr__(name: str) -> Any:
    """What is exported, loaded now; raises AttributeError for anything else."""
    if name == "errors":
        return import_module("pacsflow.errors")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"pacsflow.library.{_PLACES[name]}"), _CALLED.get(name, name))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
