"""export.yaml: conversion and targets."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from schemas._base import AETitle, Model, Port, Secret
from schemas.pacs import Tls

_SECRET_WORDS = ("password", "secret", "token", "passphrase")


class Nifti(Model):
    """Conversion of the series of one modality."""

    modality: str = Field(description="Modality, or `*` for all", examples=["MR"])
    converter: Literal["dcm2niix", "dicom2nifti"] = Field("dcm2niix", description="Which converter")
    bids: str | None = Field(None, description="File with the BIDS rules")


class Files(Model):
    """A place for files: which, and where below it."""

    layout: str = Field(
        "sub-{patient}/ses-{session}/{series_number:05d}-{series_description}",
        description="Folder of a series. Fields: patient, session, study_date, study_time, modality, series_number, "
        "series_description, study, series, row",
    )
    dicom: bool = Field(default=True, description="Write the DICOM files")
    nifti: bool = Field(default=True, description="Write what conversion gave")


class Folder(Files):
    """A folder."""

    kind: Literal["folder"]
    path: str = Field(description="Folder; ${project.workdir} is replaced", examples=["${project.workdir}/out"])


class Dicom(Model):
    """A DICOM node, by C-STORE."""

    kind: Literal["dicom"]
    host: str = Field(description="Host", examples=["research-pacs.example.org"])
    port: Port
    called_aet: AETitle
    calling_aet: AETitle = "PACSFLOW"
    tls: Tls | None = Field(None, description="DICOM TLS")
    query_back: bool = Field(
        default=True, description="Ask by C-FIND what arrived; false for a node that cannot be asked, as a gateway"
    )
    megabytes_per_second: float | None = Field(None, gt=0, description="Bandwidth limit, in MB/s per study under way")


class Dicomweb(Model):
    """A DICOMweb server, by STOW-RS."""

    kind: Literal["dicomweb"]
    url: str = Field(description="Base address")
    auth: Secret | None = Field(None, description="Credentials")


class Storage(Files):
    """Any fsspec storage: S3, Google, Azure, SFTP, FTPS, WebDAV."""

    kind: Literal["storage"]
    url: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+]*://[^@]*$")] = Field(
        description="Address, without user and password: s3://, gs://, abfs://, sftp://, ftps://, webdavs://, file://",
        examples=["s3://bucket/lung-ct", "sftp://files.example.org/data/lung-ct"],
    )
    options: dict[str, Any] = Field(
        default={},
        description="Options of the storage, as fsspec names them; secrets by reference. sftp: username, password or "
        "key_filename, known_hosts; ftps: username, password, ca; webdavs: username, password, ca; s3: key, secret, "
        "endpoint_url, ca",
        examples=[{"key": "${env:S3_KEY}", "secret": "${env:S3_SECRET}", "endpoint_url": "https://s3.example.org"}],
    )
    megabytes_per_second: float | None = Field(None, gt=0, description="Bandwidth limit, in MB/s per study under way")

    @model_validator(mode="after")
    def _secrets(self) -> "Storage":
        for name, value in self.options.items():
            if any(word in name for word in _SECRET_WORDS) and not str(value).startswith("${"):
                raise ValueError(f"options.{name}: a secret is given by reference, as ${{env:NAME}}")
        return self


class Xnat(Model):
    """An XNAT project."""

    kind: Literal["xnat"]
    url: str = Field(description="Address")
    project: str = Field(description="XNAT project")


class Archive(Files):
    """An encrypted archive per study."""

    kind: Literal["archive"]
    path: str = Field(
        "${project.workdir}/archives",
        description="Folder of the archives; ${project.workdir} is replaced",
        examples=["${project.workdir}/archives"],
    )
    format: Literal["zip", "7z"] = Field("zip", description="zip: AES-256; 7z: AES-256, names of files too")
    password: Secret


class Dicomdir(Model):
    """A DICOM file-set with DICOMDIR (PS3.10) per study."""

    kind: Literal["dicomdir"]
    path: str = Field(
        "${project.workdir}/file-sets",
        description="Folder of the file-sets; ${project.workdir} is replaced",
        examples=["${project.workdir}/file-sets"],
    )


class Karnak(Model):
    """A Karnak gateway."""

    kind: Literal["karnak"]
    album: str = Field(description="Album")


Target = Annotated[
    Folder | Dicom | Dicomweb | Storage | Xnat | Archive | Dicomdir | Karnak, Field(discriminator="kind")
]


class Export(Model):
    """export.yaml."""

    nifti: list[Nifti] = Field(default=[], description="Conversions; the first that fits a series is used")
    geometry: Literal["refuse", "warn"] = Field(
        "refuse", description="Series whose slices do not make a regular volume"
    )
    targets: list[Target] = Field(
        default=[Folder(kind="folder", path="${project.workdir}/out")], description="Where results go"
    )
