"""pause, resume: a project asks its nodes for nothing new, until it may go on."""

from pacsflow.cli.project_folder import Folder
from pacsflow.cli.show import console
from pacsflow.system import user_name


def pause(project: Folder) -> None:
    """Pause a project: what is under way is ended, nothing new is asked of a node, by any run, until `resume`."""
    from pacsflow.run.people.pausing import pause_project

    held = pause_project(project, by=user_name())
    console.print(f"paused by {held.by}: what is under way is ended, nothing new is begun", markup=False)


def resume(project: Folder) -> None:
    """Let a paused project go on; the next run does."""
    from pacsflow.run.people.pausing import resume_project

    held = resume_project(project, by=user_name())
    console.print("it goes on with the next run" if held else "it was not paused")
