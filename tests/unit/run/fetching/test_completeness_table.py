"""The truth table of completeness, as its docstring has it: list, count, and the retrieval's own word."""

from collections import Counter

import pytest

from pacsflow.dicom.contract import Outcome
from pacsflow.dicom.status import SUCCESS
from pacsflow.ledger.studies import Instance, Series, Study
from pacsflow.run.fetching.completeness import Attempt, completeness_of

KNOWN = 3
RETRIEVALS = {"any": ("-", "3", "4", "failed"), "-": ("-",), "3": ("3",), "4": ("4",)}


def rows():
    """(listed, counted, retrieval, status, proof) of each row of the docstring; `any` retrieval is each of them."""
    lines = [line.strip() for line in (completeness_of.__doc__ or "").splitlines()]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    for listed, counted, retrieval, status, proof, _ in cells[2:]:
        for said in RETRIEVALS[retrieval]:
            yield listed, counted, said, status, proof


def told(listed, counted, retrieval, *, fewer="hold", expected=0):
    number = None if counted == "-" else int(counted)
    attributes = {} if number is None else {"NumberOfSeriesRelatedInstances": counted}
    series = Series("A", "1.A", attributes, number, wanted=True, reason="")
    statuses = ["held"] * (KNOWN - expected) + ["expected"] * expected
    found = [Instance("A", f"1.A.{n}", "CT", status) for n, status in enumerate(statuses)]
    attempt = Attempt(listed=Counter(A=int(listed.rstrip("+"))), received=KNOWN)
    attempt.uncertain = {"A"} if listed.endswith("+") else set()
    if retrieval == "failed":
        attempt.answers.append((frozenset("A"), Outcome(0xA702, completed=2, failed=1)))
    elif retrieval != "-":
        attempt.answers.append((frozenset("A"), Outcome(SUCCESS, completed=int(retrieval))))
    study = Study("s", "1", "p", {}, "found", "", listed=True, series=(series,))
    return completeness_of(study, found, attempt, fewer=fewer)


@pytest.mark.parametrize(("listed", "counted", "retrieval", "status", "proof"), list(rows()))
def test_each_row_of_the_table_holds(listed, counted, retrieval, status, proof):
    said = told(listed, counted, retrieval)
    assert (said.status, said.proof) == (status, proof), said.reason
    assert (said.error is None) == (status == "complete")


@pytest.mark.parametrize(("listed", "counted", "retrieval"), [row[:3] for row in rows()])
def test_one_that_is_expected_makes_each_row_incomplete(listed, counted, retrieval):
    assert told(listed, counted, retrieval, expected=1).status == "incomplete"


def test_the_table_has_each_kind_of_list_count_and_retrieval():
    listed, counted, retrieval = ({row[n] for row in rows()} for n in range(3))
    assert (listed, counted) == ({"2", "3", "3+"}, {"-", "3", "5"})
    assert retrieval >= {"-", "3", "4"}


def test_more_that_are_counted_are_a_remark_where_the_project_says_warn():
    said = told("3", "5", "3", fewer="warn")
    assert (said.status, said.proof) == ("complete", "uid")
    assert "counts more" in said.reason
