"""Images that come spoilt, under another name, or of another patient, and the exact verdict."""

from dataclasses import replace

import pytest

from pacsflow.run.opening import open_session
from pacsflow.run.reporting.row_outcomes import row_outcomes
from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from pacsflow.simpacs.phantoms import demo_archive
from whole_run import IMAGES, METHODS, MISSING, SUCCESS, fault, lying, project, run_once


@METHODS
@pytest.mark.parametrize("kind", ["truncated-pixels", "corrupt-header"])
def test_an_image_that_comes_spoilt_is_asked_for_once_more_and_then_refused(tmp_path, method, kind):
    with lying(fault(kind), method=method) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1)
        told = run_once(folder, pacs)
        again = run_once(folder, pacs)
    why = {"truncated-pixels": "malformed: an image without pixel data", "corrupt-header": "malformed: cut off"}[kind]
    assert told.rows == [("partial", f"2 refused ({why})")]
    assert told.instances == again.instances == {("held", ""): 4, ("refused", why): 2}
    assert (told.retrievals, told.counts["images sent"]) == (2, 6 + 2)
    assert len(told.out) == 4
    assert again.counts == {}


@METHODS
@pytest.mark.parametrize("base", ["ps3.15-basic", "none"])
@pytest.mark.parametrize(("left", "bytes_"), [("half", 256), ("none", 0)])
def test_an_image_with_fewer_pixels_than_it_promises_is_never_held(tmp_path, method, base, left, bytes_):
    with lying(fault("short-pixels", left=left), method=method) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1)
        if base == "none":
            (folder / "deid.yaml").write_text("base: none\n")
        told = run_once(folder, pacs)
    why = f"malformed: {bytes_} bytes of pixel data where the header promises 512 (16 x 16 x 1 x 1 frames, 16 bits)"
    assert told.rows == [("partial", f"2 refused ({why})")]
    assert told.instances == {("held", ""): 4, ("refused", why): 2}
    assert (told.retrievals, told.counts["images sent"]) == (2, 6 + 2)
    assert len(told.out) == 4


@METHODS
def test_an_image_of_another_patient_is_refused_and_reported(tmp_path, honest, method):
    with lying(fault("wrong-patient"), method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    why = "1 came that were not asked for, and were refused (of another study than asked for)"
    assert told.studies == told.rows == [("complete", why)] * 2
    assert told.out == honest
    assert (told.retrievals, told.counts["images sent"]) == (2, 14)


def altered(change, archive=None):
    """An archive whose first study has other series: `change` is given study and series, and gives the series."""
    archive = archive or phantom_archive(4, matrix=16, images=IMAGES)
    first, *others = archive.studies.values()
    series = tuple(change(one) for one in archive.series(first.uid))
    return StudyArchive([replace(first, make_series=lambda: series), *others])


@METHODS
def test_another_patients_image_under_an_expected_name_is_refused_and_asked_for_again(tmp_path, method):
    archive = phantom_archive(4, matrix=16, images=IMAGES)
    foreign = archive.series(list(archive.studies)[2])[0].instances[0].encoded

    def swap(series):
        return replace(series, instances=(replace(series.instances[0], encoded=foreign), *series.instances[1:]))

    with lying(archive=altered(swap, archive), method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1, attempts=2), pacs)
    refused = "1 came that were not asked for, and were refused (of another study than asked for)"
    assert told.rows == [("incomplete", f"1 of 6 {MISSING}; {SUCCESS}, 1 sent, 0 failed; {refused}")]
    assert told.instances == {("held", ""): 5, ("expected", ""): 1}
    assert (told.retrievals, told.counts["images sent"]) == (2, 7)


@METHODS
def test_another_image_of_the_study_under_an_expected_name_overwrites_nothing(tmp_path, method):
    def twice(series):
        first, second, *rest = series.instances
        return replace(series, instances=(first, replace(second, encoded=first.encoded), *rest))

    with lying(archive=altered(twice), method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1, attempts=2), pacs)
    [(status, reason)] = told.rows
    assert status == "incomplete"
    assert "1 came that were not asked for, and were refused (another instance than its sender called it)" in reason
    assert told.instances == {("held", ""): 5, ("expected", ""): 1}


@METHODS
def test_one_name_for_two_contents_keeps_the_first_and_says_so(tmp_path, honest, method):
    def and_another(series):
        last = series.instances[-1]
        other = replace(last, encoded=lambda: last.encoded()[:-2] + b"\x01\x01")
        return replace(series, instances=(*series.instances, other))

    with lying(archive=altered(and_another), method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    why = "came again with other content, the first is kept"
    assert told.rows == [("complete", f"1 {why}"), ("complete", "")]
    assert told.instances == {("held", ""): 11, ("held", why): 1}
    assert told.out == honest


@METHODS
def test_a_count_that_listing_and_retrieval_contradict_is_a_remark(tmp_path, honest, method):
    def counted(series):
        return replace(series, attributes={**series.attributes, "NumberOfSeriesRelatedInstances": "7"})

    with lying(archive=altered(counted), method=method) as (pacs, node):
        query = {"guards": {"fewer_images_than_counted": "warn"}}
        told = run_once(project(tmp_path, pacs, node, query=query), pacs)
    assert told.rows == [("complete", "the node counts more instances than the 6 it lists and sends"), ("complete", "")]
    assert told.out == honest
    assert told.retrievals == 2


@pytest.mark.parametrize("how", ["hold", "warn", "accept"])
def test_fewer_images_than_the_node_counts_go_to_the_guard(tmp_path, honest, how):
    query = {"guards": {"fewer_images_than_counted": how}}
    with lying(fault("higher-counts", more=4)) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1, query=query)
        told = run_once(folder, pacs)
        [one] = found_again(folder)
    counts = "the node counts 10 images, but lists and sends 6 (fewer_images_than_counted)"
    assert told.rows == [
        {
            "hold": ("incomplete", counts),
            "warn": ("complete", "the node counts more instances than the 6 it lists and sends"),
            "accept": ("complete", ""),
        }[how]
    ]
    assert told.instances == {("held", ""): 6}
    assert one.counts["announced"] == 10, "all tables name this number"
    assert told.retrievals == 1, "the same run does not ask for the same again"


def test_a_count_that_was_of_another_time_is_asked_for_again(tmp_path, honest):
    with lying(fault("higher-counts", more=4, times=1)) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1)
        told = run_once(folder, pacs)
        [one] = found_again(folder)
    assert told.rows == [("complete", "")]
    assert one.counts["announced"] == 6


def found_again(folder):
    with open_session(str(folder), action="status") as run:
        return row_outcomes(run.ledger, run.project)


@METHODS
def test_the_last_answer_inside_the_final_response_is_taken(tmp_path, honest, method):
    with lying(fault("final-answer"), method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest


def test_answers_that_a_node_folds_into_one_are_asked_for_without_counts(tmp_path):
    with lying(fault("folded-answers"), archive=demo_archive()) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=3), pacs)
    assert told.rows == [("complete", "")] * 3
    assert told.instances == {("held", ""): images_of(pacs.archive, 3)}


@METHODS
def test_images_of_a_node_that_ignores_their_series_are_assigned_by_what_arrives(tmp_path, method):
    with lying(fault("series-blind"), archive=demo_archive(), method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=3), pacs)
    assert told.rows == [("complete", "")] * 3
    assert told.instances == {("held", ""): images_of(pacs.archive, 3)}


def images_of(archive, number):
    """Images of the first studies."""
    return sum(len(one.instances) for uid in list(archive.studies)[:number] for one in archive.series(uid))


def test_a_node_that_pads_its_titles_with_nul_can_send_by_c_move(tmp_path, honest):
    with lying(fault("nul-titles"), method="c-move") as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest


def test_a_profile_that_keeps_uids_knows_its_own_images(tmp_path):
    with lying(fault("wrong-patient")) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, deid={"options": ["retain-uids"]}), pacs)
        uids = {i.uid for one in pacs.archive.studies for series in pacs.archive.series(one) for i in series.instances}
    assert [status for status, _ in told.rows] == ["complete"] * 2
    assert len(told.out) == 2 * IMAGES
    assert {path.rpartition("/")[2].removesuffix(".dcm") for path in told.out} <= uids


def test_images_passed_on_as_received_are_held_to_the_same(tmp_path):
    with lying(fault("truncated-pixels"), fault("wrong-patient")) as (pacs, node):
        folder = project(tmp_path, pacs, node)
        (folder / "deid.yaml").write_text('{"base": "none"}')
        told = run_once(folder, pacs)
    assert [status for status, _ in told.rows] == ["partial"] * 2
    assert told.instances.total() == 2 * IMAGES
    assert told.instances["held", ""] == len(told.out) == 8
