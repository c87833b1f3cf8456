"""Synthetic instances of 31 SOP classes with an answer key: what the ten actions of the answer key ask of each."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from pydicom import Dataset, uid
from pydicom.sequence import Sequence

from unit.deid import answer_key
from unit.deid.answer_key import FREE_TEXT, PATIENTS, STAYS, Answer, Subject

PIXELS = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit")
WORDS = ("HEAD", "AXIAL")
"""Words of imaging around what must go."""


@dataclass(frozen=True)
class Class:
    """Of a SOP class: its UID, modality, and kind: image, frames, text (shows text, must not pass), or what it is of."""

    uid: str
    modality: str
    kind: str = "image"


DOCTORS = ("Vandenbossche^Aurelie", "Brown^Rosalind", "Weiss^Ingeborg", "Rossini^Graziella", "Hunter^Gwendolyn")
"""Other people, of whom the header knows one; some names are words as well."""
CLASSES = {
    "CT": Class(uid.CTImageStorage, "CT"),
    "MR": Class(uid.MRImageStorage, "MR"),
    "PT": Class(uid.PositronEmissionTomographyImageStorage, "PT"),
    "NM": Class(uid.NuclearMedicineImageStorage, "NM"),
    "CR": Class(uid.ComputedRadiographyImageStorage, "CR"),
    "DX": Class(uid.DigitalXRayImageStorageForPresentation, "DX"),
    "MG": Class(uid.DigitalMammographyXRayImageStorageForPresentation, "MG"),
    "IO": Class(uid.DigitalIntraOralXRayImageStorageForPresentation, "IO"),
    "XA": Class(uid.XRayAngiographicImageStorage, "XA"),
    "RF": Class(uid.XRayRadiofluoroscopicImageStorage, "RF"),
    "RT image": Class(uid.RTImageStorage, "RTIMAGE"),
    "RT dose": Class(uid.RTDoseStorage, "RTDOSE"),
    "enhanced CT": Class(uid.EnhancedCTImageStorage, "CT", "frames"),
    "enhanced MR": Class(uid.EnhancedMRImageStorage, "MR", "frames"),
    "enhanced PET": Class(uid.EnhancedPETImageStorage, "PT", "frames"),
    "legacy CT": Class(uid.LegacyConvertedEnhancedCTImageStorage, "CT", "frames"),
    "legacy MR": Class(uid.LegacyConvertedEnhancedMRImageStorage, "MR", "frames"),
    "segmentation": Class(uid.SegmentationStorage, "SEG", "frames"),
    "parametric map": Class(uid.ParametricMapStorage, "MR", "frames"),
    "tomography of eyes": Class(uid.OphthalmicTomographyImageStorage, "OPT"),
    "secondary capture": Class(uid.SecondaryCaptureImageStorage, "OT", "text"),
    "ultrasound": Class(uid.UltrasoundImageStorage, "US", "text"),
    "ultrasound cine": Class(uid.UltrasoundMultiFrameImageStorage, "US", "text"),
    "endoscopy": Class(uid.VLEndoscopicImageStorage, "ES", "text"),
    "text report": Class(uid.BasicTextSRStorage, "SR", "content"),
    "report": Class(uid.ComprehensiveSRStorage, "SR", "content"),
    "key objects": Class(uid.KeyObjectSelectionDocumentStorage, "KO", "content"),
    "RT structures": Class(uid.RTStructureSetStorage, "RTSTRUCT", "regions"),
    "RT plan": Class(uid.RTPlanStorage, "RTPLAN", "beams"),
    "presentation state": Class(uid.GrayscaleSoftcopyPresentationStateStorage, "PR", "graphics"),
    "registration": Class(uid.SpatialRegistrationStorage, "REG", "registration"),
}


def generate(per_class=17, seed=20261):
    """(datasets, answers): so many instances of each class, of ten patients in two studies each."""
    dice, datasets, answers = random.Random(seed), [], []
    for number, each in enumerate(CLASSES.values()):
        for image in range(per_class):
            patient, study = (number + image) % len(PATIENTS), image % 2
            subject = _subject(patient)
            day = date(2012, 1, 1) + timedelta(days=patient * 61 + study * 400)
            ds = _instance(dice, each, subject, day)
            _identify(ds, (patient, study, number, image))
            answers += list(_expected(len(datasets), ds, subject, each))
            datasets.append(ds)
    return datasets, answers


def _subject(number):
    name, patient_id = PATIENTS[number]
    return Subject(
        name, patient_id, f"19{30 + number * 5}0{number + 1}17"[:8], f"ACC{number:08d}", DOCTORS[number % len(DOCTORS)]
    )


def _identify(ds, numbers):
    answer_key._identify(ds, numbers, answer_key._uid(*numbers[:2], 99))


def _instance(dice, each, subject, day):
    ds = answer_key._base(dice, subject, each.modality, day)
    ds.SOPClassUID, ds.BurnedInAnnotation = each.uid, "YES" if each.kind == "text" else "NO"
    for keyword in sorted(FREE_TEXT):
        setattr(ds, keyword, f"{WORDS[0]} {answer_key._secret(dice, subject)} {WORDS[1]}"[:64])
    block = ds.private_block(0x0051, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0F, "LO", subject.name.split("=")[0][:60])
    if each.kind not in ("image", "frames", "text"):
        for keyword in (*PIXELS, "PixelRepresentation", "PixelData", "BurnedInAnnotation", "ImageType"):
            delattr(ds, keyword)
    if each.kind in OF_KIND:
        OF_KIND[each.kind](ds, answer_key._secret(dice, subject), day)
    return ds


def _item(**values):
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _sequence(**values):
    return Sequence([_item(**values)])


def _code(meaning, value="121071"):
    return _sequence(CodeValue=value, CodingSchemeDesignator="DCM", CodeMeaning=meaning)


def _frames(ds, secret, day):
    ds.NumberOfFrames, ds.PixelData = 2, ds.PixelData * 2
    ds.DimensionOrganizationSequence = _sequence(DimensionOrganizationUID="1.3.6.1.4.1.9999.78.1")
    ds.SharedFunctionalGroupsSequence = _sequence(
        PixelMeasuresSequence=_sequence(SliceThickness="2", PixelSpacing=[0.5, 0.5])
    )
    ds.PerFrameFunctionalGroupsSequence = Sequence(
        [
            _item(
                FrameContentSequence=_sequence(
                    FrameAcquisitionDateTime=f"{day:%Y%m%d}101112.5", FrameComments=secret, StackID="1"
                ),
                PlanePositionSequence=_sequence(ImagePositionPatient=[0, 0, number]),
            )
            for number in range(2)
        ]
    )


def _content(ds, secret, day):
    ds.ValueType, ds.ConceptNameCodeSequence = "CONTAINER", _code("Finding")
    ds.VerifyingObserverSequence = _sequence(
        VerifyingObserverName=str(ds.ReferringPhysicianName), VerificationDateTime=f"{day:%Y%m%d}1100"
    )
    ds.ContentSequence = Sequence(
        [
            _item(
                RelationshipType="CONTAINS",
                ValueType="TEXT",
                ConceptNameCodeSequence=_code("Finding"),
                TextValue=secret,
            ),
            _item(
                RelationshipType="HAS OBS CONTEXT",
                ValueType="PNAME",
                ConceptNameCodeSequence=_code("Person Observer Name", "121008"),
                PersonName=str(ds.ReferringPhysicianName),
            ),
        ]
    )


def _regions(ds, secret, day):
    ds.StructureSetLabel, ds.StructureSetDate = secret[:16], f"{day:%Y%m%d}"
    ds.StructureSetROISequence = _sequence(
        ROINumber=1,
        ROIName=f"PTV {secret}"[:64],
        ReferencedFrameOfReferenceUID=ds.get("FrameOfReferenceUID", "1.2.3.4"),
    )
    ds.ROIContourSequence = _sequence(
        ReferencedROINumber=1,
        ContourSequence=_sequence(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=1, ContourData=[1, 2, 3]),
    )


def _beams(ds, secret, day):
    ds.RTPlanLabel, ds.RTPlanDate, ds.RTPlanGeometry = secret[:16], f"{day:%Y%m%d}", "PATIENT"
    ds.BeamSequence = _sequence(
        BeamNumber=1, BeamName=f"AP {secret}"[:64], BeamType="STATIC", TreatmentMachineName=secret[:16]
    )


def _graphics(ds, secret, day):
    ds.ContentLabel, ds.ContentDescription, ds.PresentationCreationDate = "PR", secret[:64], f"{day:%Y%m%d}"
    ds.ContentCreatorName = str(ds.ReferringPhysicianName)
    ds.GraphicAnnotationSequence = _sequence(
        GraphicLayer="LAYER", TextObjectSequence=_sequence(UnformattedTextValue=secret, AnchorPoint=[1, 2])
    )


def _registration(ds, secret, day):
    ds.ContentLabel, ds.ContentDescription = "REG", secret[:64]
    ds.RegistrationSequence = _sequence(
        MatrixRegistrationSequence=_sequence(
            FrameOfReferenceTransformationComment=secret,
            MatrixSequence=_sequence(
                FrameOfReferenceTransformationMatrix=[1] * 16, FrameOfReferenceTransformationMatrixType="RIGID"
            ),
        )
    )


OF_KIND = {
    "frames": _frames,
    "content": _content,
    "regions": _regions,
    "beams": _beams,
    "graphics": _graphics,
    "registration": _registration,
}
KEPT = {
    "frames": [
        ("SharedFunctionalGroupsSequence", 0, "PixelMeasuresSequence", 0, "PixelSpacing"),
        ("PerFrameFunctionalGroupsSequence", 1, "PlanePositionSequence", 0, "ImagePositionPatient"),
        ("NumberOfFrames",),
    ],
    "content": [("ValueType",)],
    "regions": [
        ("StructureSetROISequence", 0, "ROINumber"),
        ("ROIContourSequence", 0, "ContourSequence", 0, "ContourData"),
    ],
    "beams": [("BeamSequence", 0, "BeamType"), ("RTPlanGeometry",)],
    "graphics": [("ContentLabel",)],
    "registration": [
        (
            "RegistrationSequence",
            0,
            "MatrixRegistrationSequence",
            0,
            "MatrixSequence",
            0,
            "FrameOfReferenceTransformationMatrix",
        )
    ],
}
"""What research needs of each kind, and nobody is told by."""
MOVED = {
    "frames": [("PerFrameFunctionalGroupsSequence", 0, "FrameContentSequence", 0, "FrameAcquisitionDateTime")],
    "regions": [("StructureSetDate",)],
    "beams": [("RTPlanDate",)],
    "graphics": [("PresentationCreationDate",)],
}


def _expected(number, ds, subject, each):
    """The answers of one instance."""
    if each.kind == "text":
        yield Answer("pixels_hidden", number, ("PixelData",))
        return
    pixels = [(keyword,) for keyword in (*PIXELS, "ImageType") if keyword in ds]
    for path in (
        ("Modality",),
        ("Manufacturer",),
        ("PatientSex",),
        ("SeriesNumber",),
        *pixels,
        *KEPT.get(each.kind, []),
    ):
        yield from (Answer(action, number, path) for action in STAYS)
    for keyword in ("PatientID", "PatientName", "StudyDate", "SOPInstanceUID", *sorted(FREE_TEXT)):
        yield from (Answer(action, number, (keyword,)) for action in ("tag_retained", "text_notnull"))
    for keyword in sorted(FREE_TEXT):
        yield from (Answer("text_retained", number, (keyword,), word) for word in WORDS)
        yield from (Answer("text_removed", number, (keyword,), word) for word in _telling(getattr(ds, keyword)))
    for word in (
        *subject.words,
        subject.patient_id,
        subject.accession,
        subject.birth,
        *subject.doctor.split("^"),
        *GONE,
    ):
        yield Answer("text_removed", number, ("anywhere",), word)
    for path in (*((keyword,) for keyword in DATES), *MOVED.get(each.kind, [])):
        yield Answer("date_shifted", number, path)
    uids = [("SOPInstanceUID",), ("SeriesInstanceUID",), ("StudyInstanceUID",), ("FrameOfReferenceUID",)]
    uids += [("SourceImageSequence", 0, "ReferencedSOPInstanceUID")] if "SourceImageSequence" in ds else []
    uids += [("DimensionOrganizationSequence", 0, "DimensionOrganizationUID")] if each.kind == "frames" else []
    for path in uids:
        yield from (Answer(action, number, path) for action in ("uid_changed", "uid_consistent"))
    yield Answer("patid_consistent", number, ("PatientID",))
    if "PixelData" in ds:
        yield Answer("pixels_retained", number, ("PixelData",))


def _telling(text):
    """What of a free text must go: all but the words of imaging around it, and what is too short to tell anything."""
    return [word for word in text.split() if word.strip(",#") not in {*WORDS, "born", "Dr"} and len(word) > 3]


DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "AcquisitionDateTime")
GONE = ("Nordstadt",)
"""The hospital's town."""
