"""Headers and pixels of phantoms, as a scanner would write them, identifiers and all."""

import unicodedata
from collections.abc import Mapping
from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ImplicitVRLittleEndian

from pacsflow.simpacs.archive import Encoded, StoredInstance
from pacsflow.simpacs.plans import SeriesPlan, StudyPlan
from pacsflow.simpacs.volumes import fan, head, torso

FIELD = {"CT": 380.0, "MR": 230.0}
"""Field of view, in millimetres."""


def phantom_bytes(header: Mapping[str, str], plan: StudyPlan, series: SeriesPlan) -> bytes:
    """The instance's dataset in explicit little endian."""
    dataset = _identified(header, plan)
    make = {"CT": _ct, "MR": _mr, "US": _us, "SR": _dose_report}[series.modality]
    make(dataset, plan, series)
    return encoded_in(dataset, implicit=False)


def phantom_file(instance: StoredInstance) -> bytes:
    """`instance` as a file with preamble and file meta information (PS3.10 7.1)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(instance.sop_class)
    meta.MediaStorageSOPInstanceUID = UID(instance.uid)
    meta.TransferSyntaxUID = UID(instance.transfer_syntax)
    dataset = recode(instance.encoded(), instance.transfer_syntax)
    dataset.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def recode(encoded: Encoded, syntax: str) -> Dataset:
    """The dataset of uncompressed little endian bytes, without file meta information."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    buffer = BytesIO()
    empty = Dataset()
    empty.file_meta = meta
    meta.MediaStorageSOPClassUID = meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    dcmwrite(buffer, empty, enforce_file_format=True)
    return dcmread(BytesIO(buffer.getvalue() + bytes(encoded)))


def other_syntax(encoded: Encoded, syntax: str) -> bytes:
    """Explicit little endian bytes in implicit VR, or the other way round."""
    return encoded_in(recode(encoded, syntax), implicit=syntax != ImplicitVRLittleEndian)


def encoded_in(dataset: Dataset, *, implicit: bool) -> bytes:
    """`dataset` in little endian, without file meta information."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, implicit
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def _identified(header: Mapping[str, str], plan: StudyPlan) -> Dataset:
    """Everything that identifies the patient, where scanners put it, and where they should not."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in header.items():
        if not keyword.startswith(("NumberOf", "ModalitiesIn", "SOPClassesIn", "InstanceAvail")):
            setattr(dataset, keyword, value)
    person = plan.patient
    dataset.OtherPatientNames = person.name
    dataset.PatientAddress = "Beispielgasse 7, 9999 Nirgendwo"
    dataset.PatientTelephoneNumbers = "+00 555 0199"
    dataset.PatientComments = f"Angehörige von {person.name.split('^')[0]} informiert"
    dataset.ImageComments = f"Pat. {person.patient_id}"
    dataset.RequestAttributesSequence = Sequence([_request(plan)])
    private = dataset.private_block(0x0019, "PHANTOM WORKS 1.0", create=True)
    private.add_new(0x01, "LO", person.name)
    private.add_new(0x02, "LO", person.patient_id)
    private.add_new(0x03, "DS", "1.25")
    return dataset


def _request(plan: StudyPlan) -> Dataset:
    item = Dataset()
    item.RequestedProcedureID = plan.accession
    item.RequestedProcedureDescription = f"{plan.description} {plan.patient.name.split('^')[0]}"
    item.ScheduledProcedureStepDescription = plan.description
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "A1", "99PHANTOM"
    code.CodeMeaning = plan.description
    item.ScheduledProtocolCodeSequence = Sequence([code])
    return item


def _number(dataset: Dataset, series: SeriesPlan) -> tuple[float, int]:
    """Height of the slice in the stack, -1 to 1, and the seed of its noise."""
    number = int(dataset.InstanceNumber)
    place = 2 * (number - 1) / (series.images - 1) - 1 if series.images > 1 else 0.0
    return place, int(str(dataset.SOPInstanceUID)[5:]) % 2**63


def _ct(dataset: Dataset, plan: StudyPlan, series: SeriesPlan) -> None:
    place, seed = _number(dataset, series)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.KVP, dataset.ConvolutionKernel = "120", "B30f"
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "-1024", "1", "HU"
    dataset.WindowCenter, dataset.WindowWidth = "40", "400"
    _plane(dataset, plan, series)
    _pixels(dataset, (torso(plan.matrix, place, seed).astype(np.int32) + 1024).clip(0, 4095).astype(np.uint16), 12)


def _mr(dataset: Dataset, plan: StudyPlan, series: SeriesPlan) -> None:
    place, seed = _number(dataset, series)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    dataset.ScanningSequence, dataset.SequenceVariant, dataset.ScanOptions = "SE", "NONE", ""
    dataset.MRAcquisitionType, dataset.MagneticFieldStrength = "2D", "1.5"
    dataset.RepetitionTime, dataset.EchoTime = ("500", "12") if series.contrast == "T1" else ("4000", "95")
    dataset.EchoNumbers, dataset.EchoTrainLength, dataset.FlipAngle = "1", "1", "90"
    dataset.WindowCenter, dataset.WindowWidth = "450", "900"
    _plane(dataset, plan, series)
    _pixels(dataset, head(plan.matrix, place, seed, contrast=series.contrast), 12)


def _us(dataset: Dataset, plan: StudyPlan, series: SeriesPlan) -> None:
    _, seed = _number(dataset, series)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL"]
    dataset.BurnedInAnnotation = "YES"
    latin = plan.patient.name.split("=")[0].replace("^", " ")
    plain = unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()
    label = f"{plain}  {plan.patient.patient_id}"
    _pixels(dataset, fan(max(plan.matrix, 128) * 2, seed, label), 8)


def _plane(dataset: Dataset, plan: StudyPlan, series: SeriesPlan) -> None:
    """Axial planes, head first supine, feet first in the stack (PS3.3 C.7.6.2)."""
    spacing = FIELD[series.modality] / plan.matrix
    corner = -FIELD[series.modality] / 2 + spacing / 2
    bottom = -series.spacing * (series.images - 1) / 2
    z = round(bottom + series.spacing * (int(dataset.InstanceNumber) - 1), 4)
    dataset.PatientPosition = "HFS"
    dataset.PositionReferenceIndicator = ""
    dataset.PixelSpacing = [f"{spacing:.6f}", f"{spacing:.6f}"]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = f"{series.spacing:.4f}"
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.ImagePositionPatient = [f"{corner:.4f}", f"{corner:.4f}", f"{z:.4f}"]
    dataset.SliceLocation = f"{z:.4f}"
    dataset.AcquisitionNumber = "1"


def _pixels(dataset: Dataset, image: np.ndarray[tuple[int, int], np.dtype[np.integer]], bits: int) -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = image.shape
    dataset.BitsAllocated = 8 * image.dtype.itemsize
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, 0
    data = image.tobytes()
    dataset.add_new(0x7FE00010, "OW" if image.dtype.itemsize > 1 else "OB", data + b"\0" * (len(data) % 2))


def _dose_report(dataset: Dataset, plan: StudyPlan, series: SeriesPlan) -> None:
    del series
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = Sequence([_code("113701", "X-Ray Radiation Dose Report")])
    observer = Dataset()
    observer.RelationshipType, observer.ValueType = "HAS OBS CONTEXT", "PNAME"
    observer.ConceptNameCodeSequence = Sequence([_code("121008", "Person Observer Name")])
    observer.PersonName = plan.patient.physician
    remark = Dataset()
    remark.RelationshipType, remark.ValueType = "CONTAINS", "TEXT"
    remark.ConceptNameCodeSequence = Sequence([_code("121106", "Comment")])
    remark.TextValue = f"{plan.patient.name.split('=')[0]}, geb. {plan.patient.birth_date}: DLP 214 mGy.cm"
    dataset.ContentSequence = Sequence([observer, remark])


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code
