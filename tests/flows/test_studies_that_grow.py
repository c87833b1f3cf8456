"""Studies that get more images at the node, before and after they were fetched."""

import json

import pytest

from pacsflow.run.opening import open_session
from pacsflow.simpacs import phantom_archive
from whole_run import IMAGES, METHODS, by_uid, fault, find_rows, lying, project, run_once

FEWER = 4


def find_all(folder):
    """As `pacsflow plan --again`."""
    with open_session(str(folder), action="plan") as run:
        find_rows(run, everything=True)


def grow(pacs):
    for study in phantom_archive(4, matrix=16, images=IMAGES).studies.values():
        pacs.archive.add(study)


@METHODS
@pytest.mark.parametrize("counts", [[], [fault("no-counts")]])
def test_images_that_came_to_the_node_later_are_fetched_when_the_row_is_asked_again(tmp_path, honest, counts, method):
    with lying(*counts, archive=phantom_archive(4, matrix=16, images=FEWER), method=method) as (pacs, node):
        folder = project(tmp_path, pacs, node)
        assert run_once(folder, pacs).instances == {("held", ""): 2 * FEWER}
        grow(pacs)
        find_all(folder)
        told = run_once(folder, pacs)
        again = run_once(folder, pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out.keys() == honest.keys()
    assert (told.retrievals, told.counts["images sent"]) == (2, 2 * (IMAGES - FEWER)), "only what is new"
    assert not again.counts


def test_they_are_fetched_when_another_row_finds_the_study(tmp_path, honest):
    with lying(archive=phantom_archive(4, matrix=16, images=FEWER)) as (pacs, node):
        folder = project(tmp_path, pacs, node)
        run_once(folder, pacs)
        grow(pacs)
        numbers = [study.attributes["AccessionNumber"] for study in list(pacs.archive.studies.values())[:2]]
        asked = [*by_uid(pacs.archive, 2), *({"id": f"a{n}", "AccessionNumber": it} for n, it in enumerate(numbers))]
        (folder / "query.yaml").write_text(json.dumps({"rows": asked}))
        told = run_once(folder, pacs)
    assert told.rows == [("complete", "")] * 4
    assert told.out.keys() == honest.keys()
    assert told.counts["images sent"] == 2 * (IMAGES - FEWER)


def test_they_are_fetched_with_the_others_when_they_come_between_finding_and_fetching(tmp_path, honest):
    with lying(archive=phantom_archive(4, matrix=16, images=FEWER)) as (pacs, node):
        folder = project(tmp_path, pacs, node)
        find_all(folder)
        grow(pacs)
        told = run_once(folder, pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out.keys() == honest.keys()
