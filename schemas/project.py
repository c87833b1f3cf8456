"""project.yaml: what this research project is."""

from typing import Annotated, Literal

from pydantic import Field

from schemas._base import Model


class Above(Model):
    """Approval is needed only above these sizes."""

    studies: int | None = Field(None, ge=0, description="Number of studies", examples=[500])
    gigabytes: float | None = Field(None, ge=0, description="Estimated size in GB", examples=[200])


class ApprovalAbove(Model):
    """Ask a person only when the plan is large."""

    above: Above = Field(description="Sizes above which a person must approve the plan")


class Notification(Model):
    """Somebody to tell when rows are held, a run is done or has failed."""

    email: str | None = Field(None, description="Address to write to", examples=["data@example.org"])
    webhook: str | None = Field(None, description="URL that receives a JSON POST")
    on: list[Literal["held", "done", "failed"]] = Field(
        default=["held", "done", "failed"], description="What to tell of"
    )


Priority = Literal["low", "normal", "high"]


class ProjectSettings(Model):
    """project.yaml."""

    version: Literal[1] = Field(description="Version of this language", examples=[1])
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] = Field(
        description="Short name: lower case letters, digits, - and _", examples=["lung-ct"]
    )
    title: str = Field("", description="One line that says what the project studies")
    contact: str = Field("", description="Who answers for the data", examples=["imaging-data@example.org"])
    ethics: str = Field("", description="Number of the ethics vote", examples=["2026-00123"])
    workdir: str = Field(
        description="Folder of outputs, ledger and vault; never inside the git checkout. "
        "${env:NAME} is replaced; a relative path starts at the project folder",
        examples=["${env:PACSFLOW_WORK}/lung-ct"],
    )
    ledger: str = Field(
        "sqlite",
        description="`sqlite` (a file in workdir) or a secret reference to a SQLAlchemy URL",
        examples=["sqlite", "${env:PACSFLOW_LEDGER_URL}"],
    )
    approval: Literal["none", "required"] | ApprovalAbove = Field(
        "none", description="Whether a person must approve the plan before anything is fetched"
    )
    priority: Priority = Field(
        "normal", description="Who gives way where several projects ask one node: the lower one, between two studies"
    )
    notify: list[Notification] = Field(default=[], description="Whom to tell")
