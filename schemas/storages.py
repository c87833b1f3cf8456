"""What each `kind: storage` takes as `options`: who we are there, whom we trust. Nothing else is passed on."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from schemas._base import Model, Secret

Endpoint = Annotated[str, Field(pattern=r"^https://[^@\s?#]+$")]


class SftpOptions(Model):
    """sftp://: who we are to the server, and where its key is known from."""

    username: str | None = Field(None, description="User", examples=["reader"])
    password: Secret | None = None
    key_filename: str | None = Field(
        None,
        description="File of our own key; without it and without a password the user's agent and keys are tried",
        examples=["/home/reader/.ssh/id_ed25519"],
    )
    passphrase: Secret | None = None
    known_hosts: str | None = Field(
        None, description="File of the keys of hosts; left out: the user's own", examples=["known_hosts"]
    )


class SignedInOptions(Model):
    """ftps://, webdavs://: who we are to the server, and whom we trust."""

    username: str | None = Field(None, description="User", examples=["reader"])
    password: Secret | None = None
    ca: str | None = Field(None, description="PEM file of the authorities to trust instead of the system's")


class S3Options(Model):
    """s3://: our key, and the service where it is not Amazon's."""

    key: str | None = Field(None, description="Access key, or a reference to it", examples=["${env:S3_KEY}"])
    secret: Secret | None = None
    token: Secret | None = None
    anon: bool = Field(default=False, description="Without a log-in")
    endpoint_url: Endpoint | None = Field(
        None, description="Address of the service, https only", examples=["https://s3.example.org"]
    )
    region: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,63}$")] | None = Field(
        None, description="Region", examples=["eu-central-1"]
    )
    addressing: Literal["auto", "path", "virtual"] = Field(
        "auto", description="Where the bucket stands in an address: in the path, or in the host's name"
    )
    checksums: Literal["when_required", "when_supported"] = Field(
        "when_required", description="Which requests carry checksums; old servers store those of the others as content"
    )
    ca: str | None = Field(None, description="PEM file of the authorities to trust instead of the system's")


class GsOptions(Model):
    """gs://: a service account, else what this computer is signed in with."""

    token: str | None = Field(None, description="JSON file of a service account, or a reference to a token")
    project: str | None = Field(None, description="Project of Google Cloud", examples=["lung-ct"])


class AbfsOptions(Model):
    """abfs://: an account of Azure and one way to sign in there."""

    account_name: Annotated[str, Field(pattern=r"^[a-z0-9]{3,24}$")] = Field(
        description="Storage account: 3 to 24 small letters and digits", examples=["lungct"]
    )
    account_key: Secret | None = None
    sas_token: Secret | None = None
    tenant_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")] | None = Field(
        None, description="Tenant of a service principal"
    )
    client_id: str | None = Field(None, description="Client of a service principal")
    client_secret: Secret | None = None


class FileOptions(Model):
    """file://: a folder of this machine, which is written as `kind: folder` is."""


OPTIONS: Final[dict[str, type[Model]]] = {
    "s3": S3Options,
    "gs": GsOptions,
    "abfs": AbfsOptions,
    "sftp": SftpOptions,
    "ftps": SignedInOptions,
    "webdavs": SignedInOptions,
    "file": FileOptions,
}
"""Scheme of a storage -> its options. Others are not taken."""
PATHS: Final = frozenset({"ca", "known_hosts", "key_filename"})
"""Options that name files of this machine."""
OF_OLD: Final = {
    "client_kwargs": "write `endpoint_url`, `region` or `ca` of `options`",
    "config_kwargs": "write `checksums` or `addressing` of `options`",
    "use_ssl": "leave it out: connections are always encrypted",
    "verify": "leave it out, and name your authority by `ca`: the other end is always verified",
    "host": "leave it out: `url` names the host",
    "port": "leave it out: `url` names the port",
}
"""Options that fsspec would take -> what to write instead."""


def how_to_write(model: type[Model], name: str) -> str:
    """What to write for an option."""
    if name == "endpoint_url":
        return "write the address with https://"
    said = model.model_fields[name].description or "a reference, as ${env:NAME}"
    return f"write its {said[0].lower()}{said[1:]}"


def leaves(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and text of each value, also of those in groups."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from leaves(value)
        else:
            yield name, str(value)
