"""export.yaml: conversion and targets."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas._base import AETitle, Model, Port, Secret


class Nifti(Model):
    """Conversion of the series of one modality."""

    modality: str = Field(description="Modality, or `*` for all", examples=["MR"])
    converter: Literal["dcm2niix", "dicom2nifti"] = Field("dcm2niix", description="Which converter")
    bids: str | None = Field(None, description="File with the BIDS rules")


class Folder(Model):
    """A folder."""

    kind: Literal["folder"]
    path: str = Field(description="Folder; ${project.workdir} is replaced", examples=["${project.workdir}/out"])
    layout: str = Field(
        "sub-{patient}/ses-{session}/{series_number:05d}-{series_description}",
        description="Folder of a series. Fields: patient, session, study_date, study_time, modality, series_number, "
        "series_description, study, series, row",
    )
    dicom: bool = Field(default=True, description="Write the DICOM files")
    nifti: bool = Field(default=True, description="Write what conversion gave")


class Dicom(Model):
    """A DICOM node, by C-STORE."""

    kind: Literal["dicom"]
    host: str = Field(description="Host")
    port: Port
    called_aet: AETitle


class Dicomweb(Model):
    """A DICOMweb server, by STOW-RS."""

    kind: Literal["dicomweb"]
    url: str = Field(description="Base address")
    auth: Secret | None = Field(None, description="Credentials")


class Storage(Model):
    """Any fsspec storage."""

    kind: Literal["storage"]
    url: str = Field(description="fsspec URL", examples=["s3://bucket/lung-ct"])
    options: dict[str, Any] = Field(default={}, description="fsspec options; secrets by reference")


class Xnat(Model):
    """An XNAT project."""

    kind: Literal["xnat"]
    url: str = Field(description="Address")
    project: str = Field(description="XNAT project")


class Archive(Model):
    """An encrypted archive."""

    kind: Literal["archive"]
    format: Literal["zip", "7z"] = Field("zip", description="Format")
    password: Secret


class Dicomdir(Model):
    """A DICOM file-set with DICOMDIR (PS3.10)."""

    kind: Literal["dicomdir"]


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
