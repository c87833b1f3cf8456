"""How long images that a C-MOVE counted are waited for: as long as they may come, and no longer."""

import pytest

from pacsflow.dicom.contract import Received
from pacsflow.dicom.dimse import retrieve, storage
from pacsflow.dicom.dimse.channel import Incoming
from pacsflow.dicom.dimse.storage import Waiting

IMAGE = Incoming(Received("1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2.840.10008.1.2.1", b""), 1, 1)


class Clock:
    """A clock that goes on by sleeping only; at each of `moments` an image comes for `waiting`."""

    def __init__(self) -> None:
        self.now, self.moments, self.waiting = 1000.0, [], None

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        if self.moments and self.now >= self.moments[0]:
            self.moments.pop(0)
            self.waiting.take(IMAGE)

    def lane(self, sink=lambda _: 0, *, connected):
        self.waiting = Waiting("PACSFLOW", "1.2", sink, lambda: connected, last=self.now)
        return self.waiting


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(retrieve, "time", clock)
    monkeypatch.setattr(storage, "time", clock)
    return clock


@pytest.mark.parametrize(("connected", "seconds"), [(True, 10), (False, 2)])
def test_the_wait_is_short_where_no_association_is_open(clock, connected, seconds):
    retrieve._stragglers(clock.lane(connected=connected), 1, patience=10)
    assert clock.now - 1000 == pytest.approx(seconds, abs=0.1)


def test_each_image_that_comes_late_is_waited_for_as_long_as_the_first(clock):
    clock.moments = [1001.5, 1003.0, 1004.5]
    waiting = clock.lane(connected=False)
    retrieve._stragglers(waiting, 3, patience=10)
    assert waiting.received == 3
    assert clock.now == pytest.approx(1004.5, abs=0.1)


def test_nothing_is_waited_for_where_all_came(clock):
    retrieve._stragglers(clock.lane(connected=True), 0, patience=10)
    assert clock.now == 1000


def test_a_fault_of_ours_is_raised(clock):
    def broken(_):
        raise OSError("full")

    waiting = clock.lane(broken, connected=True)
    waiting.take(IMAGE)
    with pytest.raises(OSError, match="full"):
        retrieve._stragglers(waiting, 1, patience=10)
