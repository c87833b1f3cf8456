"""The flow of a cohort: each box sums up, the ledger says the same, every exclusion has its reason."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from pacsflow.ledger import tables as t
from pacsflow.ledger.outcomes import Delivery
from pacsflow.report.flow import NOT_AT_TARGETS, OTHERS, cohort_flow
from pacsflow.report.methods import LANGUAGES, methods
from pacsflow.report.page import render
from pacsflow.report.records import RunSummary
from pacsflow.report.words import _WORDS, linked, spoken
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.report import _summary
from pacsflow.run.reporting.row_outcomes import outcomes_of
from reported import row, series, study
from whole_run import by_uid, lying, project, run_once

NOW = datetime(2026, 11, 30, tzinfo=UTC)
STATUSES = ["complete", "incomplete", "offline", "failed", "found"]
NONE = ["held", "unmatched", "excluded", "failed", "pending", "dropped"]


def summary(rows, studies, **facts):
    return RunSummary("p", "partly", NOW, NOW, tuple(rows), tuple(studies), **facts)


@st.composite
def runs(draw):
    """Runs of any outcome: rows share studies, series are wanted or not, images are kept, refused, missing."""
    numbers = st.integers(0, 5)
    made = []
    for number in range(draw(st.integers(0, 5))):
        several = [
            series(
                f"{n}",
                draw(numbers),
                key=f"{number}.{n}",
                refused={"burned-in": draw(numbers)},
                expected=draw(st.integers(0, 20)),
            )
            for n in range(draw(st.integers(1, 4)))
        ]
        one = study(f"k{number}", "P", draw(st.sampled_from(STATUSES)), *several)
        failed = Delivery("t", draw(st.sampled_from(["done", "failed"])), "", "", ())
        made.append(replace(one, deliveries=(failed,)))
    rows = []
    for number in range(1, draw(st.integers(0, 8)) + 1):
        taken = draw(st.lists(st.sampled_from(made), max_size=3, unique_by=lambda one: one.key)) if made else []
        status = "complete" if taken else draw(st.sampled_from(NONE))
        one = row(number, "", status, draw(st.sampled_from(["", "a", "b"])), *taken)
        rows.append(replace(one, series=one.series[: draw(st.integers(1, 9))]))
    wanted = {key for each in rows for key in each.keys}
    return summary(rows, [one for one in made if one.key in wanted])


@given(runs())
def test_every_box_sums_up_and_leads_to_the_next(run):
    rows, studies, several, images, whole = cohort_flow(run)
    for level in (rows, studies, several, images, whole):
        assert level.kept >= 0
        assert level.number == level.kept + sum(number for _, number in level.left)
        assert all(why and number > 0 for why, number in level.left)
    assert rows.number == len(run.rows)
    assert rows.kept == sum(bool(one.studies) for one in run.rows)
    assert studies.kept == whole.number == sum(one.status == "complete" for one in run.studies)


def test_of_many_reasons_the_most_frequent_are_named_and_none_is_lost():
    rows = [row(n, "", "unmatched", f"reason {n % 40}") for n in range(1, 101)]
    level = cohort_flow(summary(rows, []))[0]
    assert level.kept == 0
    assert dict(level.left)[OTHERS] > 0


def test_a_run_against_the_ledger_and_on_the_page(tmp_path):
    with lying() as (pacs, node):
        rows = [*by_uid(pacs.archive, 3), {"id": "none", "PatientID": "PID-999123"}]
        excluded = {"exclude": [{"Modality": "MR"}]}
        folder = project(tmp_path, pacs, node, asked=rows, query={"series": excluded})
        run_once(folder, pacs)
        with open_session(str(folder), action="plan") as run:
            found = _summary(run, outcomes_of(run))
            levels = cohort_flow(found)
            ledger = run.ledger
            held = ledger.all(sa.select(sa.func.count()).where(t.instances.c.status == "held"))[0][0]
            listed = Counter(one.status for one in ledger.all(sa.select(t.rows).where(t.rows.c.listed)))
            complete = ledger.all(sa.select(sa.func.count()).where(t.studies.c.status == "complete"))[0][0]
    asked, _, several, images, whole = levels
    assert asked.number == listed.total() == 4
    left = sum(number for why, number in asked.left if why.startswith("unmatched"))
    assert left == listed["unmatched"] == 2, "of one the rules want no series"
    assert images.kept == held > 0
    assert whole.number == complete
    assert several.kept > 0
    page = render(found)
    assert 'class="flow"' in page
    assert f"<b>{held}</b>" in page
    assert "PID-999123" not in page


def test_a_study_that_is_not_at_all_targets_leaves_with_that_reason():
    bad = replace(study("k", "P", "complete", series("1")), deliveries=(Delivery("t", "failed", "full", "", ()),))
    assert cohort_flow(summary([row(1, "", "undelivered", "", bad)], [bad]))[-1].left == ((NOT_AT_TARGETS, 1),)


def test_the_methods_paragraph_has_the_numbers_versions_and_profile_in_every_language():
    one = study("k", "P", "complete", series("1", 7, converted=("done", "")), proof="uid")
    profile = ("Basic profile of PS3.15 2026d with clean-descriptors.", "1 attribute is kept.", "Dates are moved.")
    run = summary([row(1, "", "complete", "", one), row(2, "", "unmatched")], [one], profile=profile)
    run = replace(run, versions={"pacsflow": "9.8", "dcm2niix": "1.2"}, converters=("dcm2niix",))
    told = methods(run)
    assert told.keys() == LANGUAGES.keys()
    for text in told.values():
        for part in (
            "pacsflow 9.8",
            "PS3.15 2026d",
            "clean-descriptors",
            "Dates are moved.",
            "dcm2niix 1.2",
            "2026-11-30",
            "7 ",
        ):
            assert part in text
        assert "1 attributes" not in text
    assert "not de-identified" in methods(replace(run, identifiable=True))["en"]


def test_words_are_there_in_all_languages_and_texts_are_escaped():
    assert all(len(each) == 3 and all(each) for each in _WORDS.values())
    assert str(spoken("rows")) == '<span class="t" data-de="Zeilen" data-fr="lignes" data-it="righe">rows</span>'
    assert str(spoken("<b>")) == "&lt;b&gt;"
    assert str(linked("row 3 (<i>), row 9", range(1, 6))) == '<a href="#row-3">row 3</a> (&lt;i&gt;), row 9'
