"""The fault matrix: what a PACS does wrong and passes, and the exact verdict, by C-GET and by C-MOVE.

Each project is run in this process as the flows run it, without Prefect.
"""

import errno
import os
from pathlib import Path

import pytest

from pacsflow import staging
from pacsflow.deid import cleaner
from pacsflow.deid.streamed import clean_streamed
from pacsflow.dicom.dimse import association, fastpath, receiver
from pacsflow.errors import PacsTransientError
from pacsflow.ledger import summary
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.status import status_of
from pacsflow.simpacs import phantom_archive
from whole_run import IMAGES, METHODS, fault, lying, project, run_once

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
    "refused-levels C000": ([fault("refused-levels", status="C000")], 2, 12),
    "no-counts, refused-levels C000": ([fault("no-counts"), fault("refused-levels", status="C000")], 2, 12),
    "refused-levels, success-none-sent": ([fault("refused-levels"), fault("success-none-sent", times=1)], 4, 12),
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
    "short-pixels half": ([fault("short-pixels", times=1)], 4, 16),
    "short-pixels none": ([fault("short-pixels", times=1, left="none")], 4, 16),
    "corrupt-header": ([fault("corrupt-header", times=1)], 4, 16),
    "no-final-response": ([fault("no-final-response")], 2, 12),
}


SILENT = {"stall", "no-final-response"}
"""Faults after which the node says nothing: for the others patience costs nothing, and a busy machine is forgiven."""


def patience(name):
    return 2 if name in SILENT else 60


@METHODS
@pytest.mark.parametrize("name", PASSING)
def test_what_passes_leaves_the_output_of_an_honest_pacs_and_asks_for_no_more_than_was_missing(
    tmp_path, honest, name, method
):
    faults, retrievals, sent = PASSING[name]
    with lying(*faults, method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, response=patience(name)), pacs)
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
    "short-pixels half", "short-pixels none", "corrupt-header",
]  # fmt: skip


@METHODS
@pytest.mark.parametrize("name", MID_IMAGE)
def test_the_same_holds_for_instances_that_are_cleaned_while_they_come(tmp_path, honest, streamed, name, method):
    faults, retrievals, sent = PASSING[name]
    with lying(*faults, method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, response=patience(name)), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.instances == {("held", ""): 2 * IMAGES}
    assert told.out == honest
    assert (told.retrievals, told.counts["images sent"]) == (retrievals, sent)
    # by C-MOVE an instance that does not name its study is given to no retrieval, so the four spoilt ones are not
    assert len(streamed) >= sent - (4 if (name, method) == ("corrupt-header", "c-move") else 2)
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


@METHODS
@pytest.mark.parametrize("step", ["write_all", "os.fsync"])
def test_a_disk_that_is_full_after_success_was_answered_is_a_fault_of_ours(tmp_path, monkeypatch, method, step):
    sync = os.fsync

    def full(descriptor, *_):
        if step == "os.fsync" and "/staging" not in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            return sync(descriptor)  # of the ledger, which has a place of its own
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with lying(method=method) as (pacs, node):
        folder = project(tmp_path, pacs, node, attempts=1, number=1)
        with monkeypatch.context() as patch:
            patch.setattr(f"pacsflow.staging.{step}", full)
            told = run_once(folder, pacs)
        again = run_once(folder, pacs)
    assert [str(error) for error in told.errors] == ["the disk refused a file: No space left on device"]
    assert told.instances == {("expected", ""): IMAGES}
    assert again.rows == [("complete", "")]
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
def test_each_completeness_names_its_proof(tmp_path, faults, proof):
    with lying(*faults) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1)
        assert run_once(folder, pacs).rows == [("complete", "")]
        with open_session(str(folder), action="run") as run:
            assert [study.proof for study in summary.studies(run.ledger).values()] == [proof]


def test_a_study_that_was_offline_is_distinguished_and_fetched_by_the_next_run(tmp_path, honest):
    with lying(fault("offline", times=2)) as (pacs, node):
        folder = project(tmp_path, pacs, node, attempts=2)
        first, second = run_once(folder, pacs), run_once(folder, pacs)
        assert status_of(folder).counts["rows"] == {"complete": 2}
    assert [status for status, _ in first.rows] == ["offline"] * 2
    assert {error.fix for error in first.errors} == {"run again later"}
    assert second.rows == [("complete", "")] * 2
    assert second.out == honest


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
