"""Made-up CT and MR studies with headers as rich as a scanner's: private groups, sequences, identifiers everywhere."""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

ROOT = "1.2.826.0.1.3680043.10.1521.7"
KINDS = {"CT": CTImageStorage, "MR": MRImageStorage}
STUDIES = 4
"""The images are spread over so many studies: a lane fetches one at a time."""

STUDY = {
    "SpecificCharacterSet": "ISO_IR 100", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"],
    "SOPClassUID": CTImageStorage,
    "StudyDate": "20150512", "SeriesDate": "20150512", "AcquisitionDate": "20150512", "ContentDate": "20150512",
    "StudyTime": "083012.421000", "SeriesTime": "083145.203000", "AccessionNumber": "00710099", "Modality": "CT",
    "Manufacturer": "PHANTOM WORKS", "InstitutionName": "St. Elsewhere", "InstitutionAddress": "Beispielgasse 7",
    "ReferringPhysicianName": "Haddad^Karim^^Dr.", "StationName": "CT54321", "StudyDescription": "Thorax^01_Routine",
    "SeriesDescription": "Thorax 1.0 B30f", "InstitutionalDepartmentName": "Radiology",
    "PerformingPhysicianName": "Tanaka^Yui", "OperatorsName": "Ewa", "ManufacturerModelName": "Sensation 64",
    "PatientName": "Müller-Sørensen^Jürgen", "PatientID": "0045322", "PatientBirthDate": "19480229",
    "PatientSex": "M", "PatientAge": "067Y", "PatientSize": "1.78", "PatientWeight": "81",
    "OtherPatientIDs": "H-99812", "PatientComments": "Müller-Sørensen informed", "BodyPartExamined": "CHEST",
    "DataCollectionDiameter": "500", "DeviceSerialNumber": "54321", "SoftwareVersions": "VB42B",
    "ProtocolName": "Thorax Routine", "ReconstructionDiameter": "370", "KVP": "120", "SliceThickness": "1",
    "DistanceSourceToDetector": "1040", "DistanceSourceToPatient": "570", "GantryDetectorTilt": "0",
    "TableHeight": "146", "RotationDirection": "CW", "ExposureTime": "500", "XRayTubeCurrent": "212",
    "Exposure": "106", "FilterType": "0", "GeneratorPower": "41", "FocalSpots": "1.2",
    "DateOfLastCalibration": "20150512", "TimeOfLastCalibration": "063412.000000", "ConvolutionKernel": "B30f",
    "PatientPosition": "HFS", "StudyID": "1", "SeriesNumber": "2", "AcquisitionNumber": "2",
    "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"], "FrameOfReferenceUID": f"{ROOT}.3",
    "PositionReferenceIndicator": "", "RequestingPhysician": "Lindqvist^Åsa", "RequestedProcedureDescription": "CT",
    "PerformedProcedureStepStartDate": "20150512", "PerformedProcedureStepID": "S0710099", "WindowWidth": "350",
    "WindowCenter": "40", "RescaleIntercept": "-1024", "RescaleSlope": "1", "RescaleType": "HU",
    "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
    "PixelSpacing": ["0.72265625", "0.72265625"], "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11,
    "PixelRepresentation": 0, "SmallestImagePixelValue": 0, "LargestImagePixelValue": 3100,
}  # fmt: skip
"""What all images share. Beside it: sequences and three private blocks."""


def study_uids(modality: str) -> list[str]:
    """The studies of one modality."""
    return [f"{ROOT}.{ord(modality[0])}.1.{number}" for number in range(STUDIES)]


def files(modality: str, images: int, matrix: int) -> Iterator[bytes]:
    """`images` DICOM files in STUDIES studies, `matrix` squared, 16 bits, each another picture."""
    dataset = _shared()
    dataset.Modality, dataset.Rows, dataset.Columns = modality, matrix, matrix
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = KINDS[modality]
    dice = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : matrix * 1j, -1 : 1 : matrix * 1j]
    body = np.where(x**2 + (1.5 * y) ** 2 < 0.7, 1060, 24)  # noqa: PLR2004, an ellipse
    noise = dice.integers(0, 40, (2 * matrix, matrix))
    for number in range(1, images + 1):
        picture = (body + np.roll(noise, 7 * number, axis=0)[:matrix]).astype("<u2")
        dataset.StudyInstanceUID = study_uids(modality)[number % STUDIES]
        dataset.SeriesInstanceUID = f"{dataset.StudyInstanceUID}.2"
        _place(dataset, number)
        dataset.PixelData = picture.tobytes()
        buffer = BytesIO()
        dcmwrite(buffer, dataset, enforce_file_format=True)
        yield buffer.getvalue()


def _shared() -> Dataset:
    dataset = Dataset()
    for keyword, value in STUDY.items():
        setattr(dataset, keyword, value)
    dataset.ProcedureCodeSequence = Sequence([_code("CTTHOR", "CT thorax")])
    dataset.ReferencedStudySequence = Sequence([_reference("1.2.840.10008.3.1.2.3.1", f"{ROOT}.8")])
    dataset.ReferencedImageSequence = Sequence([_reference(CTImageStorage, f"{ROOT}.9.{n}") for n in range(3)])
    dataset.SourceImageSequence = Sequence([_reference(CTImageStorage, f"{ROOT}.10.{n}") for n in range(2)])
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = "00710099", "S1"
    request.RequestedProcedureDescription = "CT thorax Müller-Sørensen"
    request.ScheduledProtocolCodeSequence = Sequence([_code("P7", "Routine")])
    dataset.RequestAttributesSequence = Sequence([request])
    for group, creator, number in ((0x0019, "PHANTOM CT VA0", 20), (0x0021, "PHANTOM MED", 10), (0x0029, "CSA", 6)):
        block = dataset.private_block(group, creator, create=True)
        for element in range(number):
            block.add_new(0x10 + element, "LO", f"value {element} of 0045322")
    dataset.private_block(0x0029, "CSA").add_new(0x40, "OB", bytes(range(256)) * 24)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _place(dataset: Dataset, number: int) -> None:
    """What tells a slice from the others."""
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{dataset.SeriesInstanceUID}.{number}"
    dataset.InstanceNumber = str(number)
    dataset.ImagePositionPatient = ["-184.6", "-330.6", f"{-number:.1f}"]
    dataset.SliceLocation = f"{-number:.1f}"
    dataset.AcquisitionTime = dataset.ContentTime = f"0831{number % 60:02d}.{number:06d}"


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "99PHANTOM", meaning
    return code


def _reference(sop_class: str, uid: str) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = sop_class, uid
    return reference
