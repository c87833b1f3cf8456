"""Ctrl-C and SIGTERM: a run ends soon and in order, and the next ones go on to what an undisturbed run gives."""

import signal
import sqlite3
from contextlib import closing

from peers.ports import wait_until
from whole_run import IMAGES, delivered, fault, lying, project

RETRIEVALS = 2


def test_a_run_that_is_stopped_keeps_what_came_and_the_next_one_goes_on(prefect, tmp_path, honest):
    kept = 0
    with lying(fault("stall", image=3, times=RETRIEVALS, seconds=600), method="c-move") as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1, response=300)
        for number, (sign, code) in enumerate(((signal.SIGINT, 130), (signal.SIGTERM, 143)), 1):
            process = prefect.start_pacsflow("run", str(folder))
            wait_until(lambda want=number: pacs.counts["images sent"] >= 2 * want, what="two images")
            process.send_signal(sign)
            told, _ = process.communicate(timeout=120)
            assert (process.returncode, "run it again and it goes on" in told) == (code, True), told
            assert not list(tmp_path.rglob("*.part"))
            before, kept = kept, held(tmp_path)
            assert before < kept <= 2 * number, "what came whole"
        sent = pacs.counts["images sent"]
        prefect.pacsflow("run", str(folder))
    assert pacs.counts["images sent"] - sent == IMAGES - kept, "only what was missing"
    assert len(delivered(folder)) == IMAGES
    assert delivered(folder).items() <= honest.items()


def held(tmp_path):
    with closing(sqlite3.connect(tmp_path / "data" / "private" / "ledger.sqlite")) as ledger:
        return ledger.execute("SELECT COUNT(*) FROM instances WHERE status = 'held'").fetchone()[0]
