"""What libraries think of a corrupt header would repeat its values: nothing of it is shown."""

import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from pacsflow.deid.encoding.part10 import file_head
from project_folder import write_project
from unit.deid.instances import ct, encoded

PACSFLOW = Path(sys.executable).parent / "pacsflow"


@pytest.fixture
def scans(tmp_path):
    """Files that name the patient where a character set should stand: one for the fast path, one that pydicom reads."""
    folder = tmp_path / "scans"
    folder.mkdir()
    ds: Dataset = ct()
    ds.PatientComments = "née Müller"
    raw = bytes(encoded(ds).dataset).replace(b"ISO_IR 192", b"QUISTGAARD")
    for name, syntax in (("fast", "1.2.840.10008.1.2.1"), ("slow", "1.2.840.10008.1.2.1.99")):
        packed = zlib.compress(raw, wbits=-15) if name == "slow" else raw
        (folder / name).write_bytes(file_head(ds.SOPClassUID, ds.SOPInstanceUID, syntax) + packed)
    return folder


@pytest.mark.parametrize("name", ["fast", "slow"])
def test_the_files_are_some_that_pydicom_talks_about(scans, name):
    with pytest.warns(UserWarning, match="QUISTGAARD"):
        dcmread(scans / name)


def test_no_value_of_a_corrupt_header_is_repeated_beside_what_a_command_says(tmp_path, scans):
    folder = write_project(tmp_path / "p", pacs={"port": 1, "called_aet": "X"}, rows=[{"id": "a", "PatientID": "1"}])
    profile = folder / "deid.yaml"
    for words in (["explain", profile, scans / "slow"], ["deid", scans, tmp_path / "out", "--profile", profile]):
        process = subprocess.run([PACSFLOW, *words], capture_output=True, text=True, check=True)
        assert process.stderr == ""
        assert words[0] == "explain" or "quistgaard" not in process.stdout.casefold()
