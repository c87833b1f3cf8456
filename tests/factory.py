"""Small synthetic instances for tests: valid, deterministic, of made-up patients."""

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

ROWS = COLUMNS = 16
DEFAULTS = {
    "SpecificCharacterSet": "ISO_IR 192",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "SOPClassUID": CTImageStorage,
    "StudyDate": "20200102",
    "SeriesDate": "20200102",
    "AcquisitionDate": "20200102",
    "ContentDate": "20200102",
    "StudyTime": "101112",
    "SeriesTime": "101112",
    "AcquisitionTime": "101112",
    "ContentTime": "101112",
    "AccessionNumber": "ACC0001",
    "Modality": "CT",
    "Manufacturer": "NOBODY",
    "InstitutionName": "NOWHERE HOSPITAL",
    "ReferringPhysicianName": "Referrer^Rita",
    "StudyDescription": "Thorax",
    "SeriesDescription": "Axial lung",
    "PatientName": "Example^Erika",
    "PatientID": "EX0001",
    "PatientBirthDate": "19700203",
    "PatientSex": "F",
    "SliceThickness": "1",
    "KVP": "120",
    "StudyID": "1",
    "SeriesNumber": 1,
    "AcquisitionNumber": 1,
    "InstanceNumber": 1,
    "PatientPosition": "HFS",
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "ImagePositionPatient": [0, 0, 0],
    "PixelSpacing": [1, 1],
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "Rows": ROWS,
    "Columns": COLUMNS,
    "BitsAllocated": 16,
    "BitsStored": 12,
    "HighBit": 11,
    "PixelRepresentation": 0,
    "RescaleIntercept": "-1024",
    "RescaleSlope": "1",
    "RescaleType": "HU",
}


def make_uid(*entropy: object) -> str:
    """A UID that is the same for the same words."""
    return str(generate_uid(entropy_srcs=[str(word) for word in entropy] or None))


def make_instance(**overrides: Any) -> Dataset:
    """A CT image of 16 x 16 pixels (12 of 16 bits), Explicit VR Little Endian, with file meta information.

    Any element by its keyword; None leaves it out. UIDs not given are made from the names around
    them: the same PatientID and AccessionNumber give the same study, the same SeriesNumber the same
    series, the same InstanceNumber the same instance. `transfer_syntax` names another
    (uncompressed) transfer syntax.
    """
    syntax = overrides.pop("transfer_syntax", ExplicitVRLittleEndian)
    values = DEFAULTS | overrides
    instance = Dataset()
    for keyword, value in {**_uids(values), **values}.items():
        if value is not None:
            setattr(instance, keyword, value)
    if "PixelData" not in values:
        instance.PixelData = _slice(values).tobytes()
        instance["PixelData"].VR = "OW"
    instance.file_meta = _file_meta(instance, syntax)
    return instance


def _uids(values: dict[str, Any]) -> dict[str, str]:
    patient = values["PatientID"]
    study = values.get("StudyInstanceUID") or make_uid("study", patient, values["AccessionNumber"])
    series = values.get("SeriesInstanceUID") or make_uid("series", study, values["SeriesNumber"])
    return {
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "FrameOfReferenceUID": make_uid("frame", study),
        "SOPInstanceUID": make_uid("instance", series, values["InstanceNumber"]),
    }


def _slice(values: dict[str, Any]) -> np.ndarray:
    rows, columns = values["Rows"], values["Columns"]
    ramp = np.arange(rows * columns, dtype="<u2").reshape(rows, columns)
    return (ramp + 7 * int(values["InstanceNumber"] or 0)) % 4096


def _file_meta(instance: Dataset, syntax: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = instance.get("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPInstanceUID = instance.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = "2.25.1"
    return meta


def make_study(*, series: int = 2, images: int = 3, **overrides: Any) -> list[Dataset]:
    """`series` x `images` instances of one study, slices 1 mm apart."""
    return [
        make_instance(
            **{
                "SeriesNumber": number,
                "SeriesDescription": f"Series {number}",
                "InstanceNumber": image,
                "ImagePositionPatient": [0, 0, image],
                **overrides,
            }
        )
        for number in range(1, series + 1)
        for image in range(1, images + 1)
    ]


def write_files(instances: list[Dataset], folder: Path) -> list[Path]:
    """Part 10 files of `instances` in `folder`, named by their position."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{position:05}.dcm" for position in range(len(instances))]
    for instance, path in zip(instances, paths, strict=True):
        instance.save_as(path, enforce_file_format=True)
    return paths


def write_large(path: Path, *, frames: int, **overrides: Any) -> Dataset:
    """A multi-frame image of `frames` times 512 x 512 x 2 bytes, all zero: a file with a hole, that takes no room."""
    size = frames * 512 * 512 * 2
    values = {"SOPClassUID": EnhancedCTImageStorage, "Rows": 512, "Columns": 512, "NumberOfFrames": frames}
    instance = make_instance(**values, PixelData=b"", **overrides)
    instance["PixelData"].VR = "OW"
    path.parent.mkdir(parents=True, exist_ok=True)
    instance.save_as(path, enforce_file_format=True)
    with path.open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(struct.pack("<I", size))
        file.truncate(file.tell() + size)
    return instance
