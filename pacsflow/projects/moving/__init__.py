"""Moving over: the configuration of another system as a project folder that does the same job."""

from collections.abc import Callable

from pacsflow.projects.moving.contract import Moved, OldProject
from pacsflow.projects.moving.dicomtrolley import moved_dicomtrolley
from pacsflow.projects.moving.mid import moved_mid
from pacsflow.projects.moving.pacsman import moved_pacsman
from pacsflow.projects.moving.pacsnpull import moved_pacsnpull
from pacsflow.projects.moving.writing import texts_of

SYSTEMS: dict[str, Callable[[OldProject], Moved]] = {
    "pacsman": moved_pacsman,
    "pacsnpull": moved_pacsnpull,
    "mid": moved_mid,
    "dicomtrolley": moved_dicomtrolley,
}
"""System -> what makes a project of its files."""

__all__ = ["SYSTEMS", "Moved", "OldProject", "texts_of"]
