"""What is shown on the way: stages in words, a share, the time left; lines with their moment where no terminal is."""

import io
import re

import pytest
from rich.console import Console

from pacsflow.cli import show
from pacsflow.cli.progress import COUNTING, FETCHING, FINDING, REPORTING, STARTING, RunProgress, shown
from pacsflow.wording import lasting
from peers.ports import wait_until


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_the_stages_of_a_run_follow_what_it_tells():
    progress, seen = RunProgress("run"), []
    seen.append(progress.stage)
    for what, number in [
        ("rows to find", 2),
        ("rows", 1),
        ("rows", 1),
        ("studies to fetch", 1),
        ("studies delivered", 1),
    ]:
        progress(what, number)
        seen.append(progress.stage)
    assert seen == [STARTING, FINDING, FINDING, COUNTING, FETCHING, REPORTING]


def test_a_run_with_nothing_left_to_do_has_no_share():
    progress = RunProgress("run")
    progress("rows to find", 0)
    progress("studies to fetch", 0)
    assert progress.stage == REPORTING
    assert progress.share == (0, 0)
    assert progress.seconds_left is None


def test_the_time_left_goes_by_the_speed_of_the_stage():
    clock = Clock()
    progress = RunProgress("run", clock)
    clock.now = 100.0
    progress("rows to find", 4)
    progress("rows", 4)
    progress("studies to fetch", 10)
    clock.now = 110.0
    progress("studies delivered", 1)
    assert progress.seconds_left is None, "one says too little"
    progress("studies delivered", 1)
    assert progress.seconds_left == 40.0
    progress("studies delivered", 8)
    assert progress.seconds_left is None


@pytest.mark.parametrize(("seconds", "said"), [(40, "40 s"), (119, "119 s"), (720, "12 min"), (11_100, "3 h 05 min")])
def test_durations_have_one_form(seconds, said):
    assert lasting(seconds) == said


def screen(monkeypatch, *, terminal, width):
    """What console and errors write, as one text."""
    made = io.StringIO()
    for name in ("console", "errors"):
        monkeypatch.setattr(show, name, Console(file=made, force_terminal=terminal, width=width, highlight=False))
    return made


def test_where_no_terminal_is_a_line_tells_the_moment_again_and_again(monkeypatch):
    said = screen(monkeypatch, terminal=False, width=80)
    progress = RunProgress("run")
    with shown(progress, every=0.01):
        progress("rows to find", 3)
        wait_until(lambda: said.getvalue().count("finding studies") > 2, what="further lines")
    line = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d run, (starting|finding studies): .*s"
    assert all(re.fullmatch(line, each) for each in said.getvalue().splitlines())


@pytest.mark.parametrize("width", [80, 120])
def test_in_a_terminal_there_is_a_bar_that_fits(monkeypatch, width):
    said, clock = screen(monkeypatch, terminal=True, width=width), Clock()
    progress = RunProgress("run", clock)
    for what, number in [("rows to find", 2000), ("rows", 2000), ("studies to fetch", 1000)]:
        progress(what, number)
    clock.now = 4000.0
    for what, number in [
        ("studies fetched", 420),
        ("images", 1_204_210),
        ("bytes", 31 * 10**10),
        ("studies delivered", 400),
    ]:
        progress(what, number)
    show.console.print(progress)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue())
    assert "run, fetching and delivering" in plain
    assert "40 %" in plain
    assert "about 1 h 40 min left" in plain
    assert max(map(len, plain.splitlines())) <= width
