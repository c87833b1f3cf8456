"""A profile as deid.yaml would say it, in sentences, before anything is saved."""

from pathlib import Path

from pacsflow.deid import compile_profile
from pacsflow.errors import ProjectError
from pacsflow.projects import inspect_project
from pacsflow.projects.changing import shadow
from pacsflow.pseudonyms import empty_source
from pacsflow.secrets import KEY_BYTES
from schemas.deid import DeidProfile

FILE = "deid.yaml"


def sentences_of(folder: Path, text: str) -> list[str]:
    """What a project's profile does with another text of deid.yaml. Raises ProjectError with the mistakes in it.

    The project's key is not read: which key it is changes no sentence.
    """
    with shadow(folder, {FILE: text}) as tried:
        found = inspect_project(tried)
        profile, problems = found.models.get(FILE), [one for one in found.problems if one.file == FILE]
        if problems or not isinstance(profile, DeidProfile):
            raise ProjectError(problems)
        given = empty_source(profile.patient.source)
        return compile_profile(profile, bytes(KEY_BYTES), pseudonyms=given).describe()
