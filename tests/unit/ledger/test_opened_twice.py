"""A ledger that one process has open twice, and another one once: nobody takes the write-ahead log from the others."""

import subprocess
import sys

from pacsflow.ledger import open_ledger, setting

OTHER = (
    "import sys; from pathlib import Path; from pacsflow.ledger import open_ledger, setting\n"
    "ledger = open_ledger(Path(sys.argv[1]), project='p', key=None)\n"
    "setting(ledger, 'who', 'the other process'); ledger.close()"
)


def test_closing_it_once_leaves_the_locks_of_those_that_are_open(tmp_path):
    place = tmp_path / "ledger.sqlite"
    kept = open_ledger(place, project="p", key=None)
    setting(kept, "who", "this process")
    open_ledger(place, project="p", key=None).close()
    subprocess.run([sys.executable, "-c", OTHER, str(place)], check=True)
    assert place.with_name("ledger.sqlite-wal").exists(), "the other process took it for the last one that has it open"
    assert setting(kept, "who") == "the other process"
    kept.close()
