"""How a Request becomes C-GET or C-MOVE requests."""

import pytest
from pydicom import Dataset

from pacsflow.dicom.contract import Outcome, Request
from pacsflow.dicom.dimse.retrieve import UIDS_PER_REQUEST, retrieve
from pacsflow.dicom.itemized import by_instance
from pacsflow.errors import PacsPermanentError, PacsTransientError

STUDY, SERIES = "1.2", "1.2.3"
MANY = tuple(f"1.2.3.{last}" for last in range(UIDS_PER_REQUEST + 50))


def named(keyword, uid):
    answer = Dataset()
    setattr(answer, keyword, uid)
    return answer


class Node:
    """Notes what it is asked; `refuse` may raise for a list of UIDs."""

    def __init__(self, refuse=lambda uids: None, silent_on_lists=False):
        self.asked = []
        self.refuse, self.silent_on_lists = refuse, silent_on_lists

    def __call__(self, level, keys):
        keyword = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}[level]
        uids = keys[keyword].split("\\")
        self.asked.append((level, uids))
        self.refuse(uids)
        return Outcome(0, completed=0 if self.silent_on_lists and len(uids) > 1 else len(uids))


def refuse_lists(uids):
    if len(uids) > 1:
        raise PacsPermanentError("lists", status=0xA900)


def test_long_lists_go_in_pieces_that_fit_an_element():
    node = Node()
    outcome = retrieve(Request(STUDY, (SERIES,), MANY), node)
    assert [len(uids) for _, uids in node.asked] == [UIDS_PER_REQUEST, 50]
    assert (outcome.completed, outcome.requests) == (len(MANY), 2)
    assert UIDS_PER_REQUEST * 65 < 0xFFFE


@pytest.mark.parametrize("node", [Node(refuse_lists), Node(silent_on_lists=True)])
def test_one_by_one_where_lists_are_refused_or_ignored(node):
    outcome = retrieve(Request(STUDY, ("1.2.3", "1.2.4")), node)
    assert [uids for _, uids in node.asked] == [["1.2.3", "1.2.4"], ["1.2.3"], ["1.2.4"]]
    assert outcome.completed == 2


def test_one_instance_that_is_gone_does_not_keep_back_the_others():
    def refuse(uids):
        if len(uids) > 1 or uids == ["1.2.3.1"]:
            raise PacsPermanentError("gone", status=0x0112)

    outcome = retrieve(Request(STUDY, (SERIES,), ("1.2.3.1", "1.2.3.2")), Node(refuse))
    assert (outcome.status, outcome.completed, outcome.failed) == (0x0112, 1, 1)


def test_nothing_given_at_all_is_an_error():
    def refuse(_uids):
        raise PacsPermanentError("no", status=0xA900)

    with pytest.raises(PacsPermanentError):
        retrieve(Request(STUDY, (SERIES,), ("1.2.3.1", "1.2.3.2")), Node(refuse))


def test_one_instance_that_the_node_is_unable_to_give_does_not_keep_back_the_others():
    def refuse(uids):
        if len(uids) > 1 or uids == ["1.2.3.1"]:
            raise PacsTransientError("unable", status=0xC000)

    outcome = retrieve(Request(STUDY, (SERIES,), ("1.2.3.1", "1.2.3.2")), Node(refuse))
    assert (outcome.status, outcome.completed, outcome.failed) == (0xC000, 1, 1)


@pytest.mark.parametrize(("status", "asked"), [(0xC000, 3), (0xA700, 1)])
def test_a_node_that_is_unable_to_give_anything_is_not_asked_for_everything(status, asked):
    def refuse(uids):
        raise (PacsPermanentError("lists", status=0xA900) if len(uids) > 1 else PacsTransientError("no", status=status))

    node = Node(refuse)
    with pytest.raises(PacsTransientError):
        retrieve(Request(STUDY, (SERIES,), MANY[:20]), node)
    assert len(node.asked) == 1 + asked


def test_a_series_that_is_refused_does_not_keep_back_the_others():
    answers = {"SERIES": {"1.2.3", "1.2.4"}, "IMAGE": {"1.2.3.1"}}
    keywords = {"SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}

    def find(level, _keys):
        return [named(keywords[level], uid) for uid in answers[level]]

    def fetch(request):
        if request.series_uids == ("1.2.3",):
            raise PacsPermanentError("never", status=0x0117)
        return Outcome(0, completed=len(request.sop_uids))

    outcome = by_instance(Request(STUDY), find, fetch)
    assert (outcome.status, outcome.completed, outcome.failed) == (0x0117, 1, 1)


def test_a_cut_connection_is_not_asked_again_one_by_one():
    def refuse(_uids):
        raise PacsTransientError("cut")

    node = Node(refuse)
    with pytest.raises(PacsTransientError):
        retrieve(Request(STUDY, ("1.2.3", "1.2.4")), node)
    assert len(node.asked) == 1
