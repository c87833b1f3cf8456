"""Images that carry the patient id of before a merge: held once, settled by a person, of one person then."""

import json
from dataclasses import replace

import pydicom
import pytest

from pacsflow.errors import ProjectError
from pacsflow.run.people.decisions import settle_patients
from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from whole_run import IMAGES, METHODS, lying, project, run_once

OLD = "OLD-4711"
WHY = "another patient id than the node answers for the study (patient_differs_in_images)"


def merged(every=1):
    """An archive of two studies; in the first one's images (every nth) the patient has another id."""
    archive = phantom_archive(2, matrix=16, images=IMAGES)
    first, *others = archive.studies.values()
    series = []
    for one in archive.series(first.uid):
        instances = []
        for number, instance in enumerate(one.instances):
            if number % every == 0:
                instances.append(replace(instance, encoded=renamed(instance, first)))
            else:
                instances.append(instance)
        series.append(replace(one, instances=tuple(instances)))
    changed = replace(first, make_series=lambda: tuple(series))
    return StudyArchive([changed, *others])


def renamed(instance, study):
    """The encoded instance with an id of the same length."""
    known = str(study.attributes["PatientID"]).encode()
    other = OLD.encode().ljust(len(known), b"X")[: len(known)]

    def encoded():
        data = bytes(instance.encoded())
        assert known in data
        return data.replace(known, other)

    return encoded


def guards(folder, how):
    path = folder / "query.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"guards": {"patient_differs_in_images": how}}))


@METHODS
@pytest.mark.parametrize("every", [1, 2])
def test_they_are_held_and_not_fetched_again_and_come_once_a_person_has_settled_it(tmp_path, method, every):
    with lying(archive=merged(every), method=method) as (pacs, node):
        folder = project(tmp_path, pacs, node)
        told = run_once(folder, pacs)
        again = run_once(folder, pacs)
        key = next(str(error) for error in told.errors).split()[1].rstrip(":")
        with pytest.raises(ProjectError):
            settle_patients(folder, ["no such study"], by="me")
        settle_patients(folder, [key], by="me")
        settled = run_once(folder, pacs)
    number = len(range(0, IMAGES, every))
    assert sorted(status for status, _ in told.studies) == ["complete", "incomplete"]
    assert f"{number} of {IMAGES} images carry {WHY}" in told.studies[0][1]
    assert told.retrievals == 2, "one for each study, and none once more"
    assert again.counts["images sent"] == 0
    assert any("--same-patient" in error.fix for error in told.errors)
    assert {status for status, _ in settled.studies} == {"complete"}
    assert settled.counts["images sent"] == number
    assert len(settled.out) == 2 * IMAGES
    names = {str(path).split("/")[0] for path in settled.out}
    assert len(names) == 1, "both studies are of one patient"
    assert OLD not in json.dumps(settled.studies)


def test_they_are_accepted_where_the_guard_says_so(tmp_path):
    with lying(archive=merged()) as (pacs, node):
        folder = project(tmp_path, pacs, node)
        guards(folder, "accept")
        told = run_once(folder, pacs)
    assert {status for status, _ in told.studies} == {"complete"}
    assert len(told.out) == 2 * IMAGES


def test_the_pseudonym_is_that_of_the_patient_in_the_ledger(tmp_path):
    def people(archive, name):
        with lying(archive=archive) as (pacs, node):
            folder = project(tmp_path / name, pacs, node)
            guards(folder, "accept")
            run_once(folder, pacs)
            found = sorted((folder.parent / "data").rglob("*.dcm"))
            assert found
            return {pydicom.dcmread(path, stop_before_pixels=True).PatientID for path in found}

    assert people(merged(), "merged") == people(phantom_archive(2, matrix=16, images=IMAGES), "honest")
