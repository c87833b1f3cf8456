"""Pseudonyms from elsewhere, through whole runs."""

import pytest

from csv_lines import lines
from pacsflow.simpacs import SimPacs, demo_archive
from project_folder import write_project


@pytest.mark.parametrize("source", ["table", "column", "sequential"])
def test_a_run_uses_the_pseudonyms_of_its_source(prefect, tmp_path, source):
    with SimPacs(demo_archive()) as pacs:
        study = next(iter(pacs.archive.studies.values()))
        (tmp_path / "ids.csv").write_text(f"{study.attributes['PatientID']},P-000001\n")
        more = {"table": {"file": str(tmp_path / "ids.csv")}, "column": {"column": "new_ids"}}
        patient = {"source": source, **more.get(source, {"prefix": "P-"})}
        row = {"id": "a", "StudyInstanceUID": study.uid} | ({"new_ids": "P-000001"} if source == "column" else {})
        node = {"port": pacs.port, "called_aet": pacs.aet}
        folder = write_project(tmp_path / "p", pacs=node, rows=[row], deid={"patient": patient})
        prefect.pacsflow_here("validate", str(folder))
        prefect.pacsflow_here("run", str(folder))
        asked = pacs.counts["gets"]
        prefect.pacsflow_here("run", str(folder))
        assert pacs.counts["gets"] == asked
    [told] = lines(tmp_path / "data" / "report" / "results.csv")
    assert (told["status"], told["pseudonym"]) == ("complete", "P-000001")
    assert list((tmp_path / "data" / "out").glob("sub-P_000001*"))
