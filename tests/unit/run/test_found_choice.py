"""Find and choose, a page at a time: filters, groups, numbers, taking and dropping, undo; the ledger is the truth."""

from contextlib import closing

import pytest

from pacsflow.errors import ProjectError
from pacsflow.ledger.acts import trail
from pacsflow.projects import read_project
from pacsflow.run.people.choices import choose, series_found
from pacsflow.run.people.decisions import settle_row
from pacsflow.run.people.found_choice import FoundChoice, SeriesFilter
from pacsflow.run.stores import open_ledger_of
from pacsflow.simpacs import SimPacs, demo_archive
from whole_run import find_only, project


@pytest.fixture(scope="module")
def pacs():
    with SimPacs(demo_archive()) as simulator:
        yield simulator


@pytest.fixture
def folder(tmp_path, pacs):
    """A row for each of four studies."""
    uids = sorted(pacs.archive.studies, key=lambda uid: -len(pacs.archive.series(uid)))[:4]
    asked = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(uids)]
    made = project(tmp_path, pacs, {"port": pacs.port, "called_aet": pacs.aet}, asked=asked)
    find_only(made)
    return made


@pytest.fixture
def ledger(folder):
    with closing(open_ledger_of(read_project(folder))) as opened:
        yield opened


@pytest.fixture
def found(ledger):
    return FoundChoice(ledger)


def test_pages_hold_each_series_once_and_agree_with_what_select_lists(folder, found):
    known = series_found(folder)
    pages = [found.series(offset=offset, limit=3) for offset in range(0, len(known), 3)]
    assert {page.total for page in pages} == {len(known)}
    assert all(len(page.lines) <= 3 for page in pages)
    assert {one.key: one.wanted for page in pages for one in page.lines} == {one.key: one.wanted for one in known}
    assert found.studies().total == 4
    assert [row.number for row in found.rows(offset=1, limit=2).lines] == [2, 3]
    assert found.rows(text="row 4").total == 1


def test_filters_narrow_and_groups_count_what_they_show(found):
    whole = found.series(limit=1000).lines
    for group in found.groups():
        study, series, modality = group.name
        alike = SeriesFilter(study_description=study, description=series, modality=modality)
        shown = found.series(alike, limit=1000)
        assert (group.series, group.images) == (shown.total, sum(one.images for one in shown.lines))
        assert group.studies == len({one.study for one in shown.lines})
        assert group.gigabytes == pytest.approx(sum(one.gigabytes for one in shown.lines))
    assert sum(group.series for group in found.groups(by=["Modality"])) == len(whole)
    one = whole[0]
    assert {line.key for line in found.series(SeriesFilter(text=one.key.upper())).lines} == {one.key}
    of_study = found.series(SeriesFilter(study=one.study), limit=1000).lines
    assert {line.key for line in of_study} == {line.key for line in whole if line.study == one.study}
    numbers = [line.images for line in found.series(sort="images", falling=True, limit=1000).lines]
    assert numbers == sorted(numbers, reverse=True)


def test_a_group_dropped_is_what_the_ledger_wants_and_undo_brings_it_back(folder, ledger, found):
    before = {one.key: one.wanted for one in series_found(folder)}
    totals = found.totals()
    group = found.groups(by=["SeriesDescription"])[0]
    alike = SeriesFilter(description=group.name[0])
    assert found.choose(found.keys(alike), wanted=False, by="erika") == group.wanted > 0
    dropped = set(found.keys(alike))
    assert {one.key for one in series_found(folder) if not one.wanted} == dropped
    assert found.series(SeriesFilter(wanted=False)).total == len(dropped)
    left = found.totals()
    assert (totals.series - left.series, totals.images - left.images) == (group.series, group.images)
    assert sum(study.wanted for study in found.studies().lines) == left.series
    assert trail(ledger)[-1].by == "erika"
    assert found.undo(by="erika") == len(before)
    assert {one.key: one.wanted for one in series_found(folder)} == before
    assert all(one.chosen is None for one in series_found(folder)), "the rules decide again"
    assert found.undo(by="erika") == 0


def test_what_another_person_chose_meanwhile_is_seen_and_kept(folder, found):
    keys = [one.key for one in found.series(limit=1000).lines]
    choose(folder, set(keys[1:]), seen=series_found(folder), by="hans")
    assert found.keys(SeriesFilter(wanted=False)) == keys[:1]
    found.choose(keys[-1:], wanted=False, by="erika")
    assert {one.key for one in series_found(folder) if not one.wanted} == {keys[0], keys[-1]}
    found.undo(by="erika")
    assert {one.key for one in series_found(folder) if not one.wanted} == {keys[0]}


def test_an_unknown_series_is_refused_and_nothing_is_written(folder, found):
    with pytest.raises(ProjectError, match="1 series are not among those found"):
        found.choose(["0" * 16], wanted=True, by="erika")
    assert all(one.chosen is None for one in series_found(folder))


def test_studies_of_a_held_row_are_shown_side_by_side_and_count_once_it_is_settled(tmp_path, pacs):
    numbers = [study.attributes["AccessionNumber"] for study in pacs.archive.studies.values()]
    row = {"id": "two", "AccessionNumber": next(number for number in numbers if numbers.count(number) > 1)}
    folder = project(tmp_path, pacs, {"port": pacs.port, "called_aet": pacs.aet}, asked=[row])
    [state] = find_only(folder)
    assert state.status == "held"
    with closing(open_ledger_of(read_project(folder))) as ledger:
        found = FoundChoice(ledger)
        shown = found.studies(row=1)
        assert (shown.total, {one.decision for one in shown.lines}) == (2, {"held"})
        assert found.rows(statuses=["held"]).lines[0].hits.keys() == {one.key for one in shown.lines}
        assert found.totals().series == 0
        settle_row(folder, "two", take=[shown.lines[0].key], by="erika")
        assert found.totals().series == shown.lines[0].series
        assert [one.decision for one in found.studies(row=1).lines] == ["take", "drop"]
