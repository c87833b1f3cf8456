"""What a person sees at the end of a run: why rows are not done, and what to do about it."""

import json

from pacsflow.cli.show import show_outcome

COUNTS = {"rows": {"all": 9}, "studies": {}, "series": {}, "images": {}, "bytes": 0}
FACTS = {"project": "p", "outcome": "partly", "counts": COUNTS, "deidentified": True}


def test_the_end_of_a_run_shows_the_most_frequent_reasons_and_what_to_do(tmp_path, capsys):
    left = [{"status": "failed", "reason": "it is [closed]", "rows": 3}, {"status": "held", "reason": "", "rows": 1}]
    more = [{"status": "unmatched", "reason": f"reason {n}", "rows": 1} for n in range(5)]
    (tmp_path / "run.json").write_text(json.dumps(FACTS | {"left": left + more, "fixes": ["open [it]"]}))
    show_outcome(tmp_path)
    told = capsys.readouterr().out
    assert "3 rows failed: it is [closed]\n1 row held\n" in told
    assert "reason 3\nand others, see the report\n  fix: open [it]\n" in told
    assert "reason 4" not in told


def test_the_end_of_a_whole_run_has_no_reasons(tmp_path, capsys):
    (tmp_path / "run.json").write_text(json.dumps(FACTS | {"left": [], "fixes": []}))
    show_outcome(tmp_path)
    told = capsys.readouterr().out
    assert "fix:" not in told
    assert "others" not in told


def test_the_record_of_an_earlier_version_is_shown_too(tmp_path, capsys):
    left = [{"status": "failed", "reason": "closed", "rows": 3}]
    (tmp_path / "run.json").write_text(json.dumps(FACTS | {"left": left, "mends": ["open it"]}))
    show_outcome(tmp_path)
    assert "fix: open it" in capsys.readouterr().out
