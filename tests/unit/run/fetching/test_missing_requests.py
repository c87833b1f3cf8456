"""What is still to be asked for of a study: series whole, single instances, SOP classes."""

import pytest

from pacsflow.ledger.studies import Instance, Series, Study
from pacsflow.run.fetching.completeness import Attempt
from pacsflow.run.fetching.requests import Missing


def series(key, counted):
    return Series(key, f"1.{key}", {"NumberOfSeriesRelatedInstances": str(counted)}, counted, wanted=True, reason="")


def study(*members, status="incomplete", listed=True):
    return Study("s", "1", "p", {}, status, "", listed, members)


def instances(key, held, expected):
    return [
        *(Instance(key, f"{key}{n}", "CT", "held") for n in range(held)),
        *(Instance(key, f"{key}{n}", "CT") for n in range(held, held + expected)),
    ]


def asked(missing, attempt=None, named=frozenset()):
    return [(r.series_uids, r.sop_uids) for _, r in missing.requests(attempt or Attempt(), named)]


A, B, C, D = (series(key, 3) for key in "ABCD")


def test_the_table_of_the_docstring_is_what_is_asked_for():
    known = [*instances("A", 0, 3), *instances("B", 2, 1), *instances("C", 2, 0), *instances("D", 3, 0)]
    assert asked(Missing(study(A, B, C, D), known)) == [(("1.A", "1.C"), ()), (("1.B",), ("B2",))]


@pytest.mark.parametrize(("listed", "uids"), [(True, ()), (False, ("1.A", "1.B"))])
def test_a_study_of_which_nothing_came_is_asked_for_as_one_where_all_its_series_are_known(listed, uids):
    known = [*instances("A", 0, 3), *instances("B", 0, 3)]
    assert asked(Missing(study(A, B, listed=listed), known)) == [(uids, ())]


def test_an_uncertain_list_is_believed_where_the_node_counts_the_very_number():
    known = [*instances("A", 3, 0), *instances("B", 2, 0)]
    two = study(A, series("B", 2), series("C", 1))
    assert asked(Missing(two, [*known, *instances("C", 1, 0)]), Attempt(uncertain={"A", "B"})) == []
    unsaid = study(A, Series("B", "1.B", {}, None, wanted=True, reason=""))
    assert asked(Missing(unsaid, known), Attempt(uncertain={"A", "B"})) == [(("1.B",), ())]


def test_another_node_is_asked_for_what_it_offers_alone():
    known = [*instances("A", 1, 2), *instances("C", 2, 0)]
    assert asked(Missing(study(A, C), known, offered={"A1", "X"})) == [(("1.A",), ("A1",))]
    assert asked(Missing(study(A, C), known, offered=set())) == []


def test_a_node_that_knows_single_images_only_is_never_asked_for_a_series():
    known = [*instances("A", 0, 2), *instances("C", 2, 0)]
    assert asked(Missing(study(A, C), known, listed_only=True)) == [(("1.A",), ("A0", "A1"))]


@pytest.mark.parametrize(
    ("status", "told", "named", "classes"),
    [
        ("incomplete", {"B2": "MR"}, (), {"MR"}),
        ("incomplete", {}, (), {"CT"}),
        ("found", {}, ("PT",), {"CT"}),
    ],
)
def test_the_classes_are_those_of_what_is_missing(status, told, named, classes):
    missing = Missing(study(B, status=status), instances("B", 2, 1))
    [(_, request)] = missing.requests(Attempt(classes=told), frozenset(named))
    assert request.sop_classes == classes


@pytest.mark.parametrize(("status", "classes"), [("found", {"PT"}), ("incomplete", set())])
def test_classes_that_no_list_names_are_those_the_node_names_in_a_study_of_which_nothing_came(status, classes):
    missing = Missing(study(B, status=status), [Instance("B", "B0"), Instance("B", "B1"), Instance("B", "B2")])
    [(_, request)] = missing.requests(Attempt(), frozenset({"PT"}))
    assert request.sop_classes == classes


def test_where_it_is_not_known_what_is_missing_its_classes_are_not_known():
    [(_, request)] = Missing(study(C), instances("C", 1, 1)).requests(Attempt(), frozenset())
    assert request.sop_classes == frozenset()
