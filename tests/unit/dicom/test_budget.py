"""What one request may cost: progress, a smallest rate, a most of answers; whatever comes in whatever order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsflow.dicom import budget as module
from pacsflow.dicom.budget import Budget, EndlessError
from pacsflow.errors import PacsPermanentError
from schemas.pacs import Timeouts

TIMES = Timeouts(response=10, progress=60, slowest=100)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def steps(clock, seconds, total, act):
    """Act every `seconds` until EndlessError; the seconds it took."""
    begun = clock.now
    while clock.now - begun < total:
        clock.now += seconds
        act()
    return clock.now - begun


def dup(budget):
    budget.instance("1.2")
    budget.whole()


NO_PROGRESS = {
    "pending": lambda budget: (budget.spend(200), budget.whole()),
    "duplicate": lambda budget: (budget.spend(5000), dup(budget)),
    "bytes of an answer": lambda budget: budget.spend(10_000),
    "bytes of an image that came": lambda budget: (budget.coming("1.2"), budget.spend(10_000)),
    "the same answer": lambda budget: (budget.spend(500), budget.answer(b"same"), budget.whole()),
    "hollow answers": lambda budget: (budget.spend(500), budget.answer(b""), budget.whole()),
    "bytes thrown away": lambda budget: (budget.coming(""), budget.spend(10_000)),
}


@pytest.mark.parametrize("what", NO_PROGRESS)
@pytest.mark.parametrize("every", [0.01, 1, 9])
def test_what_is_no_progress_ends(clock, what, every):
    budget = Budget(TIMES)
    budget.instance("1.2")
    budget.answer(b"same")
    with pytest.raises(EndlessError, match="without sending anything new") as told:
        steps(clock, every, 1000, lambda: (NO_PROGRESS[what](budget), budget.check()))
    assert told.value.fix
    assert clock.now <= 1000 + 60 + every + 0.1


@pytest.mark.parametrize("rate", [101, 5000])
def test_an_instance_of_any_size_comes_above_the_smallest_rate(clock, rate):
    budget = Budget(TIMES)
    budget.coming("1.2")
    assert steps(clock, 1, 10_000, lambda: budget.spend(rate)) == 10_000


@pytest.mark.parametrize("rate", [0, 1, 99])
def test_a_message_below_the_smallest_rate_ends(clock, rate):
    budget = Budget(TIMES)
    budget.coming("1.2")
    with pytest.raises(EndlessError, match="bytes per second"):
        steps(clock, 1, 100, lambda: budget.spend(rate))


def test_any_rate_is_allowed_where_it_is_said_so(clock):
    budget = Budget(Timeouts(response=10, progress=60, slowest=0))
    budget.coming("1.2")
    assert steps(clock, 1, 1000, lambda: budget.spend(1)) == 1000


def test_small_instances_with_pauses_between_them_are_no_slowness(clock):
    budget, numbers = Budget(TIMES), iter(range(10**6))

    def one():
        budget.spend(50)
        budget.instance(str(next(numbers)))
        budget.whole()

    assert steps(clock, 9, 5000, one) >= 5000


def test_our_own_time_is_not_the_nodes(clock):
    budget = Budget(TIMES)
    budget.coming("1.2")
    for _ in range(20):
        budget.spend(2000)
        with budget.ours():
            clock.now += 500
        assert budget.unread() < 1
        clock.now += 1
    budget.check()


def test_silence_up_to_the_response_time_is_never_lack_of_progress(clock):
    budget = Budget(Timeouts(response=3600, progress=60))
    clock.now += 3500
    budget.spend(100)
    budget.answer(b"the first")


def test_more_or_larger_answers_than_are_held_end(monkeypatch):
    monkeypatch.setattr(module, "MOST_ANSWERS", 10)
    budget = Budget(TIMES)
    for number in range(10):
        budget.answer(b"%d" % number)
    with pytest.raises(PacsPermanentError, match="more than 10 answers"):
        budget.answer(b"one more")
    monkeypatch.setattr(module, "MOST_ANSWERED", 1000)
    budget = Budget(TIMES)
    with pytest.raises(PacsPermanentError, match="MB of answers"):
        budget.answer(bytes(1001))


@given(st.lists(st.sampled_from(sorted(NO_PROGRESS)), min_size=1, max_size=5), st.floats(0.01, 9))
def test_any_mixture_of_what_is_no_progress_ends(kinds, every):
    clock, before = Clock(), module.time
    module.time = clock
    try:
        budget = Budget(TIMES)
        budget.instance("1.2")
        budget.answer(b"same")
        turn = iter(range(10**9))
        with pytest.raises(EndlessError):
            steps(clock, every, 500, lambda: (NO_PROGRESS[kinds[next(turn) % len(kinds)]](budget), budget.check()))
    finally:
        module.time = before


def test_a_tape_that_sends_pending_for_nine_minutes_and_then_images_passes_with_the_defaults(clock):
    budget, numbers = Budget(Timeouts()), iter(range(10**6))

    def pending():
        budget.spend(200)
        budget.whole()
        budget.check()

    def image():
        budget.coming(str(number := next(numbers)))
        budget.spend(500_000)
        budget.instance(str(number))
        budget.whole()

    for _ in range(3):
        assert steps(clock, 60, 540, pending) == 540
        image()


@pytest.mark.parametrize("rate", [250, 20_000])
def test_a_large_instance_on_a_slow_link_passes_with_the_defaults_also_on_another_association(clock, rate):
    waits = Budget(Timeouts(), lasting=False)
    reads = Budget(Timeouts(), lasting=True, alive=lambda: waits.comes("1.2"))
    reads.coming("1.2")
    assert steps(clock, 1, 10_000, lambda: (reads.spend(rate), waits.check())) == 10_000


def test_bytes_of_an_instance_that_came_are_no_progress_on_another_association_either(clock):
    waits = Budget(Timeouts())
    waits.instance("1.2")
    with pytest.raises(EndlessError, match="without sending anything new"):
        steps(clock, 1, 10_000, lambda: (waits.comes("1.2"), waits.check()))
