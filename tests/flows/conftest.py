"""What whole runs are compared with."""

import pytest

from whole_run import IMAGES, lying, project, run_once


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """What the first two studies come to when nothing goes wrong."""
    with lying() as (pacs, node):
        told = run_once(project(tmp_path_factory.mktemp("honest"), pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert len(told.out) == 2 * IMAGES
    return told.out
