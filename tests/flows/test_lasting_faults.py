"""The fault matrix: what a PACS does wrong for good, the exact verdict, and that nothing is delivered."""

import pytest

from peers.ports import free_port
from whole_run import METHODS, MISSING, SUCCESS, fault, lying, project, run_once

UNREACHED = {"busy", "all-failed-but-success"}
"""Faults with which a C-MOVE sends nothing at all, and does not even connect to us."""
REFUSED = "0xA702 (refused: out of resources)"
VAGUE = "it is not known how many instances 1 series have: the node's list may be a part"
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
    "drop-images never": (
        [fault("drop-images", every=6, counted="never")],
        ("incomplete", f"1 of 6 {MISSING}; {SUCCESS}, 0 sent, 0 failed"),
        {("held", ""): 5, ("expected", ""): 1},
        (2, 5),
    ),
    "refused-levels, drop-images never": (
        [fault("refused-levels"), fault("drop-images", every=6, counted="never")],
        ("incomplete", f"the node counts 6 instances, but lists 0; {SUCCESS}, 5 sent, 0 failed"),
        {("held", ""): 5},
        (2, 10),
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
def test_what_lasts_is_reported_and_nothing_is_delivered(tmp_path, name, method):
    faults, (status, reason), instances, traffic = LASTING[name]
    with lying(*faults, method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1, attempts=2, response=20), pacs)
    if method == "c-move" and name in UNREACHED:
        port = node["fetch"]["move_to"]["port"]
        reason = f"{reason.replace('busy: ', '')}; the node never connected to our port {port}"
    assert told.studies == told.rows == [(status, reason.format(method.upper()))]
    assert told.instances == instances
    assert (told.retrievals, told.counts["images sent"]) == traffic
    assert told.out == {}
    assert told.traffic["retrievals"] == told.retrievals, "also what the node refused was asked of it"


AGAIN = "run again: only what is missing is asked for"
PORT = "ask the PACS administrator to see that the AE title of `move_to` is declared with this computer's address"
AE_TITLE = "ask the PACS administrator to declare the AE title of `move_to` with this computer's address and its port"


ANOTHER = 0
"""In place of a port that is drawn when the test runs."""
NO_WAY = (
    f"6 of 6 {MISSING}; the node ended with {REFUSED}, 0 sent, 6 failed; the node never connected to our port {{port}}"
)


@pytest.mark.parametrize(
    ("faults", "destination", "reason", "fix"),
    [
        ([fault("drop-images")], {}, f"2 of 6 {MISSING}; {SUCCESS}, 2 sent, 0 failed", AGAIN),
        ([], {"aet": "NOBODY"}, "C-MOVE ended with status 0xA801: move destination unknown", AE_TITLE),
        ([], {"port": ANOTHER}, NO_WAY, PORT),
    ],
)
def test_what_to_do_is_reported_where_something_is_missing(tmp_path, faults, destination, reason, fix):
    with lying(*faults, method="c-move") as (pacs, node):
        move_to = {**node["fetch"]["move_to"], **destination}
        move_to["port"] = move_to["port"] or free_port()
        fetch = {"method": "c-move", "move_to": move_to}
        told = run_once(project(tmp_path, pacs, {**node, "fetch": fetch}, number=1, attempts=2), pacs)
    assert [why for _, why in told.rows] == [reason.format(port=move_to["port"])]
    [told_to_do] = told.fixes
    assert told_to_do.startswith(fix)


@METHODS
@pytest.mark.parametrize("kind", ["stall", "no-final-response"])
def test_silence_ends_in_an_error_that_may_pass(tmp_path, method, kind):
    faults = [fault(kind), fault("drop-images", every=6)]
    with lying(*faults, method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1, attempts=2, response=2), pacs)
    [(status, reason)] = told.studies
    assert status == "failed"
    assert reason.startswith("the node said nothing for 2 s; ")
    assert [error.transient for error in told.errors] == [True, True]
    assert told.retrievals == 2
