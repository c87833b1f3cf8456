"""Nodes that cut lists of series or images, the first node and a fallback: all comes, or a guard speaks."""

from contextlib import ExitStack
from dataclasses import replace
from itertools import product

import pytest

from pacsflow.dicom import budget
from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from sometimes import sometimes
from whole_run import fault, find_only, lying, project, run_once, write_node

NUMBER = 60
ANYBODY = {"guards": {"several_patients_per_row": "accept"}}


def many_series(**attributes):
    """A study of 60 series, as a node lists them that knows when each was made."""
    [study] = phantom_archive(1, matrix=16, images=1).studies.values()
    [one] = study.make_series()
    series = []
    for number in range(NUMBER):
        facts = {"SeriesNumber": str(number), "SeriesTime": f"10{number:02d}00", "Modality": "CT"} | attributes
        uid = f"1.2.826.0.1.{number + 1}"
        series.append(replace(one, attributes={**one.attributes, **facts, "SeriesInstanceUID": uid}))
    counts = {"NumberOfStudyRelatedSeries": str(NUMBER), "ModalitiesInStudy": "CT"}
    return StudyArchive([replace(study, attributes={**study.attributes, **counts}, make_series=lambda: tuple(series))])


@pytest.mark.parametrize("limit", [10, 33, 50, 59])
@pytest.mark.parametrize("counts", [True, False])
def test_series_of_a_study_that_are_cut_are_found(tmp_path, limit, counts):
    faults = [fault("result-limit", answers=limit, levels=["SERIES"]), *([] if counts else [fault("no-counts")])]
    with lying(*faults, archive=many_series()) as (pacs, node):
        [one] = find_only(project(tmp_path, pacs, node, number=1))
    assert (one.status, one.reason, len(one.series)) == ("found", "", NUMBER)


def test_series_of_a_node_that_neither_counts_nor_knows_times_are_divided_by_their_numbers(tmp_path):
    with lying(fault("no-counts"), archive=many_series(SeriesTime="")) as (pacs, node):
        [one] = find_only(project(tmp_path, pacs, node, number=1))
        assert pacs.counts["finds SERIES"] < 70
    assert (one.status, one.reason, len(one.series)) == ("found", "", NUMBER)


@pytest.mark.parametrize("numbered", [{}, {"SeriesNumber": "1"}], ids=["numbered", "all the same"])
def test_series_that_cannot_be_distinguished_are_held(tmp_path, numbered):
    faults = [fault("result-limit", answers=33, levels=["SERIES"]), fault("no-counts")]
    with lying(*faults, archive=many_series(SeriesTime="", **numbered)) as (pacs, node):
        [one] = find_only(project(tmp_path, pacs, node, number=1))
    assert one.status == "held"
    assert "(cut_answers)" in one.reason


@pytest.mark.parametrize("limit", [10, 33, 59])
@pytest.mark.parametrize("counts", [True, False])
def test_images_of_a_list_that_is_cut_come_all(tmp_path, limit, counts):
    faults = [fault("result-limit", answers=limit, levels=["IMAGE"]), *([] if counts else [fault("no-counts")])]
    with lying(*faults, archive=phantom_archive(1, matrix=16, images=NUMBER)) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1), pacs)
    assert told.rows == [("complete", "")]
    assert told.instances == {("held", ""): NUMBER}


def test_images_are_not_reported_to_lack_a_type_where_the_list_is_cut(tmp_path):
    """The fallback's list is judged by the fallback's limit."""
    archive = phantom_archive(2, matrix=16, images=NUMBER)
    study = list(archive.studies.values())[1]
    *others, last = (one := archive.series(study.uid)[0]).instances
    odd = replace(last, attributes={**last.attributes, "ImageType": "ORIGINAL\\PRIMARY\\ODD"})
    changed = replace(study, make_series=lambda: (replace(one, instances=(*others, odd)),))
    faults = [fault("result-limit", answers=33), fault("no-counts"), fault("ignored-keys", keys=["ImageType"])]
    with ExitStack() as stack:
        pacs, node = stack.enter_context(lying(archive=StudyArchive(list(archive.studies.values())[:1])))
        _, second = stack.enter_context(lying(*faults, archive=StudyArchive([changed])))
        asked = [{"id": "one", "StudyInstanceUID": study.uid, "ImageType": "ODD"}]
        folder = project(tmp_path, pacs, {**node, "name": "main", "fallback": ["second.yaml"]}, asked=asked)
        write_node(folder / "second.yaml", second, name="second")
        told = run_once(folder, pacs)
    [(status, reason)] = told.rows
    assert status in ("held", "failed")
    assert "no image fits among exactly 33" in reason


@pytest.mark.parametrize(
    ("status", "limit"),
    sometimes(
        product(["success", "warning", "out-of-resources", "hollow"], [10, 33, 59]),
        {("success", 59), ("warning", 33), ("out-of-resources", 10), ("hollow", 33)},
    ),
)
def test_a_limit_of_a_fallback_is_noticed_too(tmp_path, limit, status):
    with ExitStack() as stack:
        pacs, node = stack.enter_context(lying(archive=phantom_archive(0)))
        cut = fault("result-limit", answers=limit, status=status)
        _, second = stack.enter_context(lying(cut, archive=phantom_archive(NUMBER, matrix=16, images=1)))
        asked = [{"id": "all", "StudyDate": "20000101-20301231"}]
        folder = project(
            tmp_path, pacs, {**node, "name": "main", "fallback": ["second.yaml"]}, asked=asked, query=ANYBODY
        )
        write_node(folder / "second.yaml", second, name="second")
        told = run_once(folder, pacs)
    assert told.rows == [("complete", "")]
    assert len(told.studies) == NUMBER


def test_a_limit_that_changes_loses_nothing(tmp_path):
    cut = fault("result-limit", answers=20, then=45)
    with lying(cut, archive=phantom_archive(NUMBER, matrix=16, images=1)) as (pacs, node):
        asked = [{"id": str(n), "StudyDate": "20000101-20301231"} for n in range(3)]
        told = find_only(project(tmp_path, pacs, node, asked=asked, query=ANYBODY))
    for one in told:
        assert len(one.studies) == NUMBER or (one.status == "held" and "cut_answers" in one.reason)


def test_more_answers_than_are_held_at_once_are_asked_for_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "MOST_ANSWERS", 20)
    with lying(archive=phantom_archive(NUMBER, matrix=16, images=1)) as (pacs, node):
        asked = [{"id": "all", "StudyDate": "20000101-20301231"}]
        [one] = find_only(project(tmp_path, pacs, node, asked=asked, query=ANYBODY))
    assert (one.status, len(one.studies)) == ("found", NUMBER)
