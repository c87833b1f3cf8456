"""How often a run reads the ledger for what is left: before it fetches, and after."""

import pytest

from pacsflow.run import remaining
from whole_run import lying, project, run_once


@pytest.fixture
def readings(monkeypatch):
    """The number of studies left that each reading gave."""
    found, read = [], remaining.left_to_do

    def counted(*words):
        left = read(*words)
        found.append(len(left))
        return left

    monkeypatch.setattr(remaining, "left_to_do", counted)
    return found


def test_a_run_reads_what_is_left_before_and_after_its_work_and_once_where_there_is_none(tmp_path, readings):
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node)
        assert run_once(folder, pacs).rows == [("complete", "")] * 2
        assert readings == [2, 0]
        readings.clear()
        assert run_once(folder, pacs).retrievals == 0
        assert readings == [0]
