"""header_table: a line per series of what the cleaned headers say, as CSV and Parquet, read back by pandas."""

import hashlib

import pandas as pd
import pytest
from pydicom import dcmread

from clock import TestClock
from pacsflow.ledger import studies
from pacsflow.refs import StudyRef
from pacsflow.run.opening import open_session
from pacsflow.run.removal import forget, taken_away
from pacsflow.run.reporting.report import write_report
from pacsflow.run.reporting.series_table import HEADINGS
from pacsflow.simpacs import phantom_archive
from tasks.steps import deliver_study, fetch_study
from whole_run import find_rows, lying, project

EXPORT = {"header_table": True, "nifti": [{"modality": "*"}]}


def run(folder):
    with open_session(str(folder), action="run", clock=TestClock()) as session:
        find_rows(session)
        for plan in studies.planned(session.ledger):
            fetch_study.fn(StudyRef(str(folder), plan.key))
            deliver_study.fn(StudyRef(str(folder), plan.key))
        write_report(session)
    return folder.parent / "data"


@pytest.fixture
def ran(tmp_path):
    with lying(archive=phantom_archive(3, matrix=16, images=6)) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=3, export=EXPORT)
        return folder, run(folder), pacs


def test_a_line_per_series_is_read_back_with_what_delivered_files_say(ran):
    _, data, pacs = ran
    table = pd.read_parquet(data / "report/series.parquet")
    read = pd.read_csv(data / "report/series.csv", dtype={name: str(kind) for name, kind in table.dtypes.items()})
    pd.testing.assert_frame_equal(table, read, check_exact=False)
    assert list(table.columns) == list(HEADINGS)
    delivered = {}
    for path in (data / "out").rglob("*.dcm"):
        delivered.setdefault(str(dcmread(path, stop_before_pixels=True).SeriesInstanceUID), []).append(path)
    assert set(table.series_uid) == set(delivered)
    for line in table.to_dict("records"):
        header = dcmread(delivered[line["series_uid"]][0], stop_before_pixels=True)
        assert (line["patient"], line["study_uid"], line["modality"]) == (
            header.PatientID, header.StudyInstanceUID, header.Modality)  # fmt: skip
        assert (line["rows"], line["columns"], line["images"], line["slices"]) == (16, 16, 6, 6)
        assert [line["spacing_row_mm"], line["spacing_column_mm"]] == list(header.PixelSpacing)
        assert (line["geometry"], line["converted"], line["volumes"]) == ("regular", "done", 1)
        [image] = [data / "out" / path.partition(": ")[2] for path in line["nifti_path"].split("; ")]
        assert hashlib.sha256(image.read_bytes()).hexdigest() == line["nifti_sha256"]
        assert data / "out" / line["dicom_path"].partition(": ")[2] == delivered[line["series_uid"]][0].parent
    text = (data / "report/series.csv").read_text()
    assert not [word for study in pacs.archive.studies.values() for word in (
        study.attributes["PatientID"], study.attributes["StudyInstanceUID"], study.attributes["PatientName"],
    ) if word in text]  # fmt: skip


def test_it_goes_with_the_study_and_with_the_wish(ran):
    folder, data, _ = ran
    with open_session(str(folder), action="plan") as session:
        key = studies.planned(session.ledger)[0].key
        assert (session.staging / key / "series.json").is_file()
        forget(session, key, taken_away(session, key))
        assert not (session.staging / key).exists()
        write_report(session)
    assert len(pd.read_parquet(data / "report/series.parquet")) == 2
    (folder / "export.yaml").write_text("{}")
    with open_session(str(folder), action="plan") as session:
        write_report(session)
    assert not list((data / "report").glob("series.*"))
