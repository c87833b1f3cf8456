"""policy.yaml: what the worker of a machine lets projects do; it stands outside every project."""

from typing import Annotated, Literal

from pydantic import Field

from schemas._base import AETitle, Model

Host = Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9_.:/-]+$", examples=["pacs.example.org"])]
Folder = Annotated[str, Field(pattern=r"^/", examples=["/srv/pacsflow"])]


class SecretRule(Model):
    """Secrets that projects may use, and the hosts that they may be sent to."""

    name: Annotated[str, Field(pattern=r"^(env|file|keyring|prefect):.+$")] = Field(
        description="Kind and name, as a reference says them; `*` stands for any letters",
        examples=["env:LUNG_*", "keyring:pacsflow/lung-ct"],
    )
    hosts: list[Host] = Field(
        default=[],
        description="Hosts it may be sent to: a name, `*.` and the end of a name, an address, a network. None: it is "
        "never sent, as the key of a project",
    )


class Policy(Model):
    """policy.yaml. What is not named is refused."""

    version: Literal[1] = Field(description="Version of this file's language", examples=[1])
    projects: list[Folder] = Field(
        default=[], description="Folders below which projects are run by deployments; symbolic links are followed first"
    )
    hosts: list[Host] = Field(
        default=[],
        description="Hosts that may be asked and sent to: names, `*.` and the end of a name, addresses, networks. A "
        "bucket stands in front of its host (lung.s3.amazonaws.com), so does an account of Azure",
    )
    receivers: list[AETitle] = Field(
        default=[],
        description="AE titles that images may go to: those of C-MOVE, which a node sends to as they are "
        "(`fetch.move_to.aet`, also our own), and those of targets, which may send on (`called_aet`)",
    )
    mail: list[str] = Field(
        default=[],
        description="Addresses that mail servers may be asked to write to; `*` stands for any letters",
        examples=[["*@example.org"]],
    )
    secrets: list[SecretRule] = Field(default=[], description="Secrets that may be used, each with its hosts")
    secrets_folder: Folder | None = Field(
        None,
        description="The folder below which `${file:…}` may read; left out: files are no secrets",
        examples=["/run/secrets"],
    )
    variables: list[str] = Field(
        default=["PACSFLOW_WORK"],
        description="Variables of the environment that may stand in names of folders; `*` stands for any letters",
    )
    storages: list[Literal["s3", "gs", "abfs", "sftp", "ftps", "webdavs", "file"]] = Field(
        default=[], description="Schemes of `kind: storage`"
    )
    write: list[Folder] = Field(default=[], description="Folders below which may be written: workdirs and targets")
    read: list[Folder] = Field(
        default=[], description="Folders, beside a project's own, below which tables and certificates may be read"
    )
    functions: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(
        default=[], description="SHA-256 of the files of recipe functions and of `post` programs that may run"
    )
    programs: list[Folder] = Field(
        default=[], description="Programs that `auth: {kind: command}` may start, by their absolute paths"
    )
