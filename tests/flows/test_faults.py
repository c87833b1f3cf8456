"""The fault matrix: what a PACS does wrong, and the exact verdict, by C-GET and by C-MOVE.

Each project is run in this process as the flows run it, without Prefect.
"""

import errno
import os
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from pacsflow import staging
from pacsflow.deid import cleaner
from pacsflow.deid.streamed import clean_streamed
from pacsflow.dicom import association, fastpath, receiver
from pacsflow.errors import PacsflowError, PacsTransientError
from pacsflow.ledger import rows, summary
from pacsflow.refs import RowRef
from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import Archive
from peers.certificates import Authority
from tasks.account import accounts
from tasks.find import find_row
from tasks.session import open_session
from tasks.status import status_of
from whole_run import IMAGES, fault, lying, project, run_once

METHODS = pytest.mark.parametrize("method", ["c-get", "c-move"])


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """What the first two studies come to when nothing goes wrong."""
    with lying() as (pacs, node):
        told = run_once(project(tmp_path_factory.mktemp("honest"), pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert len(told.out) == 2 * IMAGES
    return told.out


# faults that pass -> retrievals asked for and images sent, for two studies of six images
PASSING = {
    "none": ([], 2, 12),
    "no-counts": ([fault("no-counts")], 2, 12),
    "slow": ([fault("slow", answer=0.01, image=0.02)], 2, 12),
    "changing-answers": ([fault("changing-answers", every=2)], 2, 12),
    "ignored-keys": ([fault("ignored-keys", keys=["SeriesInstanceUID"])], 2, 12),
    "wrong-transfer-syntax": ([fault("wrong-transfer-syntax")], 2, 12),
    "duplicate-images": ([fault("duplicate-images")], 2, 16),
    "drop-images completed": ([fault("drop-images", times=1)], 4, 12),
    "drop-images failed": ([fault("drop-images", times=1, counted="failed")], 4, 12),
    "drop-images, ignored-keys": (
        [fault("drop-images", times=1), fault("ignored-keys", keys=["SOPInstanceUID"])],
        4,
        8 + 12,
    ),
    "result-limit": ([fault("result-limit", answers=4)], 2, 12),
    "result-limit, drop-images": ([fault("result-limit", answers=4), fault("drop-images", every=5, times=1)], 4, 22),
    "result-limit warning": ([fault("result-limit", answers=4, status="warning")], 2, 12),
    "result-limit out-of-resources": ([fault("result-limit", answers=4, status="out-of-resources")], 2, 12),
    "no-counts, result-limit": ([fault("no-counts"), fault("result-limit", answers=4)], 2, 12),
    "no-counts, result-limit, drop-images": (
        [fault("no-counts"), fault("result-limit", answers=5), fault("drop-images", every=6, times=1)],
        4,
        10 + 12,
    ),
    "no-counts, refused-levels": ([fault("no-counts"), fault("refused-levels")], 2, 12),
    "success-none-sent": ([fault("success-none-sent", times=1)], 4, 12),
    "all-failed-but-success": ([fault("all-failed-but-success", times=1)], 4, 12),
    "busy A700": ([fault("busy", status="A700", times=1)], 4, 12),
    "busy A701": ([fault("busy", status="A701", times=1)], 4, 12),
    "busy A702": ([fault("busy", times=2)], 6, 12),
    "offline": ([fault("offline", times=1)], 4, 12),
    "stall": ([fault("stall", times=1, seconds=3)], 4, 12),
    "abort": ([fault("abort", times=1)], 4, 12),
    "close": ([fault("abort", times=1, how="close")], 4, 12),
    "abort at the last image": ([fault("abort", times=1, image=6)], 4, 12),
    "restart": ([fault("restart", times=1, seconds=0.05)], 4, 12),
    "truncated-pixels": ([fault("truncated-pixels", times=1)], 4, 16),
    "corrupt-header": ([fault("corrupt-header", times=1)], 4, 16),
    "no-final-response": ([fault("no-final-response")], 2, 12),
}


@METHODS
@pytest.mark.parametrize("name", PASSING)
def test_what_passes_leaves_the_output_of_an_honest_pacs_and_asks_for_no_more_than_was_missing(
    tmp_path, honest, name, method
):
    faults, retrievals, sent = PASSING[name]
    with lying(*faults, method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, response=2), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.studies == [("complete", "")] * 2
    assert told.instances == {("held", ""): 2 * IMAGES}
    assert told.out == honest
    assert (told.retrievals, told.counts["images sent"]) == (retrievals, sent)
    assert all(isinstance(error, PacsTransientError) for error in told.errors)


@pytest.fixture
def streamed(monkeypatch):
    """Instances are handed on while they come, after their first bytes; a list of those of which that is so."""
    for module in (association, receiver):
        monkeypatch.setattr(module, "MAXIMUM_PDU", 512)
    monkeypatch.setattr(fastpath, "STREAMED_FROM", 600)
    begun = []
    monkeypatch.setattr(cleaner, "clean_streamed", lambda *args: begun.append(args[1]) or clean_streamed(*args))
    return begun


MID_IMAGE = [
    "none", "wrong-transfer-syntax", "duplicate-images", "stall", "abort", "close", "restart", "truncated-pixels",
    "corrupt-header",
]  # fmt: skip


@METHODS
@pytest.mark.parametrize("name", MID_IMAGE)
def test_the_same_holds_for_instances_that_are_cleaned_while_they_come(tmp_path, honest, streamed, name, method):
    faults, retrievals, sent = PASSING[name]
    with lying(*faults, method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, response=1), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.instances == {("held", ""): 2 * IMAGES}
    assert told.out == honest
    assert (told.retrievals, told.counts["images sent"]) == (retrievals, sent)
    assert len(streamed) >= sent - 2
    assert not list(tmp_path.rglob("*.part"))


@METHODS
@pytest.mark.parametrize("base", ["ps3.15-basic", "none"])
def test_a_refusal_in_the_middle_of_an_instance_leaves_the_others_and_the_association(tmp_path, streamed, base, method):
    archive = phantom_archive(4, matrix=64, images=IMAGES)
    with lying(fault("truncated-pixels"), fault("wrong-patient"), archive=archive, method=method) as (pacs, node):
        folder = project(tmp_path, pacs, node)
        if base == "none":
            (folder / "deid.yaml").write_text('{"base": "none"}')
        told = run_once(folder, pacs)
    assert [status for status, _ in told.rows] == ["partial"] * 2
    assert told.instances == {("held", ""): 8, ("refused", "malformed: pixel data cut off"): 4}
    assert told.counts["associations"] <= 2 * len(told.errors) + 4
    assert streamed
    assert not list(tmp_path.rglob("*.part"))


@METHODS
def test_a_disk_that_is_full_in_the_middle_of_an_instance_is_a_fault_of_ours(tmp_path, streamed, monkeypatch, method):
    real = staging.write_all

    def fills_up(descriptor, parts):
        if os.lseek(descriptor, 0, os.SEEK_CUR) > 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, parts)

    monkeypatch.setattr(staging, "write_all", fills_up)
    with lying(method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, attempts=1, number=1), pacs)
    assert [str(error) for error in told.errors] == ["the disk refused a file: No space left on device"]
    assert told.instances == {("expected", ""): IMAGES}
    assert streamed
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(("method", "retrievals", "sent"), [("c-get", 4, 14), ("c-move", 2, 12)])
def test_an_image_after_the_final_response_is_asked_for_again_or_waited_for(tmp_path, honest, method, retrievals, sent):
    with lying(fault("late-image", times=1), method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest
    assert (told.retrievals, told.counts["images sent"]) == (retrievals, sent)


@pytest.mark.parametrize(
    ("faults", "proof"),
    [
        ([], "uid"),
        ([fault("no-counts")], "uid"),
        ([fault("result-limit", answers=4)], "count"),
        ([fault("refused-levels")], "count"),
        ([fault("no-counts"), fault("refused-levels")], "retrieval"),
        ([fault("no-counts"), fault("result-limit", answers=4)], "retrieval"),
    ],
)
def test_each_verdict_says_what_tells_it(tmp_path, faults, proof):
    with lying(*faults) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1)
        assert run_once(folder, pacs).rows == [("complete", "")]
        with open_session(str(folder), action="run") as run:
            assert [study.proof for study in summary.studies(run.ledger).values()] == [proof]


def test_a_study_that_was_offline_is_told_apart_and_fetched_by_the_next_run(tmp_path, honest):
    with lying(fault("offline", times=2)) as (pacs, node):
        folder = project(tmp_path, pacs, node, attempts=2)
        first, second = run_once(folder, pacs), run_once(folder, pacs)
        assert status_of(folder).counts["rows"] == {"complete": 2}
    assert [status for status, _ in first.rows] == ["offline"] * 2
    assert {error.remedy for error in first.errors} == {"run again later"}
    assert second.rows == [("complete", "")] * 2
    assert second.out == honest


SUCCESS = "the node ended with 0x0000 (success)"
MISSING = "instances did not come"
REFUSED = "0xA702 (refused: out of resources)"
VAGUE = "nobody knows how many instances 1 series have: the node's list may be a part"
LOCKED = "locked or unavailable: ask again later (6 of 6 instances are UNAVAILABLE)"
CLAIMED = "the node says it sent 6, 5 came"
# faults that last -> study, its reason, instances by status and reason, retrievals and images sent in two attempts
LASTING = {
    "drop-images completed": (
        [fault("drop-images")],
        ("incomplete", f"2 of 6 {MISSING}; {SUCCESS}, 2 sent, 0 failed"),
        {("held", ""): 4, ("expected", ""): 2},
        (2, 4),
    ),
    "drop-images failed": (
        [fault("drop-images", counted="failed")],
        (
            "incomplete",
            f"2 of 6 {MISSING}; busy: the node ended with {REFUSED}, 0 sent, 2 failed",
        ),
        {("held", ""): 4, ("expected", ""): 2},
        (2, 4),
    ),
    "success-none-sent": (
        [fault("success-none-sent")],
        ("incomplete", f"6 of 6 {MISSING}; {SUCCESS}, 0 sent, 0 failed"),
        {("expected", ""): 6},
        (2, 0),
    ),
    "all-failed-but-success": (
        [fault("all-failed-but-success")],
        ("incomplete", f"6 of 6 {MISSING}; {SUCCESS}, 0 sent, 6 failed"),
        {("expected", ""): 6},
        (2, 0),
    ),
    "busy": (
        [fault("busy", status="A700")],
        (
            "incomplete",
            f"6 of 6 {MISSING}; busy: the node ended with 0xA700 (refused: out of resources), 0 sent, 6 failed",
        ),
        {("expected", ""): 6},
        (2, 0),
    ),
    "offline": (
        [fault("offline")],
        (
            "offline",
            f"offline: ask again later (6 of 6 instances are NEARLINE); the node ended with {REFUSED}, 0 sent, 6 failed",
        ),
        {("expected", ""): 6},
        (2, 0),
    ),
    "abort": (
        [fault("abort")],
        ("failed", f"the node aborted the association; 4 of 6 {MISSING}"),
        {("held", ""): 2, ("expected", ""): 4},
        (2, 2),
    ),
    "close": (
        [fault("abort", how="close")],
        ("failed", f"the node ended the connection; 4 of 6 {MISSING}"),
        {("held", ""): 2, ("expected", ""): 4},
        (2, 2),
    ),
    "result-limit, drop-images": (
        [fault("result-limit", answers=4), fault("drop-images", every=5)],
        ("incomplete", f"the node counts 6 instances, but lists 4; {SUCCESS}, 6 sent, 0 failed"),
        {("held", ""): 5},
        (2, 10),
    ),
    "result-limit warning, drop-images": (
        [fault("result-limit", answers=4, status="warning"), fault("drop-images", every=5)],
        ("incomplete", f"the node counts 6 instances, but lists 0; {VAGUE}; {CLAIMED}; {SUCCESS}, 6 sent, 0 failed"),
        {("held", ""): 5},
        (2, 10),
    ),
    "no-counts, result-limit, drop-images": (
        [fault("no-counts"), fault("result-limit", answers=4), fault("drop-images", every=5)],
        ("incomplete", f"{VAGUE}; {CLAIMED}; {SUCCESS}, 6 sent, 0 failed"),
        {("held", ""): 5},
        (2, 10),
    ),
    "no-counts, result-limit, the unlisted dropped": (
        [fault("no-counts"), fault("result-limit", answers=5), fault("drop-images", every=6)],
        ("incomplete", f"{VAGUE}; {CLAIMED}; {SUCCESS}, 6 sent, 0 failed"),
        {("held", ""): 5},
        (2, 10),
    ),
    "no-counts, refused-levels, drop-images": (
        [fault("no-counts"), fault("refused-levels"), fault("drop-images", every=5, counted="failed")],
        ("incomplete", f"{VAGUE}; the node ended with 0xB000 (warning: not everything was done), 5 sent, 1 failed"),
        {("held", ""): 5},
        (2, 10),
    ),
    "locked": (
        [fault("offline", availability="UNAVAILABLE")],
        (
            "offline",
            f"{LOCKED}; the node ended with {REFUSED}, 0 sent, 6 failed",
        ),
        {("expected", ""): 6},
        (2, 0),
    ),
    "ignored-keys": (
        [fault("ignored-keys", keys=["StudyInstanceUID", "SeriesInstanceUID", "PatientID"])],
        ("failed", "{} ended with status 0xA900: identifier does not match the SOP class"),
        {("expected", ""): 6},
        (1, 0),
    ),
    "no-service": (
        [fault("no-service", services=["c-get", "c-move"])],
        ("failed", "the node accepts no {}"),
        {("expected", ""): 6},
        (0, 0),
    ),
}


@METHODS
@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_told_and_nothing_is_delivered(tmp_path, name, method):
    faults, (status, reason), instances, traffic = LASTING[name]
    with lying(*faults, method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1, attempts=2, response=2), pacs)
    assert told.studies == told.rows == [(status, reason.format(method.upper()))]
    assert told.instances == instances
    assert (told.retrievals, told.counts["images sent"]) == traffic
    assert told.out == {}


@METHODS
@pytest.mark.parametrize("kind", ["stall", "no-final-response"])
def test_silence_ends_in_an_error_that_may_pass(tmp_path, method, kind):
    faults = [fault(kind), fault("drop-images", every=6)]
    with lying(*faults, method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1, attempts=2, response=0.5), pacs)
    [(status, reason)] = told.studies
    assert status == "failed"
    assert reason.startswith("the node said nothing for 0.5 s; ")
    assert [error.transient for error in told.errors] == [True, True]
    assert told.retrievals == 2


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
def test_an_image_of_another_patient_is_refused_and_said(tmp_path, honest, method):
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
    return Archive([replace(first, make_series=lambda: series), *others])


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
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "the node counts more instances than the 6 it lists and sends"), ("complete", "")]
    assert told.out == honest
    assert told.retrievals == 2


@pytest.mark.parametrize("how", ["hold", "warn", "accept"])
def test_fewer_series_than_the_node_counts_go_to_the_guard(tmp_path, how):
    archive = phantom_archive(2, matrix=16, images=IMAGES)
    claims = [
        replace(s, attributes={**s.attributes, "NumberOfStudyRelatedSeries": "2"}) for s in archive.studies.values()
    ]
    with lying(archive=Archive(claims)) as (pacs, node):
        guards = {"guards": {"fewer_series_than_counted": how}}
        told = find_only(project(tmp_path, pacs, node, number=1, query=guards))
        assert pacs.counts["finds SERIES"] == 2
    why = "the node counts 2 series in a study, but lists 1 (fewer_series_than_counted)"
    assert told == [
        {"hold": ("held", why, (), 0), "warn": ("found", "", (why,), 1), "accept": ("found", "", (), 1)}[how]
    ]


EVERYTHING = {"id": "all", "StudyDate": "20000101-20301231"}
ANYBODY = {"several_patients_per_row": "accept"}


def find_only(folder):
    """Rows by status and reason, after finding."""
    with open_session(str(folder), action="run") as run:
        run.lanes.allow(1)
        for number in rows.to_find(run.ledger):
            with suppress(PacsflowError):
                find_row.fn(RowRef(str(folder), number))
        found = accounts(run.ledger, run.project)
    return [(one.status, one.reason, tuple(one.row.warnings), len(one.studies)) for one in found]


@pytest.mark.parametrize("limit", [{}, {"status": "warning"}, {"status": "out-of-resources"}])
def test_all_studies_are_found_at_a_node_that_cuts_its_answers(tmp_path, limit):
    nobody = {"id": "nobody", "StudyDate": "20000101-20301231", "PatientSex": "O"}
    faults = [fault("result-limit", answers=100, **limit), fault("ignored-keys", keys=["PatientSex"])]
    with lying(*faults, archive=phantom_archive(120, matrix=16, images=1)) as (pacs, node):
        told = find_only(project(tmp_path, pacs, node, asked=[EVERYTHING, nobody], query={"guards": ANYBODY}))
        assert 2 * 3 <= pacs.counts["finds STUDY"] <= 2 * 40
    assert told == [
        ("found", "", (), 120),
        ("unmatched", "no study fits (120 with another PatientSex)", (), 0),
    ]


def test_a_limit_that_pacs_yaml_names_is_met(tmp_path):
    with lying(fault("result-limit", answers=7), archive=phantom_archive(30, matrix=16, images=1)) as (pacs, node):
        node |= {"limits": {"results_per_query": 7}}
        told = run_once(project(tmp_path, pacs, node, asked=[EVERYTHING], query={"guards": ANYBODY}), pacs)
    assert told.rows == [("complete", "")]
    assert told.studies == [("complete", "")] * 30


def at_one_moment(number):
    """Studies that no smaller question tells apart."""
    moment = {"StudyDate": "20200202", "StudyTime": "101112", "ModalitiesInStudy": "CT"}
    made = phantom_archive(number, matrix=16, images=1).studies.values()
    return Archive([replace(study, attributes={**study.attributes, **moment}) for study in made])


def test_answers_that_may_have_been_cut_go_to_the_guard(tmp_path):
    with lying(fault("result-limit", answers=7), archive=at_one_moment(9)) as (pacs, node):
        node |= {"limits": {"results_per_query": 7}}
        told = {
            how: find_only(
                project(
                    tmp_path / how, pacs, node, asked=[EVERYTHING], query={"guards": {"cut_answers": how} | ANYBODY}
                )
            )
            for how in ("hold", "warn", "accept")
        }
    cut = "the node gave exactly 7 answers, where it may have cut, and there is no smaller question: narrow the row"
    blind = tuple(
        f"the node cuts its answers; asked in pieces, {what} is not found"
        for what in ("a study without a time", "an unusual modality")
    )
    assert told["hold"] == [("held", f"{cut} (cut_answers)", blind, 0)]
    assert told["warn"] == [("found", "", (f"{cut} (cut_answers)", *blind), 7)]
    assert told["accept"] == [("found", "", blind, 7)]


@pytest.mark.parametrize(("status", "transient"), [("warning", False), ("out-of-resources", True)])
def test_a_row_that_the_node_says_it_cut_and_that_cannot_be_split_fails(tmp_path, status, transient):
    with lying(fault("result-limit", answers=3, status=status), archive=at_one_moment(4)) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, asked=[EVERYTHING]), pacs)
    assert [row[0] for row in told.rows] == ["failed"]
    assert [error.transient for error in told.errors] == ([True] * 3 if transient else [False])


def test_a_study_that_was_not_among_the_answers_is_found_by_the_next_run(tmp_path, honest):
    with lying(fault("changing-answers", every=2)) as (pacs, node):
        folder = project(tmp_path, pacs, node)
        pacs.mischief.nth(pacs.mischief.faults[0], "nothing is asked yet")
        with ExitStack() as stack:
            run = stack.enter_context(open_session(str(folder), action="run"))
            run.lanes.allow(1)
            for number in rows.to_find(run.ledger):
                find_row.fn(RowRef(str(folder), number))
            assert [one.status for one in accounts(run.ledger, run.project)] == ["found", "found"]
            find_row.fn(RowRef(str(folder), 1))
            assert [one.status for one in accounts(run.ledger, run.project)] == ["unmatched", "found"]
        told = run_once(folder, pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest


def test_c_move_is_taken_where_there_is_no_c_get(tmp_path, honest):
    with lying(fault("no-service", services=["c-get"]), method="auto") as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert (told.counts["gets"], told.counts["moves"]) == (0, 2)
    assert told.out == honest


def test_the_patient_root_is_taken_where_there_is_no_study_root(tmp_path, honest):
    with lying(fault("no-service", services=["study-root"])) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest


@METHODS
def test_a_node_that_takes_one_association_serves_two_workers_all_the_same(tmp_path, method):
    faults = [fault("reject-associations", above=1), fault("slow", image=0.01)]
    with lying(*faults, method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=4, attempts=50), pacs, lanes=2)
    assert told.rows == [("complete", "")] * 4
    assert told.instances == {("held", ""): 4 * IMAGES}
    assert (told.retrievals, told.counts["images sent"]) == (4, 4 * IMAGES)


def test_an_open_lane_is_taken_before_one_that_must_be_opened(tmp_path):
    keys = {"StudyInstanceUID": ""}
    with lying(fault("reject-associations", above=1)) as (pacs, node), ExitStack() as stack:
        run = stack.enter_context(open_session(str(project(tmp_path, pacs, node)), action="run"))
        run.lanes.allow(2)
        with run.lanes.borrow() as first, ExitStack() as inner:
            assert first.find("STUDY", keys)
            second = ExitStack()
            other = second.enter_context(run.lanes.borrow())
            inner.callback(second.close)
            with pytest.raises(PacsTransientError):
                other.find("STUDY", keys)
        with run.lanes.borrow() as lane:
            assert lane.find("STUDY", keys)


def test_tls_is_spoken_where_pacs_yaml_says_so_and_told_where_it_does_not(tmp_path, honest):
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("pacs")
    with lying(fault("tls", certificate=str(certificate), key=str(key))) as (pacs, node):
        plain = run_once(project(tmp_path / "plain", pacs, node, attempts=1), pacs)
        told = run_once(project(tmp_path / "tls", pacs, {**node, "tls": {"ca": str(authority.ca)}}), pacs)
    assert [status for status, _ in plain.rows] == ["failed"] * 2
    assert all(error.transient and "TLS" in error.remedy for error in plain.errors)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest


def test_images_come_by_c_move_over_mutual_tls(tmp_path, honest):
    authority = Authority(tmp_path / "authority")
    (theirs, their_key), (ours, our_key) = authority.issue("pacs"), authority.issue("us")
    serving = fault("tls", certificate=str(theirs), key=str(their_key), ca=str(authority.ca))
    tls = {"ca": str(authority.ca), "certificate": str(ours), "key": str(our_key)}
    with lying(serving, method="c-move") as (pacs, node):
        told = run_once(project(tmp_path, pacs, {**node, "tls": tls}), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest
    assert (told.counts["moves"], told.counts["images sent"]) == (2, 2 * IMAGES)


@METHODS
def test_a_node_that_restarts_at_every_retrieval_gives_an_image_each_time_and_none_twice(tmp_path, method):
    with lying(fault("restart", seconds=0.05), method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1, attempts=3), pacs)
    [(status, reason)] = told.rows
    assert status == "failed"
    assert "of 6 instances did not come" in reason
    assert told.out == {}
    assert told.instances["held", ""] == 3
    assert (told.retrievals, told.counts["images sent"]) == (3, 3)


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
