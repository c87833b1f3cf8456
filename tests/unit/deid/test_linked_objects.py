"""A CT series and what refers to it (RTSTRUCT, SEG, SR, PR) after de-identification: every reference still resolves."""

import numpy as np
import pytest
from pydicom import Dataset, uid
from pydicom.sequence import Sequence

from pacsflow.deid import compile_profile
from schemas.deid import DeidProfile
from unit.deid.instances import KEY, cleaner, ct, encoded, read

OPTIONS = ["retain-longitudinal-modified-dates", "clean-structured-content", "clean-graphics", "clean-descriptors"]
BASE = "1.3.6.1.4.1.9999.42"
STUDY, SERIES, FRAME = f"{BASE}.1", f"{BASE}.1.1", f"{BASE}.9"
SLICES = [f"{SERIES}.{number}" for number in range(1, 4)]
TRACKED = f"{BASE}.77"


def made(**values):
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, Sequence(value) if isinstance(value, list) and isinstance(value[0], Dataset) else value)
    return ds


def images():
    return [made(ReferencedSOPClassUID=uid.CTImageStorage, ReferencedSOPInstanceUID=each) for each in SLICES]


def code(value, meaning):
    return [made(CodeValue=value, CodingSchemeDesignator="DCM", CodeMeaning=meaning)]


def belonging(sop_class, modality, number, **values):
    """An instance of the study in a series of its own."""
    ds = ct(SOPClassUID=sop_class, Modality=modality, StudyInstanceUID=STUDY, SeriesInstanceUID=f"{BASE}.1.{number}")
    ds.SOPInstanceUID, ds.FrameOfReferenceUID = f"{BASE}.1.{number}.1", FRAME
    for keyword, value in values.items():
        setattr(ds, keyword, Sequence(value) if isinstance(value, list) and isinstance(value[0], Dataset) else value)
    if modality != "SEG":
        del ds.PixelData
    return ds


def structure_set():
    series = made(SeriesInstanceUID=SERIES, ContourImageSequence=images())
    study = made(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=STUDY)
    study.RTReferencedSeriesSequence = Sequence([series])
    contours = [
        made(ContourGeometricType="POINT", NumberOfContourPoints=1, ContourData=[1, 2, 3], ContourImageSequence=[image])
        for image in images()
    ]
    return belonging(
        uid.RTStructureSetStorage,
        "RTSTRUCT",
        10,
        ReferencedFrameOfReferenceSequence=[made(FrameOfReferenceUID=FRAME, RTReferencedStudySequence=[study])],
        StructureSetROISequence=[made(ROINumber=1, ReferencedFrameOfReferenceUID=FRAME, ROIName="Lung")],
        ROIContourSequence=[made(ReferencedROINumber=1, ContourSequence=contours)],
    )


def segmentation():
    frames = [made(DerivationImageSequence=[made(SourceImageSequence=[image])]) for image in images()]
    return belonging(
        uid.SegmentationStorage,
        "SEG",
        11,
        ReferencedSeriesSequence=[made(SeriesInstanceUID=SERIES, ReferencedInstanceSequence=images())],
        SegmentSequence=[made(SegmentNumber=1, SegmentLabel="Lung", TrackingID="one", TrackingUID=TRACKED)],
        PerFrameFunctionalGroupsSequence=frames,
        PixelData=np.zeros(64, "<u2").tobytes(),
    )


def report():
    group = made(
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code("125007", "Measurement Group"),
        ContentSequence=[
            made(ValueType="IMAGE", ConceptNameCodeSequence=code("121233", "Source image for segmentation"),
                 ReferencedSOPSequence=[image])
            for image in images()
        ],
    )  # fmt: skip
    group.ContentSequence.append(
        made(ValueType="UIDREF", ConceptNameCodeSequence=code("112040", "Tracking Unique Identifier"), UID=TRACKED)
    )
    series = made(SeriesInstanceUID=SERIES, ReferencedSOPSequence=images())
    return belonging(
        uid.ComprehensiveSRStorage,
        "SR",
        12,
        ValueType="CONTAINER",
        CurrentRequestedProcedureEvidenceSequence=[made(StudyInstanceUID=STUDY, ReferencedSeriesSequence=[series])],
        ContentSequence=[group],
    )


def presentation():
    text = made(UnformattedTextValue="Nodule seen by Quistgaard", AnchorPoint=[1, 1], AnchorPointVisibility="Y")
    return belonging(
        uid.GrayscaleSoftcopyPresentationStateStorage,
        "PR",
        13,
        ReferencedSeriesSequence=[made(SeriesInstanceUID=SERIES, ReferencedImageSequence=images())],
        GraphicAnnotationSequence=[
            made(ReferencedImageSequence=images()[:1], GraphicLayer="LAYER", TextObjectSequence=[text])
        ],
    )


def the_set():
    """Three slices and the four objects that name them."""
    slices = [ct(StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, SOPInstanceUID=each) for each in SLICES]
    for each in slices:
        each.FrameOfReferenceUID = FRAME
    return [*slices, structure_set(), segmentation(), report(), presentation()]


def uids(ds):
    """Every UID value of the instance that no dictionary registers, where it stands: (keyword, value)."""
    return [(e.keyword, e.value) for e in ds.iterall() if e.VR == "UI" and str(e.value).startswith(BASE)]


@pytest.fixture(scope="module")
def before_and_after():
    profile, before = cleaner(options=OPTIONS), the_set()
    return profile, before, [read(profile.clean(encoded(ds))) for ds in before]


def test_every_uid_is_there_and_new_and_the_same_everywhere(before_and_after):
    profile, before, after = before_and_after
    for old, new in zip(before, after, strict=True):
        wanted = [(keyword, profile.uid(value)) for keyword, value in uids(old)]
        left = {(e.keyword, str(e.value)) for e in new.iterall() if e.VR == "UI"}
        assert len(wanted) >= 4
        assert set(wanted) <= left, old.Modality
        assert not uids(new)


def test_references_name_instances_of_the_set(before_and_after):
    _, _, after = before_and_after
    slices = {ds.SOPInstanceUID for ds in after[:3]}
    series, frames = {ds.SeriesInstanceUID for ds in after[:3]}, {ds.FrameOfReferenceUID for ds in after[:3]}
    study = {ds.StudyInstanceUID for ds in after}
    assert len(slices) == 3
    assert len(series) == len(frames) == len(study) == 1
    structures, segments, text, shown = after[3:]
    contours = structures.ROIContourSequence[0].ContourSequence
    reached = [
        *(contour.ContourImageSequence[0] for contour in contours),
        *(each.DerivationImageSequence[0].SourceImageSequence[0] for each in segments.PerFrameFunctionalGroupsSequence),
        *(
            item.ReferencedSOPSequence[0]
            for item in text.ContentSequence[0].ContentSequence
            if item.ValueType == "IMAGE"
        ),
        *shown.GraphicAnnotationSequence[0].ReferencedImageSequence,
    ]
    assert len(reached) == 10
    assert {each.ReferencedSOPInstanceUID for each in reached} == slices
    named = [e.value for ds in after[3:] for e in ds.iterall() if e.keyword == "SeriesInstanceUID"]
    assert series < set(named)
    assert structures.StructureSetROISequence[0].ReferencedFrameOfReferenceUID in frames
    tracked = [item.UID for item in text.ContentSequence[0].ContentSequence if item.ValueType == "UIDREF"]
    assert tracked == [segments.SegmentSequence[0].TrackingUID]


def test_graphics_stay_and_their_text_is_cleaned(before_and_after):
    _, _, after = before_and_after
    [shown] = after[6].GraphicAnnotationSequence[0].TextObjectSequence
    assert shown.UnformattedTextValue.split()[0] == "Nodule"
    assert "Quistgaard" not in shown.UnformattedTextValue
    assert list(shown.AnchorPoint) == [1, 1]
    assert {"113103", "113104"} <= {code.CodeValue for code in after[6].DeidentificationMethodCodeSequence}


def test_the_uids_of_two_projects_have_nothing_in_common():
    profiles = [
        compile_profile(DeidProfile.model_validate({"key": "${env:KEY}", "options": OPTIONS}), key)
        for key in (KEY, bytes(reversed(KEY)))
    ]
    found = [
        {str(e.value) for ds in the_set() for e in read(profile.clean(encoded(ds))).iterall() if e.VR == "UI"}
        for profile in profiles
    ]
    shared = found[0] & found[1]
    assert all(uid.UID(each).name != each for each in shared), "only what PS3.6 registers is in both"
    assert len(found[0] - shared) == len(found[1] - shared) > 10


def test_new_uids_show_no_order():
    profile = cleaner()
    new = [profile.uid(f"{SERIES}.{number}") for number in range(100)]
    assert sorted(new) != new
    assert len(set(new)) == 100
