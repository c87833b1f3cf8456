"""A row whose series were not converted says so itself, and counts as done only where the project lets it."""

import json

import pytest
from openpyxl import load_workbook

from pacsflow.run.opening import open_session
from pacsflow.run.reporting.report import write_files
from pacsflow.run.reporting.row_outcomes import FINISHED, outcomes_of
from pacsflow.simpacs import phantom_archive
from whole_run import lying, project, run_once

NIFTI = [{"modality": "*", "converter": "dcm2niix"}]


@pytest.mark.parametrize(("policy", "status"), [("wanted", "complete"), ("required", "partial")])
def test_a_series_too_short_for_a_volume(tmp_path, policy, status):
    with lying(archive=phantom_archive(2, matrix=16, images=2)) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=2, export={"nifti": NIFTI, "conversion": policy})
        run_once(folder, pacs)
    with open_session(str(folder), action="run") as run:
        found = outcomes_of(run)
        write_files(run, found)
        reports = run.reports
    assert {one.status for one in found} == {status}
    assert (status in FINISHED) is (policy == "wanted")
    for one in found:
        assert "series not converted: too-few-slices" in one.reason
        assert one.reason.startswith(f"{len(one.series)} of {len(one.series)} series")
    page = (reports / "report.html").read_text()
    assert ">row 1</a> (r0), series" in page
    assert json.loads((reports / "run.json").read_text())["counts"]["series"]["not converted"]
    table = list(load_workbook(reports / "results.xlsx")["results"].iter_rows(values_only=True))
    assert all("not converted: too-few-slices" in str(line) for line in table[1:])


def test_without_a_rule_nothing_is_reported_of_conversion(tmp_path):
    with lying(archive=phantom_archive(1, matrix=16, images=2)) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1, export={"conversion": "required"})
        assert run_once(folder, pacs).rows == [("complete", "")]
