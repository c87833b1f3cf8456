"""The policy that lets projects do what they say now: to be read by a person, or for the runs of one command."""

import io
import os
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML

from pacsflow.policy import VARIABLE, active_policy, policy_file
from pacsflow.projects import read_project
from pacsflow.projects.folder import models_of
from pacsflow.projects.reaching import Reach, policy_of, reaches, variables_of
from pacsflow.staging import PRIVATE, write_text
from schemas.policy import Policy


def policy_now(folders: Sequence[Path]) -> Policy:
    """A policy that lets the projects of these folders do what they say now. Raises ProjectError."""
    found: list[Reach] = []
    variables: set[str] = set()
    for folder in folders:
        project = read_project(folder)
        found += reaches(project.documents, models_of(project), project.folder)
        variables |= variables_of(project.documents)
    return policy_of(found, [folder.resolve() for folder in folders], variables)


def yaml_of(wanted: Policy) -> str:
    """A policy as YAML, its empty fields left out."""
    sink, writer = io.StringIO(), YAML()
    writer.default_flow_style = False
    writer.dump(
        {name: value for name, value in wanted.model_dump(mode="json").items() if value or name == "variables"}, sink
    )
    return sink.getvalue()


def own_policy(folders: Sequence[Path], state: Path) -> str:
    """Have the runs that this command starts keep to what the projects say now; where a policy is given, to that.

    Returns a sentence that says so. Raises ProjectError, PolicyError.
    """
    if active_policy() is not None:
        return f"runs keep to the policy {policy_file()}"
    file = write_text(state / "policy.yaml", yaml_of(policy_now(folders)), PRIVATE)
    os.environ[VARIABLE] = str(file)
    return f"runs keep to what the projects say now, see {file}; for more, start this command again"
