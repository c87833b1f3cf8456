"""What DICOM objects of each kind name: series, and instances without their series."""

import pytest
from pydicom import uid

from factory import make_instance
from pacsflow.convert.masks.references import references_of
from unit.convert.test_masks import dataset

ELSEWHERE = "elsewhere"


def item(one, **more):
    return dataset(ReferencedSOPClassUID=one.SOPClassUID, ReferencedSOPInstanceUID=one.SOPInstanceUID, **more)


def _by_series(ones, name):
    found = {}
    for one in ones:
        found.setdefault(one.SeriesInstanceUID, []).append(item(one))
    return [dataset(SeriesInstanceUID=series, **{name: items}) for series, items in found.items()]


def _evidence(ones):
    found = {}
    for one in ones:
        found.setdefault(one.StudyInstanceUID, []).append(one)
    return [
        dataset(StudyInstanceUID=study, ReferencedSeriesSequence=_by_series(mine, "ReferencedSOPSequence"))
        for study, mine in found.items()
    ]


def _content(ones):
    return [dataset(ValueType="IMAGE", ReferencedSOPSequence=[item(one)]) for one in ones]


def _structures(ones):
    study = dataset(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID="1.2.3.4.5")
    study.RTReferencedSeriesSequence = _by_series(ones, "ContourImageSequence")
    return {"ReferencedFrameOfReferenceSequence": [dataset(RTReferencedStudySequence=[study])]}


def _registration(ones):
    series = _by_series(ones, "ReferencedInstanceSequence")
    others = [dataset(StudyInstanceUID=ones[0].StudyInstanceUID, ReferencedSeriesSequence=series)] if ones else []
    return {"StudiesContainingOtherReferencedInstancesSequence": others}


def _derived(ones):
    return {"ReferencedSeriesSequence": _by_series(ones, "ReferencedInstanceSequence")}


KINDS = {
    "KO": (uid.KeyObjectSelectionDocumentStorage, lambda ones: {
        "CurrentRequestedProcedureEvidenceSequence": _evidence(ones), "ContentSequence": _content(ones)}),
    "SR": (uid.ComprehensiveSRStorage, lambda ones: {
        "CurrentRequestedProcedureEvidenceSequence": _evidence(ones), "ContentSequence": _content(ones)}),
    "SR of other evidence": (uid.EnhancedSRStorage, lambda ones: {
        "PertinentOtherEvidenceSequence": _evidence(ones)}),
    "PR": (uid.GrayscaleSoftcopyPresentationStateStorage, lambda ones: {
        "ReferencedSeriesSequence": _by_series(ones, "ReferencedImageSequence")}),
    "SEG": (uid.SegmentationStorage, _derived),
    "parametric map": (uid.ParametricMapStorage, _derived),
    "parametric map by its sources": (uid.ParametricMapStorage, lambda ones: {
        "SourceImageSequence": [item(one) for one in ones]}),
    "REG": (uid.SpatialRegistrationStorage, _registration),
    "REG of one's own study": (uid.DeformableSpatialRegistrationStorage, _derived),
    "RTSTRUCT": (uid.RTStructureSetStorage, _structures),
    "RTPLAN": (uid.RTPlanStorage, lambda ones: {"ReferencedStructureSetSequence": [item(one) for one in ones]}),
    "RTDOSE": (uid.RTDoseStorage, lambda ones: {"ReferencedRTPlanSequence": [item(one) for one in ones]}),
    "RTDOSE of instances": (uid.RTDoseStorage, lambda ones: {"ReferencedInstanceSequence": [item(one) for one in ones]}),
    "FID": (uid.SpatialFiducialsStorage, _derived),
    "DOC": (uid.EncapsulatedPDFStorage, lambda ones: {"SourceInstanceSequence": [item(one) for one in ones]}),
}  # fmt: skip
"""Name (the modality first) -> class, and how such an object names others."""


def about(kind, ones, *, number=9, **changes):
    """An object of a kind that is about others, in a series of its own."""
    sop_class, naming = KINDS[kind]
    modality = kind.split()[0] if kind.split()[0].isupper() else "OT"
    made = make_instance(Modality=modality, SOPClassUID=sop_class, SeriesNumber=number,
                         SeriesInstanceUID=f"1.2.5.{number}", SOPInstanceUID=f"1.2.5.{number}.1", **changes)  # fmt: skip
    for element in [one for one in made if one.tag.group in (0x0028, 0x7FE0)]:
        del made[element.tag]
    for keyword, value in naming(ones).items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_names_what_it_is_about_by_series_or_by_the_instance_alone(kind):
    others = [make_instance(SeriesInstanceUID="1.2.4.1", SOPInstanceUID=f"1.2.4.1.{n}") for n in range(3)]
    told = references_of(about(kind, others))
    if told.series:
        assert told.series == {"1.2.4.1"}
        assert not told.alone, "a series is named for each"
    else:
        assert told.alone == {one.SOPInstanceUID: one.SOPClassUID for one in others}


def test_studies_procedure_steps_copies_and_the_object_itself_are_not_referred_to():
    made = about("SR", [])
    other = make_instance(SOPInstanceUID="1.2.4.9")
    made.ReferencedStudySequence = [dataset(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
                                            ReferencedSOPInstanceUID="1.2.4.8")]  # fmt: skip
    made.ReferencedPerformedProcedureStepSequence = [dataset(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.3",
                                                             ReferencedSOPInstanceUID="1.2.4.7")]  # fmt: skip
    made.IdenticalDocumentsSequence = _evidence([other])
    made.ContentSequence = _content([made])
    told = references_of(made)
    assert (told.series, told.alone) == (frozenset(), {})
