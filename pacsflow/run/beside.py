"""Projects beside a run, which take what they want of its retrievals: see `fetching.handed_on`."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pacsflow.projects.elsewhere import third_party
from pacsflow.query.loading import load
from pacsflow.run.opening import open_apart
from pacsflow.run.reporting.plan import approved, write_plan
from pacsflow.run.session import Session


@contextmanager
def beside(run: Session, folders: Sequence[str]) -> Iterator[None]:
    """Have the projects of these folders take what they want of what the run retrieves, until its end.

    They were planned before. A project takes nothing that cannot be opened, whose plan a person must approve, that
    asks another node, has others send elsewhere, or removes faces, for which a series must be whole: it fetches
    in its own run, and tells there what is wrong.
    """
    with ExitStack() as stack:
        for folder in dict.fromkeys(folders):
            with suppress(Exception):
                if folder != str(run.project.folder) and (other := _opened(stack, folder)):
                    run.beside.append(other)
        try:
            yield
        finally:
            run.beside.clear()


def _opened(stack: ExitStack, folder: str) -> Session | None:
    project, table = load(Path(folder))
    if project.deid.pixels.faces.remove or third_party(project.pacs):
        return None
    with ExitStack() as trial:
        other = trial.enter_context(open_apart(project, table))
        if not approved(other, write_plan(other)):
            return None
        stack.push(trial.pop_all())
    return other
