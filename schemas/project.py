"""project.yaml: what this research project is."""

from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from schemas._base import Model, Port, Secret

_ADDRESS = r"^[^@\s,;<>]+@[^@\s,;<>]+$"


class Above(Model):
    """Approval is needed only above these sizes."""

    studies: int | None = Field(None, ge=0, description="Number of studies", examples=[500])
    gigabytes: float | None = Field(None, ge=0, description="Estimated size in GB", examples=[200])


class ApprovalAbove(Model):
    """Ask a person only when the plan is large."""

    above: Above = Field(description="Sizes above which a person must approve the plan")


RowTrouble = Literal["failed", "incomplete", "undelivered", "partial", "offline", "unmatched", "held"]
"""Statuses of rows that are not done, but for those that only wait for a sign-off."""


class AlertAbove(Model):
    """A run is red only above these numbers of rows; either will do."""

    rows: int | None = Field(None, ge=0, description="Number of rows of the statuses named in `on`", examples=[20])
    percent: float | None = Field(None, ge=0, lt=100, description="Share of the table's rows", examples=[5])


class Alert(Model):
    """When a run ends as failed in Prefect, so that a person looks."""

    on: list[RowTrouble] = Field(
        default=["failed", "incomplete", "undelivered", "held"],
        description="Statuses of rows that need a person; none: a run that went to its end is never red",
    )
    above: AlertAbove = Field(default_factory=AlertAbove, description="So many of them are borne; by default none")


class Smtp(Model):
    """The mail server by which e-mails go out."""

    host: str = Field(description="Name or address of the server", examples=["smtp.example.org"])
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is encrypted; `none` only to a server on this machine"
    )
    sender: str = Field(description="Address the e-mails come from", pattern=_ADDRESS, examples=["pacs@example.org"])
    user: str | None = Field(None, description="Name to log in with; without one nobody logs in")
    password: Secret | None = None
    ca: str | None = Field(None, description="File of certificates (PEM) to trust instead of the system's")

    @model_validator(mode="after")
    def _by_both_or_none(self) -> "Smtp":
        if (self.user is None) != (self.password is None):
            raise ValueError("`user` and `password` go together")
        if self.security == "none" and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("`security: none` is for a server on this machine only")
        return self


class Notification(Model):
    """Somebody to tell how runs end: numbers only, never a row or a patient. By e-mail or by webhook."""

    email: str | None = Field(None, description="Address to write to", pattern=_ADDRESS, examples=["data@example.org"])
    smtp: Smtp | None = Field(None, description="Mail server of `email`")
    webhook: str | None = Field(
        None,
        description="URL that receives a JSON POST, or a secret reference to it",
        pattern=r"^(https?://\S+|\$\{(env|file|keyring|prefect):[^}]+\})$",
        examples=["https://hooks.example.org/pacsflow", "${keyring:pacsflow/hook}"],
    )
    on: list[Literal["done", "left", "held", "failed"]] = Field(
        default=["held", "failed"],
        description="`done`: nothing is left to do; `left`: some rows are not done, or the node's hours ended; "
        "`held`: rows or the plan wait for a person; `failed`: the run is red by `alert`, or could not go on",
    )

    @model_validator(mode="after")
    def _by_one_way(self) -> "Notification":
        if (self.email is None) == (self.webhook is None):
            raise ValueError("give either `email` or `webhook`")
        if (self.email is None) != (self.smtp is None):
            raise ValueError("`email` needs `smtp`, and only `email` does")
        return self


class Schedule(Model):
    """When runs begin by themselves, by a deployment that `pacsflow deploy` makes. Give `cron` or `every_minutes`."""

    cron: str | None = Field(
        None, description="Minute, hour, day, month, day of the week", examples=["0 20 * * mon-fri"]
    )
    every_minutes: float | None = Field(None, gt=0, description="Minutes between two beginnings", examples=[60])
    timezone: str = Field("UTC", description="Time zone of the hours", examples=["Europe/Zurich"])
    active: bool = Field(default=True, description="Whether runs begin by it; false: only by hand")

    @model_validator(mode="after")
    def _by_one_rule(self) -> "Schedule":
        if (self.cron is None) == (self.every_minutes is None):
            raise ValueError("give either `cron` or `every_minutes`")
        return self

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("is not a time zone; write one such as Europe/Zurich")
        return name


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
    approval_days: float = Field(
        14,
        gt=0,
        description="So long a run that a worker started waits in Prefect for an approval; then it ends as failed",
    )
    sign_off: Literal["none", "one", "two"] = Field(
        "none",
        description="How many persons must look at samples of what was fetched and de-identified before anything of a "
        "study goes to a target, see `pacsflow sign-off`; `two`: two different ones",
    )
    room: Literal["refuse", "ignore"] = Field(
        "refuse",
        description="What a run does where, by the sizes known, staging or a target has too little room for what is "
        "left: refuse before the first image, or go on until the disk is full",
    )
    priority: Priority = Field(
        "normal", description="Who gives way where several projects ask one node: the lower one, between two studies"
    )
    workers: int = Field(
        1,
        ge=1,
        le=1000,
        description="How many runs of this project may be at work at once, on machines with a workdir each, and share "
        "its rows and studies; more than one needs a ledger in PostgreSQL",
        examples=[4],
    )
    task_run_per_row_up_to: int = Field(
        2000,
        ge=0,
        description="A table of more rows is worked off in chunks: Prefect shows a task run per chunk, and one per row "
        "or study that fails or is held",
    )
    alert: Alert = Field(
        default_factory=Alert, description="Which rows make a run red (`Failed` in Prefect): those that need a person"
    )
    notify: list[Notification] = Field(default=[], description="Whom to tell how a run ended")
    schedule: list[Schedule] = Field(default=[], description="When runs begin by themselves, see `pacsflow deploy`")

    @model_validator(mode="after")
    def _shared_ledger(self) -> "ProjectSettings":
        if self.workers > 1 and self.ledger == "sqlite":
            raise ValueError("`workers` above 1 needs `ledger` in PostgreSQL, which all of them reach")
        return self
