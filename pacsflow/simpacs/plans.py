"""Studies and series of phantoms before they are made."""

from dataclasses import dataclass

from pacsflow.simpacs.people import FictitiousPerson


@dataclass(frozen=True)
class SeriesPlan:
    """A series before it is made. `spacing` is the distance of slices in millimetres."""

    modality: str
    description: str
    images: int
    spacing: float = 5.0
    contrast: str = "T1"
    uid: str = ""
    number: int = 1


@dataclass(frozen=True)
class StudyPlan:
    """A study before it is made."""

    patient: FictitiousPerson
    date: str
    accession: str
    description: str
    series: tuple[SeriesPlan, ...]
    matrix: int = 64
    uid: str = ""
    time: str = "083000"
