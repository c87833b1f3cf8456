"""`fetch.proof: count`: what the node counts is fetched first, and listed only where another number came."""

import pytest

from pacsflow.ledger import summary
from pacsflow.run.opening import open_session
from whole_run import IMAGES, fault, lying, project, run_once

FAULTS = {
    "none": ([], "count"),
    "no-counts": ([fault("no-counts")], "uid"),
    "refused-levels": ([fault("refused-levels")], "count"),
    "drop-images completed": ([fault("drop-images", times=1)], "uid"),
    "drop-images failed": ([fault("drop-images", times=1, counted="failed")], "uid"),
    "success-none-sent": ([fault("success-none-sent", times=1)], "uid"),
    "all-failed-but-success": ([fault("all-failed-but-success", times=1)], "uid"),
    "duplicate-images": ([fault("duplicate-images")], "count"),
    "abort": ([fault("abort", times=1)], "uid"),
    "short-pixels": ([fault("short-pixels", times=1)], "uid"),
}
"""What a node does wrong and passes -> the proof of the study: `count` where no list of its images was asked for."""


@pytest.mark.parametrize("name", FAULTS)
def test_what_comes_is_what_a_list_would_have_named_whatever_the_node_does(name, tmp_path):
    faults, proof = FAULTS[name]
    for folder in ("listed", "counted"):
        (tmp_path / folder).mkdir()
    with lying() as (pacs, node):
        honest = run_once(project(tmp_path / "listed", pacs, node, number=1), pacs)
    with lying(*faults) as (pacs, node):
        folder = project(tmp_path / "counted", pacs, counting(node), number=1)
        told = run_once(folder, pacs)
        with open_session(str(folder), action="run") as run:
            assert [study.proof for study in summary.studies(run.ledger).values()] == [proof]
    assert told.rows == [("complete", "")]
    assert told.out == honest.out
    if proof == "count":
        assert told.traffic["find"] < honest.traffic["find"], "no list was asked for"


def test_a_node_that_counts_more_than_it_has_leaves_the_study_incomplete(tmp_path):
    with lying(fault("higher-counts", more=5)) as (pacs, node):
        told = run_once(project(tmp_path, pacs, counting(node), number=1, attempts=1), pacs)
    assert told.rows[0][0] == "incomplete"
    assert told.instances == {("held", ""): IMAGES}


def counting(node):
    return {**node, "fetch": {**node["fetch"], "proof": "count"}}
