"""Protocols that fetch what we list, one by one: a list that is short proves nothing, whatever comes of it."""

import pytest

from pacsflow.simpacs import demo_archive, phantom_archive
from peers.rad69 import Rad69
from whole_run import IMAGES, fault, lying, project, run_once

ARCHIVE = phantom_archive(4, matrix=16, images=IMAGES)
CUT = fault("result-limit", answers=4)
SHORT = f"the node counts {IMAGES} instances, but lists 4"
VAGUE = "it is not known how many instances 1 series have: the node's list may be a part"


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([], None),
        ([fault("no-counts")], None),
        ([CUT], SHORT),
        ([CUT, fault("no-counts")], VAGUE),
    ],
    ids=["honest", "no counts", "short list", "short list, no counts"],
)
def test_a_short_list_is_not_a_complete_study(tmp_path, faults, said):
    with lying(*faults, archive=ARCHIVE) as (pacs, node), Rad69(ARCHIVE) as source:
        fields = {**node, "fetch": {"method": "rad69"}, "urls": {"rad69": source.url}}
        fields |= {"limits": {"results_per_query": 4}} if said else {}
        told = run_once(project(tmp_path, pacs, fields, number=1), pacs)
        [(status, reason)] = told.rows
        assert (status, said is None or said in reason) == ("incomplete" if said else "complete", True), reason
        assert told.instances == {("held", ""): 4 if said else IMAGES}
        assert len(source.asked) == 1, "what is held is not asked for again"
        tries = len(told.errors) or 1
        # by a row without counts the images are counted too
        assert told.counts["finds IMAGE"] == tries + (fault("no-counts") in faults), "nothing is listed twice"


@pytest.mark.parametrize("number", [0, 1])
def test_a_series_that_is_refused_does_not_keep_back_the_others(tmp_path, number):
    archive = demo_archive()
    uid = next(uid for uid in archive.studies if len(archive.series(uid)) == 2)
    refused, given = archive.series(uid)[number], archive.series(uid)[1 - number]
    with lying(archive=archive) as (pacs, node), Rad69(archive) as source:
        source.refused = {refused.attributes["SeriesInstanceUID"]}
        fields = {**node, "fetch": {"method": "rad69"}, "urls": {"rad69": source.url}}
        asked = [{"id": "r", "StudyInstanceUID": uid}]
        told = run_once(project(tmp_path, pacs, fields, asked=asked), pacs)
    assert told.instances[("held", "")] == len(given.instances)
    assert told.instances[("expected", "")] == len(refused.instances)
    assert [status for status, _ in told.rows] == ["failed"]
    assert "XDSRepositoryError" in told.rows[0][1]
