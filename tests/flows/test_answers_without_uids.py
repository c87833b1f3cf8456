"""Answers to queries that lack the UIDs they must have (PS3.4 C.6.2.1): nothing is left out, and not all studies are asked for."""

import pytest

from pacsflow.run import search
from pacsflow.simpacs import phantom_archive, service
from whole_run import IMAGES, fault, lying, project, run_once

ARCHIVE = phantom_archive(4, matrix=16, images=IMAGES)
STUDY = next(iter(ARCHIVE.studies))
SERIES = ARCHIVE.series(STUDY)[0].attributes["SeriesInstanceUID"]


@pytest.fixture
def spoil(monkeypatch):
    """Have the node answer at a level with an attribute that is empty, or not there at all."""
    honest = service.Service._answers

    def spoilt(level, keyword, how):
        def answers(self, query):
            found = honest(self, query)
            for answer in found if query.level == level else []:
                setattr(answer, keyword, None) if how == "empty" else delattr(answer, keyword)
            return found

        monkeypatch.setattr(service.Service, "_answers", answers)

    return spoilt


@pytest.mark.parametrize("how", ["empty", "absent"])
@pytest.mark.parametrize(
    ("level", "keyword", "row"),
    [
        ("STUDY", "StudyInstanceUID", {"StudyInstanceUID": STUDY}),
        ("SERIES", "StudyInstanceUID", {"SeriesInstanceUID": SERIES}),
        ("SERIES", "SeriesInstanceUID", {"StudyInstanceUID": STUDY}),
    ],
)
def test_a_row_fails_where_what_it_finds_has_no_name(tmp_path, spoil, level, keyword, row, how):
    spoil(level, keyword, how)
    with lying(fault("no-counts"), archive=ARCHIVE) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, asked=[{"id": "r", **row}]), pacs)
    name = keyword.replace("InstanceUID", " Instance UID")
    assert told.rows == [("failed", f"the node answered without a {name}")]
    assert told.counts[f"finds {level}"] == told.counts["finds"] - (level != "STUDY" and "StudyInstanceUID" in row)


@pytest.mark.parametrize("how", ["empty", "absent"])
@pytest.mark.parametrize(
    ("level", "keyword"),
    [("SERIES", "StudyInstanceUID"), ("IMAGE", "StudyInstanceUID"), ("IMAGE", "SeriesInstanceUID")],
)
def test_what_was_asked_for_by_name_need_not_be_named_again(tmp_path, honest, spoil, level, keyword, how):
    spoil(level, keyword, how)
    with lying(archive=ARCHIVE) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest


def test_a_row_that_a_fault_of_ours_breaks_off_is_told_as_failed(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise AttributeError

    monkeypatch.setattr(search, "judge", broken)
    with lying() as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1), pacs)
    [(status, reason)] = told.rows
    assert (status, reason.partition(" in ")[0]) == ("failed", "broke off: unexpected AttributeError")
    assert [type(error).__name__ for error in told.errors] == ["UnexpectedError"]


def test_a_row_that_a_secret_of_ours_stops_says_which(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    auth = {"kind": "basic", "username": "pacsflow", "password": "${env:NO_SUCH_SECRET}"}
    with lying() as (pacs, _):
        node = {"protocol": "dicomweb", "url": "https://127.0.0.1:9", "auth": auth}
        told = run_once(project(tmp_path, pacs, node, number=1), pacs)
    [(status, reason)] = told.rows
    assert (status, "NO_SUCH_SECRET" in reason) == ("failed", True), reason
