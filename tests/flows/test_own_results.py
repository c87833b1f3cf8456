"""Rows that share patients, studies and series: each tells of its own studies, series, images and folders alone."""

import csv
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory import make_instance, write_files
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.report import write_report
from pacsflow.simpacs.folder import folder_archive
from whole_run import lying, project, run_once

MODALITIES = ("CT", "MR", "SR")
STUDIES = {(person, visit) for person in ("ANNA", "BERT") for visit in (1, 2)}
CLASSES = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4", "SR": "1.2.840.10008.5.1.4.1.1.7"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Two persons of two studies each, of three series of one or two images."""
    made = [
        make_instance(
            PatientID=person, AccessionNumber=f"{person}{visit}", StudyDate=f"2020010{visit}", SeriesNumber=number,
            Modality=modality, InstanceNumber=image, SOPClassUID=CLASSES[modality],
        )
        for person, visit in sorted(STUDIES)
        for number, modality in enumerate(MODALITIES, 1)
        for image in range(1, 1 + number % 2 + 1)
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("own")
    write_files(made, folder)
    return folder_archive(folder)


rows = st.lists(
    st.builds(
        lambda person, visit, modality: {
            "PatientID": person,
            **({"AccessionNumber": f"{person}{visit}"} if visit else {}),
            **({"Modality": modality} if modality else {}),
        },
        st.sampled_from(["ANNA", "BERT"]),
        st.sampled_from([0, 1, 2]),
        st.sampled_from(["", "CT", "MR"]),
    ),
    min_size=2,
    max_size=5,
    unique_by=lambda row: tuple(sorted(row.items())),
)


def wanted(archive, row):
    """(study, series, image) that a row asks for, from the archive itself."""
    for study in archive.studies.values():
        if all(study.attributes[name] == row[name] for name in ("PatientID", "AccessionNumber") if name in row):
            for series in archive.series(study.uid):
                if series.attributes["Modality"] in (row.get("Modality"), *(() if "Modality" in row else MODALITIES)):
                    yield from (
                        (study.uid, series.attributes["SeriesInstanceUID"], one.uid) for one in series.instances
                    )


@settings(max_examples=6, deadline=None)
@given(rows)
def test_a_row_counts_and_lists_its_own_alone(archive, tmp_path_factory, asked):
    tmp_path = tmp_path_factory.mktemp("rows")
    asked = [{"id": f"r{number}", **row} for number, row in enumerate(asked)]
    with lying(archive=archive) as (pacs, node):
        folder = project(
            tmp_path, pacs, node, asked=asked, deid={"base": "none"}
        )  # fmt: skip
        run_once(folder, pacs)
        with open_session(str(folder), action="run") as run:
            write_report(run)
    with (tmp_path / "data" / "report" / "results.csv").open(encoding="utf-8-sig") as table:
        told = list(csv.DictReader(table))
    for row, one in zip(asked, told, strict=True):
        mine = set(wanted(archive, row))
        assert one["status"] == "complete"
        assert [int(one[name]) for name in ("studies", "series", "images expected", "images received")] == [
            *(len({each[:depth] for each in mine}) for depth in (1, 2)), len(mine), len(mine)
        ]  # fmt: skip
        assert images_below(tmp_path / "data" / "out", one["output"]) == {image for _, _, image in mine}


def images_below(out: Path, outputs: str) -> set[str]:
    """SOP Instance UIDs of what lies in the folders that a row names."""
    folders = [out / each.partition(": ")[2] for each in outputs.split("; ")]
    return {str(pydicom.dcmread(path).SOPInstanceUID) for folder in folders for path in folder.rglob("*.dcm")}
