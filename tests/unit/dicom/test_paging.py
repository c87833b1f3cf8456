"""Pages of a query: whatever a service makes of limits, offsets and order, all answers come, or an error says not."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset

from pacsflow.dicom.web import paging
from pacsflow.dicom.web.paging import Page, Paging
from pacsflow.errors import PacsPermanentError, UnsureError


def answers(numbers):
    made = []
    for number in numbers:
        one = Dataset()
        one.StudyInstanceUID = f"1.2.{number}"
        made.append(one)
    return made


class Service:
    """`size` answers at most per page; `order`: fixed, random; `heeds` offsets; `tells` how many there are, and how."""

    def __init__(self, number, size, *, order="fixed", heeds=True, tells="", seed=0):
        self.number, self.size, self.order, self.heeds, self.tells = number, size, order, heeds, tells
        self.random, self.asked = random.Random(seed), 0

    def __call__(self, begin):
        self.asked += 1
        every = list(range(self.number))
        if self.order == "random":
            self.random.shuffle(every)
        begin = begin if self.heeds else 0
        given = every[begin : begin + self.size]
        left = max(0, self.number - begin - self.size)
        return Page(answers(given), self.tells == "206" and left > 0, self.number if self.tells == "total" else None)


def found(service, **known):
    return [str(one.StudyInstanceUID) for page in Paging(service, "StudyInstanceUID", **known).pages() for one in page]


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 60),
    st.integers(1, 70),
    st.sampled_from(["fixed", "random"]),
    st.booleans(),
    st.sampled_from(["", "206", "total"]),
    st.integers(0, 1000),
)
def test_all_answers_come_or_an_error_says_that_some_may_be_missing(number, size, order, heeds, tells, seed):
    size = max(size, 3) if order == "random" else size
    service = Service(number, size, order=order, heeds=heeds, tells=tells, seed=seed)
    try:
        came = found(service)
    except UnsureError:
        came = None
    if came is None:
        assert order == "random" or not heeds, "nothing is doubted where pages are right"
        return
    assert len(came) == len(set(came))
    if heeds or size >= number or tells:
        assert sorted(came) == sorted(f"1.2.{n}" for n in range(number))
    else:
        assert order == "random" or len(came) == size, "as many as one query gives: its limit, judged by who asks"


def test_an_order_that_changes_is_asked_for_until_all_have_come():
    assert len(found(Service(300, 25, order="random"))) == 300


def test_answers_that_come_twice_in_the_same_order_are_no_change():
    def service(begin):
        return Page(answers([0, 1, 2, 3, 1, 4, 5][begin : begin + 3]))

    assert len(found(service)) == 6


@pytest.mark.parametrize(("number", "asked"), [(1, 1), (3, 1)])
def test_what_was_named_and_came_needs_no_second_page(number, asked):
    service = Service(number, 100)
    assert len(found(service, enough=number)) == number
    assert service.asked == asked


def test_a_count_ends_the_pages():
    service = Service(50, 25, tells="total")
    assert len(found(service)) == 50
    assert service.asked == 2


def test_pages_without_end_end(monkeypatch):
    monkeypatch.setattr(paging, "MOST_PAGES", 50)
    with pytest.raises(PacsPermanentError, match="without end") as caught:
        found(lambda begin: Page(answers(range(begin, begin + 10))))
    assert caught.value.answers == 510


def test_more_that_was_promised_and_does_not_come_is_an_error():
    with pytest.raises(UnsureError, match="more than the 10 answers"):
        found(lambda begin: Page(answers(range(10)) if not begin else [], more=not begin))
