"""Phantoms are valid, the same for the same seed, and look like a scanner's."""

import numpy as np
import pytest
from pydicom import dcmread

from pacsflow.simpacs.archive import StudyArchive
from pacsflow.simpacs.encoding import other_syntax, recode
from pacsflow.simpacs.folder import folder_archive
from pacsflow.simpacs.phantoms import demo_archive, phantom_archive, write_phantoms

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"


def series_of(archive, modality):
    return next(
        [recode(one.encoded(), one.transfer_syntax) for one in series.instances]
        for study in archive.studies
        for series in archive.series(study)
        if series.attributes["Modality"] == modality
    )


def test_the_same_seed_gives_the_same_bytes():
    first, again, other = (series_of(demo_archive(seed), "CT")[0] for seed in (1, 1, 2))
    assert first == again
    assert first.SOPInstanceUID != other.SOPInstanceUID


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_slices_are_evenly_spaced_along_the_normal(modality):
    slices = series_of(demo_archive(), modality)
    heights = np.array([float(each.ImagePositionPatient[2]) for each in slices])
    assert np.allclose(np.diff(heights), float(slices[0].SliceThickness), atol=1e-3)
    assert len({each.FrameOfReferenceUID for each in slices}) == 1


def test_a_torso_has_air_in_its_lungs_and_bone_in_its_spine():
    middle = series_of(demo_archive(), "CT")[12]
    hounsfield = middle.pixel_array * float(middle.RescaleSlope) + float(middle.RescaleIntercept)
    assert np.median(hounsfield[56:72, 32:40]) < -700
    assert hounsfield[80:100, 60:68].max() > 200


def test_names_stand_in_nested_and_private_elements():
    [first, *_] = series_of(demo_archive(), "CT")
    family = str(first.PatientName).split("^")[0]
    assert family in first.RequestAttributesSequence[0].RequestedProcedureDescription
    assert family in first[0x0019, 0x1001].value


def test_written_phantoms_are_files_that_read_back_as_the_same_archive(tmp_path):
    archive = demo_archive()
    written = write_phantoms(tmp_path, archive)
    assert all(dcmread(path, stop_before_pixels=True).file_meta.MediaStorageSOPInstanceUID for path in written)
    back = folder_archive(tmp_path)
    assert {uid: dict(study.attributes) for uid, study in back.studies.items()} == {
        uid: dict(study.attributes) for uid, study in archive.studies.items()
    }


def test_a_folder_passes_over_what_is_not_an_image(tmp_path):
    write_phantoms(tmp_path, phantom_archive(1, matrix=8, images=1))
    (tmp_path / "notes.txt").write_text("no DICOM")
    (tmp_path / "empty.dcm").write_bytes(b"")
    assert len(folder_archive(tmp_path).studies) == 1


def test_implicit_and_explicit_say_the_same():
    archive = phantom_archive(1, matrix=8, images=1)
    [series] = archive.series(next(iter(archive.studies)))
    encoded = series.instances[0].encoded()
    implicit = other_syntax(encoded, EXPLICIT)
    assert implicit != encoded
    before, after = recode(encoded, EXPLICIT), recode(other_syntax(implicit, IMPLICIT), EXPLICIT)
    assert [element for element in after if not element.tag.is_private] == [
        element for element in before if not element.tag.is_private
    ]


def test_a_study_that_comes_again_takes_the_place_of_the_first():
    archive = StudyArchive([*phantom_archive(2).studies.values(), *phantom_archive(2).studies.values()])
    assert len(archive.studies) == 2
    assert len(list(archive.candidates({"AccessionNumber": "0A0000001"}))) == 1
