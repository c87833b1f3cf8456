"""One word, one meaning, on one screen; refused rows are told with their reasons."""

import json
from collections import Counter

from pacsflow.cli.show import show_outcome, show_status
from pacsflow.run.reporting.status import Status

COUNTS = {
    "rows": {"all": 3, "held": 1, "complete": 1, "refused": 1},
    "studies": {"all": 2, "delivered": 1},
    "series": {"all": 2},
    "images": {"expected": 148, "received": 146, "refused": 2},
    "bytes": 0,
}


def test_what_the_node_sent_and_what_was_kept_are_two_words(capsys):
    counts = {
        "rows": Counter(held=1),
        "studies": Counter(complete=1),
        "images": Counter(held=208, refused=1),
        "asked of the PACS": Counter(images=209, find=3, bytes=5),
    }
    show_status(Status(counts, (), (), ""))
    told = capsys.readouterr().out
    assert told.count("held") == 1, "rows only"
    assert "kept" in told
    assert "images sent by it" in told
    assert "received" not in told


def test_advice_names_the_project_as_it_is_written_on_a_command_line(capsys):
    show_status(Status({"rows": Counter()}, (), (), "", ("2 studies lie at targets",)), "my trial")
    told = " ".join(capsys.readouterr().out.split())
    assert "pacsflow plan 'my trial'" in told
    assert "pacsflow withdraw 'my trial' --unwanted" in told
    assert "PROJECT" not in told


def test_the_end_of_a_run_tells_refused_rows_and_says_kept(tmp_path, capsys):
    left = [{"status": "refused", "reason": "2 refused (pixels: burned-in)", "rows": 1}]
    facts = {"project": "p", "outcome": "complete", "counts": COUNTS, "deidentified": True, "left": left, "fixes": []}
    (tmp_path / "run.json").write_text(json.dumps(facts))
    show_outcome(tmp_path)
    told = capsys.readouterr().out
    assert "1 row refused: 2 refused (pixels: burned-in)" in told
    assert "images kept" in told
    assert "images received" not in told
