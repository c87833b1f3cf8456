"""`method: auto` at a node that cannot send by C-GET what it sends by C-MOVE: all comes, however C-GET ended."""

import pytest

from factory import make_study, write_files
from pacsflow.simpacs.folder import folder_archive
from whole_run import IMAGES, fault, lying, project, run_once

PRIVATE = "1.3.12.2.1107.5.9.1"


@pytest.mark.parametrize("status", ["A700", "A701", "A702", "B000", "C000"])
@pytest.mark.parametrize("counted", [True, False], ids=["counted", "no counts"])
def test_what_c_get_refuses_comes_by_c_move_in_the_first_attempt(tmp_path, status, counted):
    unable = fault("unable-by-get", images="all", status=status, counted=counted)
    with lying(unable, method="auto") as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.errors == []
    assert told.counts["images sent"] == 2 * IMAGES


def test_a_node_that_is_busy_both_ways_is_asked_once_more_and_not_again(tmp_path):
    with lying(fault("busy", status="A702"), method="auto") as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1, attempts=2), pacs)
    assert [status for status, _ in told.rows] == ["incomplete"]
    assert (told.counts["gets"], told.counts["moves"]) == (2, 2)


@pytest.mark.parametrize("method", ["c-get", "c-move", "auto"])
def test_a_private_class_that_only_the_node_names_is_taken(tmp_path, method):
    study = make_study(series=1, images=3, SOPClassUID=PRIVATE, PatientID="PRIVATE-1")
    write_files(study, tmp_path / "archive")
    with lying(archive=folder_archive(tmp_path / "archive"), method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1), pacs)
    assert told.rows == [("complete", "")]
    assert told.instances == {("held", ""): 3}
