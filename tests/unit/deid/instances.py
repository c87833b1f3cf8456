"""The one factory of synthetic instances: encoded datasets with a patient in them."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from itertools import chain

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsflow.deid import Cleaned, Source, compile_profile
from schemas.deid import DeidProfile

KEY = bytes(range(32))
NAME, PATIENT_ID, ACCESSION, BIRTH = "Quistgaard^Thorbjorn", "PID-774411", "ACC9981273", "19410523"
STUDY_UID, SERIES_UID, SOP_UID = "1.3.6.1.4.1.9999.1", "1.3.6.1.4.1.9999.1.2", "1.3.6.1.4.1.9999.1.2.3"


def cleaner(**profile):
    """A compiled profile; what is not said is the basic profile."""
    return compile_profile(DeidProfile.model_validate({"key": "${env:KEY}"} | profile), KEY)


def ct(**values):
    """A small CT slice of an identified patient."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, SOP_UID
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20150512"
    ds.StudyTime = "101112.5"
    ds.AccessionNumber, ds.Modality, ds.Manufacturer = ACCESSION, "CT", "ACME"
    ds.InstitutionName = "Klinikum Nordstadt"
    ds.ReferringPhysicianName = "Vandenbossche^Aurelie"
    ds.StudyDescription = "Thorax"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = NAME, PATIENT_ID, BIRTH, "M"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.StudyID = STUDY_UID, SERIES_UID, "S1"
    ds.FrameOfReferenceUID = "1.3.6.1.4.1.9999.7"
    ds.SeriesNumber, ds.InstanceNumber = 1, 1
    ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing = [0, 0, 0], [1, 0, 0, 0, 1, 0], [1, 1]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = np.arange(64, dtype="<u2").tobytes()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def encoded(ds, syntax=ExplicitVRLittleEndian):
    """The dataset as it comes over an association."""
    fp = DicomBytesIO()
    fp.is_little_endian, fp.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
    write_dataset(fp, ds)
    return Source(str(ds.SOPClassUID), str(ds.SOPInstanceUID), str(syntax), fp.getvalue())


def whole(cleaned: Cleaned) -> bytes:
    """The file as it would be written."""
    return b"".join(bytes(part) for part in chain(cleaned.parts, cleaned.rest))


def streamed(source: Source, begin: int, piece: int) -> Source:
    """The instance as a large one comes: its first bytes, then the others in pieces that hold for a moment."""
    return replace(source, dataset=source.dataset[:begin], rest=_pieces(memoryview(source.dataset)[begin:], piece))


def _pieces(data: memoryview, size: int) -> Iterator[memoryview]:
    for start in range(0, len(data), size):
        moment = bytearray(data[start : start + size])
        yield memoryview(moment)
        moment[:] = b"\xdd" * len(moment)


def read(cleaned: Cleaned):
    """The file as pydicom reads it."""
    return dcmread(BytesIO(whole(cleaned)))


def cleaned(ds, syntax=ExplicitVRLittleEndian, **profile):
    """The dataset through a profile and read back."""
    return read(cleaner(**profile).clean(encoded(ds, syntax)))
