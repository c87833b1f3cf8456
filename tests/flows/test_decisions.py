"""Persons decide: held rows, plans that wait; and a changed key or profile is noticed before anything is done."""

import csv
import json
import os
import subprocess
import sys

import pytest
from openpyxl import load_workbook
from pydicom import dcmread

from csv_lines import lines
from pacsflow.simpacs import SimPacs, demo_archive
from peers.ports import free_port
from project_folder import KEY, write_project


@pytest.fixture
def pacs():
    with SimPacs(demo_archive()) as simulator:
        yield simulator


def twice(archive):
    """An accession number that two studies have."""
    numbers = [s.attributes["AccessionNumber"] for s in archive.studies.values()]
    return next(n for n in numbers if numbers.count(n) > 1)


def project(tmp_path, pacs, **files):
    rows = [{"id": "two", "AccessionNumber": twice(pacs.archive)}]
    return write_project(tmp_path / "p", pacs={"port": pacs.port, "called_aet": pacs.aet}, rows=rows, **files)


def results(tmp_path):
    return lines(tmp_path / "data" / "report" / "results.csv")


def held(tmp_path):
    return lines(tmp_path / "data" / "report" / "plan-held.csv")


def test_a_held_row_is_fetched_after_a_person_said_which_study_is_meant(prefect, pacs, tmp_path):
    folder = project(tmp_path, pacs)
    assert "rows held" in prefect.pacsflow_here("plan", str(folder))
    prefect.pacsflow_here("run", str(folder), expect=1)
    assert pacs.counts["gets"] == 0
    [row] = results(tmp_path)
    assert row["status"] == "held"
    assert "one accession number, 2 studies" in row["reason"]
    first, second = held(tmp_path)
    assert first["study"] != second["study"]
    listed = prefect.pacsflow_here("settle", str(folder))
    assert "row 1" in listed
    assert all(study["study"] in listed for study in (first, second))
    prefect.pacsflow_here("settle", str(folder), "two", "--take", first["study"])
    assert "no row is held" in prefect.pacsflow_here("settle", str(folder))
    prefect.pacsflow_here("run", str(folder))
    [row] = results(tmp_path)
    assert (row["status"], row["studies"]) == ("complete", "1")


def test_a_dropped_row_is_done(prefect, pacs, tmp_path):
    folder = project(tmp_path, pacs)
    prefect.pacsflow_here("plan", str(folder))
    prefect.pacsflow_here("settle", str(folder), "two", "--drop")
    prefect.pacsflow_here("run", str(folder))
    assert results(tmp_path)[0]["status"] == "dropped"
    assert pacs.counts["gets"] == 0


def test_the_plans_workbook_comes_back_with_decisions(prefect, pacs, tmp_path):
    folder = project(tmp_path, pacs)
    prefect.pacsflow_here("plan", str(folder))
    path = tmp_path / "data" / "report" / "plan.xlsx"
    book = load_workbook(path)
    sheet = book["held"]
    column = [cell.value for cell in sheet[1]].index("decision") + 1
    sheet.cell(2, column, "take")
    sheet.cell(3, column, "drop")
    book.save(tmp_path / "decided.xlsx")
    prefect.pacsflow_here("settle", str(folder), "--workbook", str(tmp_path / "decided.xlsx"))
    prefect.pacsflow_here("run", str(folder))
    assert (results(tmp_path)[0]["status"], pacs.counts["gets"]) == ("complete", 1)


def test_settling_what_is_not_there_says_what_is(prefect, pacs, tmp_path):
    folder = project(tmp_path, pacs)
    assert "no row is held" in prefect.pacsflow_here("settle", str(folder), "two", "--drop", expect=2)
    prefect.pacsflow_here("plan", str(folder))
    assert "held are row 1" in prefect.pacsflow_here("settle", str(folder), "three", "--drop", expect=2)
    said = prefect.pacsflow_here("settle", str(folder), "two", "--take", "1.2.3", expect=2)
    assert held(tmp_path)[0]["study"] in said
    assert "--take STUDY" in prefect.pacsflow_here("settle", str(folder), "two", expect=2)


def test_a_run_waits_until_its_plan_is_approved_and_waits_again_when_the_plan_changes(prefect, pacs, tmp_path):
    uids = sorted(pacs.archive.studies)
    node = {"port": pacs.port, "called_aet": pacs.aet}
    rows = [{"id": uid[-6:], "StudyInstanceUID": uid} for uid in uids[:2]]
    settings = {"approval": {"above": {"studies": 0}}}
    folder = write_project(tmp_path / "p", pacs=node, rows=rows[:1], project=settings)
    assert "waits for approval" in prefect.pacsflow_here("run", str(folder), expect=1)
    assert pacs.counts["gets"] == 0
    assert "1 study" in prefect.pacsflow_here("approve", str(folder))
    prefect.pacsflow_here("run", str(folder))
    asked = pacs.counts["gets"]
    assert asked == 1
    write_project(folder, pacs=node, rows=rows, project=settings)
    prefect.pacsflow_here("run", str(folder), expect=1)
    assert pacs.counts["gets"] == asked
    write_project(folder, pacs=node, rows=rows, project={"approval": {"above": {"studies": 10}}})
    prefect.pacsflow_here("run", str(folder))
    assert pacs.counts["gets"] > asked


def test_another_key_and_another_profile_are_noticed_before_anything_is_done(prefect, pacs, tmp_path):
    uid = min(pacs.archive.studies)
    node, rows = {"port": pacs.port, "called_aet": pacs.aet}, [{"id": "a", "StudyInstanceUID": uid}]
    folder = write_project(tmp_path / "p", pacs=node, rows=rows)
    prefect.pacsflow_here("run", str(folder))
    before = pacs.counts.copy()
    (tmp_path / "key").write_text("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752")
    assert "key is not the one" in prefect.pacsflow_here("run", str(folder), expect=4)
    assert "key is not the one" in prefect.pacsflow_here("status", str(folder), expect=4)
    write_project(folder, pacs=node, rows=rows, deid={"options": ["retain-device-identity"]})
    assert "deid.yaml says something else" in prefect.pacsflow_here("run", str(folder), expect=5)
    assert pacs.counts == before
    (tmp_path / "key").unlink()
    assert "${file:" in prefect.pacsflow_here("run", str(folder), expect=3)


def test_the_link_table_needs_the_key(prefect, pacs, tmp_path):
    study = next(iter(pacs.archive.studies.values()))
    node, rows = {"port": pacs.port, "called_aet": pacs.aet}, [{"id": "a", "StudyInstanceUID": study.uid}]
    folder = write_project(tmp_path / "p", pacs=node, rows=rows, deid={"patient": {"prefix": "X-"}})
    prefect.pacsflow_here("run", str(folder))
    out = tmp_path / "links.csv"
    said = prefect.pacsflow_here("vault", "export", str(folder), "--out", str(out))
    assert "1 patient written" in said
    [link] = lines(out)
    assert link["patient_id"] == study.attributes["PatientID"]
    assert link["pseudonym"].startswith("X-")
    assert out.stat().st_mode & 0o077 == 0
    assert list((tmp_path / "data" / "out").glob(f"sub-{link['pseudonym'].replace('-', '_')}*"))
    (tmp_path / "key").write_text("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752")
    assert "key is not the one this ledger was begun with" in prefect.pacsflow_here(
        "vault", "export", str(folder), "-o", str(out), expect=4
    )


def test_raw_mode_writes_bytes_as_received_and_says_so(prefect, pacs, tmp_path):
    study = next(iter(pacs.archive.studies.values()))
    node, rows = {"port": pacs.port, "called_aet": pacs.aet}, [{"id": "a", "StudyInstanceUID": study.uid}]
    folder = write_project(tmp_path / "p", pacs=node, rows=rows)
    (folder / "deid.yaml").write_text(json.dumps({"base": "none"}))
    assert "IDENTIFIABLE" in prefect.pacsflow_here("run", str(folder))
    delivered = {path.stem: path.read_bytes() for path in (tmp_path / "data" / "out").rglob("*.dcm")}
    sent = {i.uid: i.encoded() for series in pacs.archive.series(study.uid) for i in series.instances}
    assert delivered.keys() == sent.keys()
    assert all(delivered[uid].endswith(data) for uid, data in sent.items())
    assert "IDENTIFIABLE" in (tmp_path / "data" / "report" / "report.html").read_text().upper()


def test_another_conversion_is_delivered_without_fetching_and_takes_the_old_one_away(prefect, pacs, tmp_path):
    study = next(s for s in pacs.archive.studies.values() if s.attributes["ModalitiesInStudy"] == "MR")
    node, rows = {"port": pacs.port, "called_aet": pacs.aet}, [{"id": "a", "StudyInstanceUID": study.uid}]
    export = {"nifti": [{"modality": "MR", "converter": "dcm2niix"}]}
    folder = write_project(tmp_path / "p", pacs=node, rows=rows, export=export)
    prefect.pacsflow_here("run", str(folder))
    asked, out = pacs.counts.copy(), tmp_path / "data" / "out"
    assert list(out.rglob("*.nii.gz"))
    write_project(folder, pacs=node, rows=rows)
    prefect.pacsflow_here("run", str(folder))
    assert not list(out.rglob("*.nii.gz"))
    assert list(out.rglob("*.dcm"))
    assert pacs.counts == asked


def test_the_series_sheet_has_what_only_images_answer_when_asked_for(prefect, orthanc, shared_data, tmp_path):
    files = sorted((shared_data / "dcm_qa_nih" / "In" / "20180918Si").rglob("*.dcm"))
    orthanc.load(files)
    uid = str(dcmread(files[0], stop_before_pixels=True).StudyInstanceUID)
    node, rows = {"port": orthanc.port, "called_aet": orthanc.aet}, [{"id": "a", "StudyInstanceUID": uid}]
    folder = write_project(tmp_path / "p", pacs=node, rows=rows)
    prefect.pacsflow_here("plan", str(folder), "--info")
    series = lines(tmp_path / "data" / "report" / "plan-series.csv")
    assert len(series) == 4
    assert all(line["ImageType"] and line["SequenceName"] for line in series)


def test_a_node_that_does_not_answer_ends_the_run_at_once_with_what_to_do(prefect, tmp_path):
    rows = [{"id": f"r{n}", "PatientID": f"EX{n}"} for n in range(50)]
    folder = write_project(tmp_path / "p", pacs={"port": free_port(), "called_aet": "NOBODY"}, rows=rows)
    said = prefect.pacsflow_here("run", str(folder), expect=6)
    assert "fix:" in said
    assert "EX1" not in said
    assert "rows" in prefect.pacsflow_here("status", str(folder))


def test_a_key_may_be_a_secret_block_of_prefect(prefect, pacs, tmp_path):
    folder = project(tmp_path, pacs, deid={"key": "${prefect:demo-key}"})
    assert "no such Secret block" in prefect.pacsflow_here("status", str(folder), expect=3)
    code = f"from prefect.blocks.system import Secret; Secret(value={KEY!r}).save('demo-key')"
    environment = {**os.environ, **prefect.environment(prefect.folder), "PREFECT_API_URL": prefect.url}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
    prefect.pacsflow_here("status", str(folder))
    assert "${prefect:demo-key}, found" in prefect.pacsflow_here("validate", str(folder))


def two_of_one_number(pacs, tmp_path, names):
    """Rows that each hit the same two studies; a person may mean another of them in each row."""
    rows = [{"id": name, "AccessionNumber": twice(pacs.archive)} for name in names]
    return write_project(tmp_path / "p", pacs={"port": pacs.port, "called_aet": pacs.aet}, rows=rows)


def decide(tmp_path, label, decisions):
    """The plan's `held` with decisions in the lines of one row, saved as CSV."""
    filled = held(tmp_path)
    for line, decision in zip([line for line in filled if line["id"] == label], decisions, strict=True):
        line["decision"] = decision
    path = tmp_path / "decided.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(filled[0]))
        table.writeheader()
        table.writerows(filled)
    return path


@pytest.mark.parametrize("change", [lambda rows: rows[::-1], lambda rows: [{"id": "new", "PatientID": "0"}, *rows]])
def test_a_workbook_from_before_a_reorder_settles_the_row_it_means(prefect, pacs, tmp_path, change):
    folder = two_of_one_number(pacs, tmp_path, ["one", "other"])
    prefect.pacsflow_here("plan", str(folder))
    decided = decide(tmp_path, "one", ["drop", "drop"])
    asked = json.loads((folder / "query.yaml").read_text())["rows"]
    (folder / "query.yaml").write_text(json.dumps({"rows": change(asked)}))
    prefect.pacsflow_here("plan", str(folder))
    prefect.pacsflow_here("settle", str(folder), "--workbook", str(decided))
    prefect.pacsflow_here("plan", str(folder))
    assert {line["id"] for line in held(tmp_path)} == {"other"}


def test_a_workbook_without_keys_is_refused_where_its_row_is_not_certain(prefect, pacs, tmp_path):
    folder = two_of_one_number(pacs, tmp_path, ["one", "other"])
    prefect.pacsflow_here("plan", str(folder))
    decided = decide(tmp_path, "one", ["drop", "drop"])
    decided.write_text(decided.read_text().replace("row key", "former"))
    told = prefect.pacsflow_here("settle", str(folder), "--workbook", str(decided), expect=2)
    assert "row 1 of the workbook may be any of 2 rows" in told


def test_a_workbook_of_a_row_that_left_the_table_settles_none(prefect, pacs, tmp_path):
    folder = two_of_one_number(pacs, tmp_path, ["one", "other"])
    prefect.pacsflow_here("plan", str(folder))
    decided = decide(tmp_path, "one", ["drop", "drop"])
    asked = json.loads((folder / "query.yaml").read_text())["rows"]
    (folder / "query.yaml").write_text(json.dumps({"rows": asked[1:]}))
    prefect.pacsflow_here("plan", str(folder))
    told = prefect.pacsflow_here("settle", str(folder), "--workbook", str(decided), expect=2)
    assert "does not have any more" in told
