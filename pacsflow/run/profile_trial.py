"""A profile as deid.yaml would say it, in sentences, before anything is saved."""

from pathlib import Path

from pacsflow.deid import compile_profile
from pacsflow.projects.trial import model_tried
from pacsflow.pseudonyms import empty_source
from pacsflow.secrets import KEY_BYTES
from schemas.deid import DeidProfile

FILE = "deid.yaml"


def sentences_of(folder: Path, text: str) -> list[str]:
    """What a project's profile does with another text of deid.yaml. Raises ProjectError with the mistakes in it.

    The project's key is not read: which key it is changes no sentence.
    """
    with model_tried(folder, FILE, text, DeidProfile) as profile:
        given = empty_source(profile.patient.source)
        return compile_profile(profile, bytes(KEY_BYTES), pseudonyms=given).describe()
