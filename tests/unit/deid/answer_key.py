"""Synthetic instances with an answer key, in the ten actions that MIDI-B scores."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
)

ACTIONS = (
    "tag_retained",
    "text_notnull",
    "text_retained",
    "text_removed",
    "date_shifted",
    "uid_changed",
    "uid_consistent",
    "patid_consistent",
    "pixels_retained",
    "pixels_hidden",
)
FREE_TEXT = frozenset(
    {"StudyDescription", "SeriesDescription", "ProtocolName", "ImageComments", "AdditionalPatientHistory"}
)
"""Attributes in which words are to stay and words are to go: 99.9 % are asked for there, 100 % elsewhere."""
PATIENTS = (
    ("Zieglmeier^Hannelore", "MRN0047721"),
    ("Müller-Thurgau^Jürgen^Karl", "0081123"),
    ("O'Shaughnessy^Siobhan", "PAT-55-0192"),
    ("Nguyễn^Vănh", "V7741908"),
    ("Quistgaard^Thorbjorn", "A-99127"),
    ("Yamada^Tarou=山田^太郎", "JP0099182"),
    ("Bartholomäus^Änne", "77120034"),
    ("Wolkenstein^Oswald^^Prof.", "W_20481"),
    ("Papadopoulos^Ελευθερία", "GR-400918"),
    ("Whitfield^Clementine", "00918273"),
)
CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage, "PT": PositronEmissionTomographyImageStorage}
MEDICAL = {"CT": ("CHEST", "CONTRAST"), "MR": ("BRAIN", "AXIAL"), "PT": ("WHOLE", "BODY")}
STAYS = ("tag_retained", "text_notnull", "text_retained")
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Answer:
    """What must be true of an element (or of words in it) of instance `instance` afterwards."""

    action: str
    instance: int
    path: Path
    value: str = ""

    @property
    def free_text(self):
        return self.path[-1] in FREE_TEXT


@dataclass(frozen=True)
class Subject:
    """A made-up patient and who saw him."""

    name: str
    patient_id: str
    birth: str
    accession: str
    doctor: str

    @property
    def words(self):
        """Parts of the name that must not be found again."""
        return [
            word for part in self.name.split("=") for word in part.split("^") if len(word) > 3 or not word.isascii()
        ]


def generate(seed=20260, per_series=5):
    """(datasets, answers): ten patients, two studies each, three series each, and two screen shots per study."""
    dice, datasets, answers = random.Random(seed), [], []
    for number, (name, patient_id) in enumerate(PATIENTS):
        subject = Subject(
            name,
            patient_id,
            f"19{30 + number * 5}0{number % 9 + 1}17",
            f"ACC{dice.randrange(10**8):08d}",
            "Vandenbossche^Aurelie",
        )
        for study in range(2):
            frame = _uid(number, study, 99)
            day = date(2012, 1, 1) + timedelta(days=dice.randrange(3000))
            for series, modality in enumerate(CLASSES):
                for image in range(per_series):
                    ds = _image(dice, subject, modality, day)
                    _identify(ds, (number, study, series, image), frame)
                    answers += _expected(len(datasets), ds, subject)
                    datasets.append(ds)
            for image in range(2):
                ds = _screen(dice, subject, day)
                _identify(ds, (number, study, 7, image), frame)
                answers.append(Answer("pixels_hidden", len(datasets), ("PixelData",)))
                datasets.append(ds)
    return datasets, answers


def _uid(*numbers):
    return "1.3.6.1.4.1.9999.77." + ".".join(str(number + 1) for number in numbers)


def _identify(ds, numbers, frame):
    patient, study, series, image = numbers
    ds.SOPInstanceUID, ds.SeriesInstanceUID = _uid(*numbers), _uid(patient, study, series)
    ds.StudyInstanceUID, ds.FrameOfReferenceUID = _uid(patient, study), frame
    if image:
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = (
            ds.SOPClassUID,
            _uid(*numbers[:3], image - 1),
        )
        ds.SourceImageSequence = Sequence([reference])


def _base(dice, subject, modality, day):
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.Modality, ds.Manufacturer = modality, "SIEMENS"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = (
        subject.name,
        subject.patient_id,
        subject.birth,
        "F",
    )
    ds.AccessionNumber, ds.ReferringPhysicianName = subject.accession, subject.doctor
    ds.InstitutionName, ds.StudyID = "Klinikum Nordstadt Hannover", f"S{dice.randrange(100)}"
    for keyword, later in (("StudyDate", 0), ("SeriesDate", 0), ("AcquisitionDate", 1), ("ContentDate", 1)):
        setattr(ds, keyword, (day + timedelta(days=later)).strftime("%Y%m%d"))
    ds.StudyTime, ds.AcquisitionDateTime = "101500", f"{day:%Y%m%d}101600.5"
    ds.SeriesNumber, ds.InstanceNumber = dice.randrange(1, 20), dice.randrange(1, 400)
    ds.Rows = ds.Columns = 16
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = np.frombuffer(dice.randbytes(512), "<u2").tobytes()
    return ds


def _image(dice, subject, modality, day):
    ds = _base(dice, subject, modality, day)
    ds.SOPClassUID = CLASSES[modality]
    ds.SliceThickness, ds.PixelSpacing = f"{dice.randrange(5, 50) / 10}", [0.5, 0.5]
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, dice.randrange(300)], [1, 0, 0, 0, 1, 0]
    ds.BodyPartExamined = {"CT": "CHEST", "MR": "BRAIN", "PT": "WHOLEBODY"}[modality]
    first, second = MEDICAL[modality]
    for keyword in sorted(FREE_TEXT):
        setattr(ds, keyword, f"{first} {_secret(dice, subject)} {second}"[:64])
    ds.PatientComments = f"call {_secret(dice, subject)}"
    nested = Dataset()
    nested.RequestedProcedureDescription, nested.ScheduledProcedureStepStartDate = (
        _secret(dice, subject)[:64],
        ds.StudyDate,
    )
    ds.RequestAttributesSequence = Sequence([nested])
    block = ds.private_block(0x0051, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0F, "LO", subject.name.split("=")[0][:60])
    return ds


def _secret(dice, subject):
    family, _, given = subject.name.split("=")[0].partition("^")
    given = given.split("^")[0]
    phone = f"+41 21 {dice.randrange(100, 999)} {dice.randrange(10, 99)} {dice.randrange(10, 99)}"
    return dice.choice(
        (
            f"{family}, {given}",
            f"{given} {family}".upper(),
            f"{family}_{given}".lower(),
            subject.patient_id,
            f"#{subject.accession}",
            phone,
            f"{given}.{family}@example.org",
            f"Dr {subject.doctor.split('^')[0]}",
            f"born {subject.birth[6:]}.{subject.birth[4:6]}.{subject.birth[:4]}",
        )
    )


def _screen(dice, subject, day):
    ds = _base(dice, subject, "OT", day)
    ds.SOPClassUID, ds.ImageType, ds.BurnedInAnnotation = (
        SecondaryCaptureImageStorage,
        ["DERIVED", "SECONDARY", "SCREEN SAVE"],
        "YES",
    )
    return ds


def _expected(number, ds, subject) -> Iterator[Answer]:
    """The answer key of one image."""
    for keyword in (
        "Modality",
        "ImageType",
        "SliceThickness",
        "PixelSpacing",
        "ImagePositionPatient",
        "BodyPartExamined",
        "Manufacturer",
        "PatientSex",
    ):
        yield from (Answer(action, number, (keyword,)) for action in STAYS)
    for keyword in (
        "PatientID",
        "PatientName",
        "StudyDate",
        "SOPInstanceUID",
        "FrameOfReferenceUID",
        *sorted(FREE_TEXT),
    ):
        yield from (Answer(action, number, (keyword,)) for action in ("tag_retained", "text_notnull"))
    for keyword in sorted(FREE_TEXT):
        yield from (Answer("text_retained", number, (keyword,), word) for word in MEDICAL[ds.Modality])
        yield from (
            Answer("text_removed", number, (keyword,), word) for word in _words(getattr(ds, keyword), ds.Modality)
        )
    for word in (
        *subject.words,
        subject.patient_id,
        subject.accession,
        subject.birth,
        "Vandenbossche",
        "Aurelie",
        "Nordstadt",
    ):
        yield Answer("text_removed", number, ("anywhere",), word)
    yield Answer("text_removed", number, ("PatientBirthDate",), subject.birth)
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "AcquisitionDateTime"):
        yield Answer("date_shifted", number, (keyword,))
    uids: list[Path] = [("SOPInstanceUID",), ("SeriesInstanceUID",), ("StudyInstanceUID",), ("FrameOfReferenceUID",)]
    if "SourceImageSequence" in ds:
        uids.append(("SourceImageSequence", 0, "ReferencedSOPInstanceUID"))
    for path in uids:
        yield from (Answer(action, number, path) for action in ("uid_changed", "uid_consistent"))
    yield Answer("patid_consistent", number, ("PatientID",))
    yield Answer("pixels_retained", number, ("PixelData",))


def _words(text, modality):
    """What of a free text must go: all but the medical words around it, and what is too short to tell anything."""
    keep = {*MEDICAL[modality], "born", "Dr"}
    return [word for word in text.split() if word.strip(",#") not in keep and len(word) > 3]
