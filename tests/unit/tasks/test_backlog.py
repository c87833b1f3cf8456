"""Work is done in its order behind whoever brings it, in bounded memory, and no error is lost."""

import threading

import pytest

from tasks.backlog import Backlog


def test_work_is_done_in_its_order_by_one_thread_and_is_done_at_the_end():
    done = []
    backlog = Backlog(100)
    for number in range(50):
        backlog.add(30, lambda number=number: done.append((number, threading.get_ident())))
    backlog.drain()
    assert [number for number, _ in done] == list(range(50))
    [thread] = {thread for _, thread in done}
    assert thread != threading.get_ident()
    backlog.close()


def test_who_brings_more_than_there_is_room_for_waits():
    begun, go, added = threading.Event(), threading.Event(), []
    backlog = Backlog(100)

    def bring():
        for size in (60, 40, 1):
            backlog.add(size, lambda: begun.set() or go.wait())
            added.append(size)

    bringer = threading.Thread(target=bring)
    bringer.start()
    assert begun.wait(60)
    bringer.join(0.2)
    assert added in ([60], [60, 40])
    go.set()
    bringer.join()
    backlog.close()
    assert added == [60, 40, 1]


def test_a_piece_larger_than_all_the_room_is_taken_alone():
    done = []
    backlog = Backlog(100)
    for size in (1000, 10, 1000):
        backlog.add(size, lambda size=size: done.append(size))
    backlog.close()
    assert done == [1000, 10, 1000]


def test_an_error_comes_back_and_what_stands_behind_it_is_not_done():
    done = []

    def fails():
        raise ValueError

    backlog = Backlog(100)
    backlog.add(1, fails)
    with pytest.raises(ValueError):  # noqa: PT011
        backlog.drain()
    for _ in range(3):  # and nobody waits for room that no work will make
        with pytest.raises(ValueError):  # noqa: PT011
            backlog.add(60, lambda: done.append(1))
    with pytest.raises(ValueError):  # noqa: PT011
        backlog.close()
    assert done == []
