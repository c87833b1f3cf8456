"""Work is done in order while more is added, in bounded memory, and no error is lost."""

import threading

import pytest

from pacsflow.run.fetching.work_queue import WorkQueue


def test_work_is_done_in_its_order_by_one_thread_and_is_done_at_the_end():
    done = []
    queue = WorkQueue(100)
    for number in range(50):
        queue.add(30, lambda number=number: done.append((number, threading.get_ident())))
    queue.drain()
    assert [number for number, _ in done] == list(range(50))
    [thread] = {thread for _, thread in done}
    assert thread != threading.get_ident()
    queue.close()


def test_adding_more_than_there_is_room_for_waits():
    begun, go, added = threading.Event(), threading.Event(), []
    queue = WorkQueue(100)

    def bring():
        for size in (60, 40, 1):
            queue.add(size, lambda: begun.set() or go.wait())
            added.append(size)

    bringer = threading.Thread(target=bring)
    bringer.start()
    assert begun.wait(60)
    bringer.join(0.2)
    assert added in ([60], [60, 40])
    go.set()
    bringer.join()
    queue.close()
    assert added == [60, 40, 1]


def test_a_piece_larger_than_all_the_room_is_taken_alone():
    done = []
    queue = WorkQueue(100)
    for size in (1000, 10, 1000):
        queue.add(size, lambda size=size: done.append(size))
    queue.close()
    assert done == [1000, 10, 1000]


def test_an_error_comes_back_and_what_stands_behind_it_is_not_done():
    done = []

    def fails():
        raise ValueError

    queue = WorkQueue(100)
    queue.add(1, fails)
    with pytest.raises(ValueError):  # noqa: PT011
        queue.drain()
    for _ in range(3):  # and nobody waits for room that no work will make
        with pytest.raises(ValueError):  # noqa: PT011
            queue.add(60, lambda: done.append(1))
    with pytest.raises(ValueError):  # noqa: PT011
        queue.close()
    assert done == []
