"""export.yaml: conversion and targets."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from schemas._base import AETitle, Model, Port, Secret
from schemas.pacs import Tls
from schemas.web import Auth, HttpsUrl

Bandwidth = Annotated[
    float | None, Field(gt=0, description="Bandwidth limit, in MB/s per study under way", examples=[20])
]
_SECRET = re.compile(r"pass(word|wd|phrase)|secret|token|account_key|connection_string", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\{(env|file|keyring|prefect):[^}]+\}")
_SIGNED_IN = re.compile(r"://[^/]*@")
UNPROTECTED = {"ftp": "ftps://", "http": "webdavs://", "https": "webdavs://", "webdav": "webdavs://", "ssh": "sftp://"}
"""Schemes that no storage is taken by: open to all on the way, or another word for it -> what to write instead."""


class Nifti(Model):
    """Conversion of the series of one modality."""

    modality: str = Field(description="Modality, or `*` for all", examples=["MR"])
    converter: Literal["dcm2niix", "dicom2nifti"] = Field("dcm2niix", description="Which converter")
    bids: str | None = Field(
        None,
        description="File with the rules for names in a BIDS dataset; a relative path starts at export.yaml",
        examples=["bids.yaml"],
    )


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


class BidsDataset(Model):
    """A BIDS dataset: the converted series that the rules of `nifti.bids` name."""

    kind: Literal["bids"]
    path: str = Field(
        "${project.workdir}/bids",
        description="Folder of the dataset; ${project.workdir} is replaced",
        examples=["${project.workdir}/bids"],
    )
    name: str = Field(min_length=1, description="Name of the dataset", examples=["Nodules on MR"])
    authors: list[str] = Field(default=[], description="Who is to be named", examples=[["A. Example"]])
    license: str | None = Field(None, description="Licence of the data", examples=["CC0"])


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
    megabytes_per_second: Bandwidth = None


class Dicomweb(Model):
    """A DICOMweb server, by STOW-RS."""

    kind: Literal["dicomweb"]
    url: HttpsUrl
    auth: Auth | None = Field(None, description="Who we are to the server; left out: nobody")
    ca: str | None = Field(None, description="PEM file of the authorities to trust instead of the system's")
    query_back: bool = Field(
        default=True, description="Ask by QIDO-RS what arrived; false for a server that cannot be asked"
    )
    megabytes_per_request: float = Field(100, gt=0, description="Instances of one request, in MB together, at most")
    megabytes_per_second: Bandwidth = None


class Storage(Files):
    """Any fsspec storage: S3, Google, Azure, SFTP, FTPS, WebDAV."""

    kind: Literal["storage"]
    url: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+]*://[^@?]*$")] = Field(
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
    megabytes_per_second: Bandwidth = None

    @model_validator(mode="after")
    def _secrets(self) -> "Storage":
        for name, value in _leaves(self.options):
            if _SECRET.search(name) and not _REFERENCE.fullmatch(value):
                raise ValueError(f"options.{name}: a secret is given by reference, as ${{env:NAME}}")
            if _SIGNED_IN.search(value):
                raise ValueError(f"options.{name}: an address holds no user and no password, options do by reference")
        return self


def _leaves(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and text of each value, also of those in groups."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _leaves(value)
        else:
            yield name, str(value)


class Xnat(Model):
    """An XNAT project, by XNAT's REST interface."""

    kind: Literal["xnat"]
    url: HttpsUrl = Field(description="Address, https only", examples=["https://xnat.example.org"])
    project: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]+$")] = Field(
        description="Identifier of the XNAT project", examples=["LUNG"]
    )
    username: str = Field(min_length=1, description="User, or the alias of a token", examples=["pacsflow"])
    password: Secret
    destination: Literal["prearchive", "archive"] = Field(
        "archive", description="prearchive: a person looks at a session before it is archived"
    )
    overwrite: Literal["none", "append", "delete"] = Field(
        "append",
        description="A session that is there already: none: is an error; append: gets what it lacks; "
        "delete: files that are there are written again",
    )
    ca: str | None = Field(None, description="PEM file of the authorities to trust instead of the system's")
    megabytes_per_second: Bandwidth = None


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
    """A Karnak gateway, by C-STORE, with the private elements that it reads."""

    kind: Literal["karnak"]
    host: str = Field(description="Host", examples=["karnak.example.org"])
    port: Port
    called_aet: AETitle
    calling_aet: AETitle = "PACSFLOW"
    tls: Tls | None = Field(None, description="DICOM TLS")
    album: Annotated[str, Field(pattern=r"^[\x20-\x5b\x5d-\x7e]{1,64}$")] = Field(
        description="Album, 1 to 64 ASCII characters without a backslash", examples=["lung-ct"]
    )
    new_ids: str | None = Field(
        None,
        description="JSON file, patient ID to patient code, needed for images that are not de-identified; "
        "left out: the Patient ID of the image, its pseudonym, is the code",
        examples=["new_ids_lung-ct.json"],
    )
    day_shift: str | None = Field(
        None,
        description="JSON file, patient ID to days, for images that are not de-identified; left out: 0",
        examples=["day_shift_lung-ct.json"],
    )
    megabytes_per_second: Bandwidth = None


Target = Annotated[
    Folder | BidsDataset | Dicom | Dicomweb | Storage | Xnat | Archive | Dicomdir | Karnak, Field(discriminator="kind")
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
