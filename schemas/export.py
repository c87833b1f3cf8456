"""export.yaml: conversion and targets."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator

from schemas._base import AETitle, Mistake, Model, Port, Secret
from schemas.deid import DeidProfile
from schemas.nifti import Nifti
from schemas.storages import OF_OLD, OPTIONS, PATHS, how_to_write, leaves
from schemas.training import TRAINING, CaseChannel
from schemas.web import Auth, HttpsUrl, Tls

Bandwidth = Annotated[
    float | None, Field(gt=0, description="Bandwidth limit, in MB/s per study under way", examples=[20])
]
_SECRET = re.compile(r"pass(word|wd|phrase)|secret|token|account_key|connection_string", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\{(env|file|keyring|prefect):[^}]+\}")
_SIGNED_IN = re.compile(r"://[^/]*@")
UNPROTECTED = {"ftp": "ftps://", "http": "webdavs://", "https": "webdavs://", "webdav": "webdavs://", "ssh": "sftp://"}
"""Schemes that no storage is taken by: open to all on the way, or another word for it -> what to write instead."""


_DATASET = re.compile(r"Dataset\d{3}_\w+")


class Destination(Model):
    """What every kind of target tells of itself.

    `MODULE`: where it is made of its settings, `module:class` of a `pacsflow.export.contract.Target`.
    `TABLES`: fields that name a table: of pseudonyms, or of day shifts.
    """

    MODULE: ClassVar[str]
    TABLES: ClassVar[Mapping[str, Literal["pseudonyms", "shifts"]]] = {}

    def place(self) -> tuple[object, ...]:
        """Where it writes, as far as that can be told: equal for two that write to the same place; paths unresolved."""
        return (Path(self.model_dump(include={"path"})["path"]),)

    def mistakes(self) -> Iterator[Mistake]:
        """What the fields say together and cannot mean."""
        yield from ()

    def packages(self) -> tuple[str, ...]:
        """Packages that it needs and that not every installation has."""
        return ()

    def mistakes_under(self, profile: DeidProfile) -> Iterator[Mistake]:  # noqa: ARG002 - of kinds that heed it
        """What cannot go together with a de-identification profile."""
        yield from ()


class Files(Destination):
    """A place for files: which, and where below it."""

    layout: str = Field(
        "sub-{patient}/ses-{session}/{series_number:05d}-{series_description}",
        description="Folder of a series. Fields: patient, session, study_date, study_time, modality, series_number, "
        "series_description, study, series, row",
    )
    dicom: bool = Field(default=True, description="Write the DICOM files")
    nifti: bool = Field(default=True, description="Write what conversion gave")

    def mistakes(self) -> Iterator[Mistake]:
        """Nothing that would be written."""
        if not self.dicom and not self.nifti:
            yield Mistake((), "writes neither DICOM nor NIfTI", "set one of them to true")


class Folder(Files):
    """A folder."""

    MODULE: ClassVar[str] = "pacsflow.export.folder:open_folder"

    kind: Literal["folder"]
    path: str = Field(description="Folder; ${project.workdir} is replaced", examples=["${project.workdir}/out"])
    layout: str = Field(
        "sub-{patient}/ses-{session}/{series_number:05d}-{series_description}",
        description="Folder of a series. Fields: patient, session, study_date, study_time, modality, series_number, "
        "series_description, study, series, row. Or `nnunet`, `monai`: a dataset to train on",
    )
    channels: list[CaseChannel] = Field(
        default=[],
        description="Of `layout: nnunet` and `monai`: the images of a case, in their order; left out: the only one",
    )
    labels: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default={},
        description="Of `layout: nnunet` and `monai`: name of a segment (* and ? too) -> value, from 1 without gaps",
        examples=[{"liver": 1, "tumor": 2}],
    )

    def mistakes(self) -> Iterator[Mistake]:
        """What does not go with the layout."""
        yield from super().mistakes()
        if self.layout not in TRAINING:
            named = "channels" if self.channels else "labels"
            if self.channels or self.labels:
                yield Mistake((named,), "goes with `layout: nnunet` and `monai` only", "set the layout, or take it out")
            return
        if sorted(self.labels.values()) != list(range(1, len(self.labels) + 1)):
            yield Mistake(("labels",), "has gaps or doubles in its values", "count from 1, each value once")
        if self.layout == "nnunet" and not _DATASET.fullmatch(Path(self.path).name):
            fix = "call the folder Dataset001_NAME: nnU-Net finds datasets by such names"
            yield Mistake(("path",), "is no name of a dataset of nnU-Net", fix)


class BidsDataset(Destination):
    """A BIDS dataset: the converted series that the rules of `nifti.bids` name."""

    MODULE: ClassVar[str] = "pacsflow.export.bids:BidsTarget"

    kind: Literal["bids"]
    path: str = Field(
        "${project.workdir}/bids",
        description="Folder of the dataset; ${project.workdir} is replaced",
        examples=["${project.workdir}/bids"],
    )
    name: str = Field(min_length=1, description="Name of the dataset", examples=["Nodules on MR"])
    authors: list[str] = Field(default=[], description="Who is to be named", examples=[["A. Example"]])
    license: str | None = Field(None, description="Licence of the data", examples=["CC0"])
    sessions: Literal["date", "order", "column", "days"] = Field(
        "date",
        description="What a session is called: date and time of the cleaned study; its place among the patient's "
        "studies (01, 02); the cell of `session_column`; days from the date there to the study (p0012, before: m0012)",
    )
    session_column: str | None = Field(
        None, description="Column of the query's table with the label, or the index date (YYYY-MM-DD)"
    )
    events: bool = Field(
        default=False, description="Write an empty events.tsv beside each bold of a task but rest, where there is none"
    )

    def mistakes(self) -> Iterator[Mistake]:
        """A column without a use, or a use without a column."""
        if (self.sessions in ("column", "days")) != (self.session_column is not None):
            fix = "write both, or neither: `sessions: column` or `days`, and the heading of the column"
            yield Mistake(("sessions",), "and `session_column` go together", fix)


class Dicom(Destination):
    """A DICOM node, by C-STORE."""

    MODULE: ClassVar[str] = "pacsflow.export.dicom:NodeTarget"

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

    def place(self) -> tuple[object, ...]:
        """The node."""
        return self.host.lower(), self.port, self.called_aet


class Dicomweb(Destination):
    """A DICOMweb server, by STOW-RS."""

    MODULE: ClassVar[str] = "pacsflow.export.dicomweb:ServerTarget"

    kind: Literal["dicomweb"]
    url: HttpsUrl
    auth: Auth | None = Field(None, description="Who we are to the server; left out: without a log-in")
    ca: str | None = Field(None, description="PEM file of the authorities to trust instead of the system's")
    query_back: bool = Field(
        default=True, description="Ask by QIDO-RS what arrived; false for a server that cannot be asked"
    )
    megabytes_per_request: float = Field(100, gt=0, description="Instances of one request, in MB together, at most")
    megabytes_per_second: Bandwidth = None

    def place(self) -> tuple[object, ...]:
        """The server."""
        return (self.url.rstrip("/"),)


class Storage(Files):
    """A storage: S3, Google, Azure, SFTP, FTPS, WebDAV."""

    MODULE: ClassVar[str] = "pacsflow.export.storage:StorageTarget"

    kind: Literal["storage"]
    url: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+]*://[^@?]*$")] = Field(
        description="Address, without user and password: s3://, gs://, abfs://, sftp://, ftps://, webdavs://, file://",
        examples=["s3://bucket/lung-ct", "sftp://files.example.org/data/lung-ct"],
    )
    options: dict[str, Any] = Field(
        default={},
        description="Who we are there and whom we trust, by the scheme of `url`; secrets by reference. "
        + "; ".join(f"{scheme}: {', '.join(model.model_fields) or 'none'}" for scheme, model in OPTIONS.items()),
        examples=[{"key": "${env:S3_KEY}", "secret": "${env:S3_SECRET}", "endpoint_url": "https://s3.example.org"}],
    )
    megabytes_per_second: Bandwidth = None

    @model_validator(mode="after")
    def _secrets(self) -> "Storage":
        for name, value in leaves(self.options):
            if _SECRET.search(name) and not _REFERENCE.fullmatch(value):
                raise ValueError(f"options.{name}: a secret is given by reference, as ${{env:NAME}}")
            if _SIGNED_IN.search(value):
                raise ValueError(f"options.{name}: an address holds no user and no password, options do by reference")
        return self

    @property
    def scheme(self) -> str:
        """The scheme of the address."""
        return self.url.partition("://")[0]

    @property
    def endpoint(self) -> str:
        """The address of the service that speaks S3, where it is not Amazon's; else empty."""
        return str(self.options.get("endpoint_url") or "")

    def packages(self) -> tuple[str, ...]:
        """What S3 needs."""
        return ("s3fs",) if self.scheme == "s3" else ()

    def place(self) -> tuple[object, ...]:
        """The address, and who signs in there."""
        url = urlsplit(self.url)
        if url.scheme in {"file", "local"}:
            return (Path(url.path),)
        server = self.options.get("username"), self.options.get("endpoint_url")
        return url.scheme, url.netloc.lower(), url.path.rstrip("/"), *server

    def mistakes(self) -> Iterator[Mistake]:
        """Addresses by which files would go open to all, schemes and options that are not taken."""
        yield from super().mistakes()
        known = OPTIONS.get(self.scheme)
        if known is None:
            instead = UNPROTECTED.get(self.scheme, f"one of {', '.join(f'{scheme}://' for scheme in OPTIONS)}")
            yield Mistake(("url",), "is not taken", f"write the address with {instead}")
            return
        for name in sorted(self.options.keys() - known.model_fields.keys()):
            instead = OF_OLD.get(name, f"{self.scheme}:// takes {', '.join(known.model_fields) or 'none'}")
            yield Mistake(("options", name), "is not an option of this storage", instead)
        named = {name: value for name, value in self.options.items() if name in known.model_fields}
        try:
            known.model_validate(named)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                name = str(detail["loc"][0]) if detail["loc"] else ""
                if name not in PATHS or isinstance(self.options[name], str):  # of other paths the project's check tells
                    said = "is not taken" if name == "endpoint_url" else "has not the right form"
                    yield Mistake(("options", name), said, how_to_write(known, name))


class Xnat(Destination):
    """An XNAT project, by XNAT's REST interface."""

    MODULE: ClassVar[str] = "pacsflow.export.xnat:ProjectTarget"

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

    def place(self) -> tuple[object, ...]:
        """The project, or its prearchive."""
        return self.url.rstrip("/"), self.project, self.destination


class Archive(Files):
    """An encrypted archive per study."""

    MODULE: ClassVar[str] = "pacsflow.export.archive:ArchiveTarget"

    kind: Literal["archive"]
    path: str = Field(
        "${project.workdir}/archives",
        description="Folder of the archives; ${project.workdir} is replaced",
        examples=["${project.workdir}/archives"],
    )
    format: Literal["zip", "7z"] = Field("zip", description="zip: AES-256; 7z: AES-256, names of files too")
    password: Secret

    def packages(self) -> tuple[str, ...]:
        """What packs it."""
        return ("pyzipper" if self.format == "zip" else "py7zr",)


class Dicomdir(Destination):
    """A DICOM file-set with DICOMDIR (PS3.10) per study."""

    MODULE: ClassVar[str] = "pacsflow.export.dicomdir:FileSetTarget"

    kind: Literal["dicomdir"]
    path: str = Field(
        "${project.workdir}/file-sets",
        description="Folder of the file-sets; ${project.workdir} is replaced",
        examples=["${project.workdir}/file-sets"],
    )


class Karnak(Destination):
    """A Karnak gateway, by C-STORE, with the private elements that it reads."""

    MODULE: ClassVar[str] = "pacsflow.export.karnak:GatewayTarget"
    TABLES: ClassVar[Mapping[str, Literal["pseudonyms", "shifts"]]] = {"new_ids": "pseudonyms", "day_shift": "shifts"}

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

    def place(self) -> tuple[object, ...]:
        """The album."""
        return self.host.lower(), self.port, self.called_aet, "album", self.album

    def mistakes_under(self, profile: DeidProfile) -> Iterator[Mistake]:
        """Numbers that it would subtract and the project adds; Patient IDs as the codes of identifiable images."""
        if self.day_shift is not None and profile.dates.direction == "add":
            message = "is subtracted by Karnak, and `dates` of deid.yaml adds such numbers: dates would move both ways"
            yield Mistake(("day_shift",), message, "write `direction: subtract` under `dates`, or take day_shift out")
        if profile.base == "none" and self.new_ids is None:
            message = "would send the Patient ID itself as the code: under `base: none` images are IDENTIFIABLE"
            yield Mistake((), message, "name the codes by `new_ids`, as `pacsflow pseudonyms` writes them")


Target = Annotated[
    Folder | BidsDataset | Dicom | Dicomweb | Storage | Xnat | Archive | Dicomdir | Karnak, Field(discriminator="kind")
]


class Export(Model):
    """export.yaml."""

    nifti: list[Nifti] = Field(default=[], description="Conversions; the first that fits a series is used")
    images: list[str] = Field(
        default=[],
        description="Modalities whose images become pictures, not NIfTI: PNG of 16 bits, window and VOI LUT applied; "
        "`*` for all that `nifti` does not convert",
        examples=[["CR", "DX", "MG"]],
    )
    masks: bool = Field(
        default=False,
        description="Make label maps of segmentations (SEG) and structure sets (RTSTRUCT), on the grid of the image "
        "that they refer to, where `nifti` converts that",
    )
    conversion: Literal["wanted", "required"] = Field(
        "wanted",
        description="What a row is whose series were not all converted as `nifti` says: `wanted`, complete with the "
        "reason beside it; `required`, partial, and the run ends with exit code 1",
    )
    geometry: Literal["refuse", "warn", "split"] = Field(
        "refuse",
        description="Series whose slices do not make a regular volume: refuse; warn, and convert them all the same; or "
        "split, which converts each regular volume in them and names the rest",
    )
    header_table: bool = Field(
        default=False,
        description="Write report/series.csv and report/series.parquet: a line per series of technical attributes as "
        "the cleaned headers have them, the verdict on its geometry, paths at targets, SHA-256",
    )
    targets: list[Target] = Field(
        default=[Folder(kind="folder", path="${project.workdir}/out")], description="Where results go"
    )
