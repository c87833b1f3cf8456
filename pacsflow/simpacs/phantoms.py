"""Synthetic studies, the same for the same seed; pixels and headers are made when they are asked for."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    UltrasoundImageStorage,
    XRayRadiationDoseSRStorage,
)

from pacsflow.simpacs.archive import StoredInstance, StoredSeries, StoredStudy, StudyArchive
from pacsflow.simpacs.encoding import phantom_bytes, phantom_file
from pacsflow.simpacs.people import person
from pacsflow.simpacs.plans import SeriesPlan, StudyPlan

SOP_CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "US": UltrasoundImageStorage,
    "SR": XRayRadiationDoseSRStorage,
}


CHEST = SeriesPlan("CT", "Chest axial lung", 24, 12.0)
T1 = SeriesPlan("MR", "T1 MPRAGE transversal", 20, 7.0)
T2 = SeriesPlan("MR", "T2 TSE transversal", 20, 7.0, "T2")
DOSE = SeriesPlan("SR", "Dose Report", 1)
FAN = SeriesPlan("US", "Abdomen", 2)


def phantom_archive(studies: int = 10, *, seed: int = 0, matrix: int = 64, images: int = 4) -> StudyArchive:
    """`studies` studies, two to a patient, CT and MR by turns, `images` slices each."""
    return StudyArchive(_study(plan) for plan in _population(studies, seed, matrix, images))


def demo_archive(seed: int = 2026) -> StudyArchive:
    """The demo's six patients: eight studies of CT and MR, and an ultrasound with a burned-in name."""
    return StudyArchive(map(_study, demo_plans(seed)))


def demo_plans(seed: int = 2026) -> list[StudyPlan]:
    """What `demo_archive` holds. Two studies of patient 5 share an accession number, by mistake."""
    people = [person(seed, number) for number in range(6)]
    rows = [
        (people[0], "20150512", "00710001", "CT Thorax", (CHEST, DOSE)),
        (people[0], "20151120", "00710002", "CT Thorax Verlauf", (CHEST,)),
        (people[1], "20160304", "00710003", "MR Schädel", (T1, T2)),
        (people[2], "20160711", "00710004", "CT Thorax", (replace(CHEST, images=18),)),
        (people[3], "20161002", "00710005", "MR Schädel", (T1,)),
        (people[4], "20170118", "00710006", "MR Schädel", (T1,)),
        (people[4], "20170119", "00710006", "CT Thorax", (replace(CHEST, images=12),)),
        (people[5], "20180923", "00710007", "MR Schädel", (T2,)),
        (people[5], "20180924", "00710008", "US Abdomen", (FAN,)),
    ]
    return [_named(StudyPlan(*row, matrix=128), seed, number) for number, row in enumerate(rows)]


def write_phantoms(folder: Path, archive: StudyArchive) -> list[Path]:
    """Write every instance of `archive` as a DICOM file (PS3.10) below `folder`; file names identify no patient."""
    written: list[Path] = []
    for study in archive.studies.values():
        for series in archive.series(study.uid):
            for instance in series.instances:
                written.append(folder / f"{len(written):06d}.dcm")
                written[-1].parent.mkdir(parents=True, exist_ok=True)
                written[-1].write_bytes(phantom_file(instance))
    return written


def _population(studies: int, seed: int, matrix: int, images: int) -> Iterator[StudyPlan]:
    for number in range(studies):
        dice = random.Random(f"study {seed} {number}")  # noqa: S311, made up is what it shall be
        date = f"{dice.randint(2010, 2024)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}"
        of_ct = number % 2 == 0
        series = replace(CHEST if of_ct else T1, images=images, spacing=(300.0 if of_ct else 140.0) / images)
        plan = StudyPlan(
            person(seed, number // 2),
            date,
            f"0A{number:07d}",
            "CT Thorax" if of_ct else "MR Schädel",
            (series,),
            matrix,
        )
        yield _named(plan, seed, number)


def _named(plan: StudyPlan, seed: int, number: int) -> StudyPlan:
    uid = made_uid("study", seed, number)
    series = tuple(
        replace(each, uid=made_uid("series", seed, number, place), number=place)
        for place, each in enumerate(plan.series, 1)
    )
    return replace(plan, uid=uid, series=series, time=f"{8 + number % 10:02d}{7 * number % 60:02d}00")


def made_uid(*parts: object) -> str:
    """A UID of the 2.25 root (PS3.5 B.2), the same for the same parts."""
    name = hashlib.sha256(repr(parts).encode()).digest()[:16]
    return f"2.25.{int.from_bytes(name)}"


def _study(plan: StudyPlan) -> StoredStudy:
    modalities = sorted({each.modality for each in plan.series})
    contents = frozenset((str(SOP_CLASSES[modality]), str(ExplicitVRLittleEndian)) for modality in modalities)
    attributes = {
        "StudyInstanceUID": plan.uid,
        "PatientID": plan.patient.patient_id,
        "PatientName": plan.patient.name,
        "PatientBirthDate": plan.patient.birth_date,
        "PatientSex": plan.patient.sex,
        "StudyDate": plan.date,
        "StudyTime": plan.time,
        "StudyID": plan.accession[-5:],
        "AccessionNumber": plan.accession,
        "StudyDescription": plan.description,
        "InstitutionName": plan.patient.hospital,
        "ReferringPhysicianName": plan.patient.physician,
        "ModalitiesInStudy": "\\".join(modalities),
        "SOPClassesInStudy": "\\".join(sorted(uid for uid, _ in contents)),
        "NumberOfStudyRelatedSeries": str(len(plan.series)),
        "NumberOfStudyRelatedInstances": str(sum(each.images for each in plan.series)),
        "InstanceAvailability": "ONLINE",
    }
    return StoredStudy(attributes, partial(_all_series, attributes, plan), contents)


def _all_series(attributes: dict[str, str], plan: StudyPlan) -> tuple[StoredSeries, ...]:
    return tuple(_series(attributes, plan, each) for each in plan.series)


def _series(study: dict[str, str], plan: StudyPlan, series: SeriesPlan) -> StoredSeries:
    attributes = {
        "SeriesInstanceUID": series.uid,
        "Modality": series.modality,
        "SeriesNumber": str(series.number),
        "SeriesDescription": series.description,
        "SeriesDate": plan.date,
        "SeriesTime": plan.time,
        "ProtocolName": series.description.upper().replace(" ", "_"),
        "BodyPartExamined": {"CT": "CHEST", "MR": "HEAD", "US": "ABDOMEN"}.get(series.modality, "CHEST"),
        "Manufacturer": "Phantom Works",
        "ManufacturerModelName": f"Ellipsoid {series.modality}",
        "StationName": f"{series.modality}RAUM1",
        "DeviceSerialNumber": "00042",
        "FrameOfReferenceUID": made_uid("frame", plan.uid),
        "OperatorsName": "Nakamura^Rin",
        "NumberOfSeriesRelatedInstances": str(series.images),
    }
    header = {**study, **attributes}
    made = (_instance(header, plan, series, number) for number in range(1, series.images + 1))
    return StoredSeries(attributes, tuple(made))


def _instance(header: dict[str, str], plan: StudyPlan, series: SeriesPlan, number: int) -> StoredInstance:
    attributes = {
        "SOPInstanceUID": made_uid(series.uid, number),
        "SOPClassUID": SOP_CLASSES[series.modality],
        "InstanceNumber": str(number),
        "ContentDate": plan.date,
        "ContentTime": plan.time,
        "AcquisitionDate": plan.date,
    }
    encode = partial(phantom_bytes, {**header, **attributes}, plan, series)
    return StoredInstance(attributes, ExplicitVRLittleEndian, number, encode)
