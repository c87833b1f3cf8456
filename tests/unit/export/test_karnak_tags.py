"""Private elements for Karnak, spliced into files, and `pacsflow karnak-tag`."""

import json
import signal
import subprocess
import sys
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from typer.testing import CliRunner

from factory import make_instance, write_files
from pacsflow.cli.app import app
from pacsflow.errors import ProjectError, TargetError
from pacsflow.export.karnak_tags import CREATOR, Tags, tag_in_place, write_tagged

TAGS = Tags("P0001", "lung-ct", "-12")
SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]


def file_of(folder, instance, syntax=ExplicitVRLittleEndian):
    instance.file_meta.TransferSyntaxUID = syntax
    instance.ReferencedStudySequence = Sequence([Dataset()])
    instance.ReferencedStudySequence.is_undefined_length = True
    instance.add_new(0x00090010, "LO", "SOMEBODY")
    instance.add_new(0x00091001, "OB", b"\x0b\x00\x10\x00" * 3)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "IM1"
    instance.save_as(path, enforce_file_format=True)
    return path


def tagged(path, tags=TAGS):
    before = path.read_bytes()
    assert tag_in_place(path, tags)
    assert before != path.read_bytes()
    return dcmread(path)


def value(element):
    return element.value.decode().strip() if isinstance(element.value, bytes) else element.value


def told(content, block=0x10):
    base = 0x000B0000
    tags = [base + block, *(base + (block << 8) + n for n in (1, 2, 3))]
    return [value(content[tag]) for tag in tags]


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
def test_the_elements_stand_where_they_belong_and_all_else_is_as_it_was(tmp_path, syntax):
    path = file_of(tmp_path, make_instance(), syntax)
    before, size = dcmread(path), path.stat().st_size
    after = tagged(path)
    assert told(after) == [CREATOR, "P0001", "lung-ct", "-12"]
    assert [element.tag for element in after] == sorted(element.tag for element in after)
    assert path.stat().st_size == size + sum(8 + n for n in (12, 6, 8, 4))
    for tag in (0x000B0010, 0x000B1001, 0x000B1002, 0x000B1003):
        del after[tag]
    assert after == before
    assert after.file_meta == before.file_meta
    assert not list(tmp_path.glob(".*"))


def test_a_second_time_nothing_is_written_and_another_album_takes_the_place_of_the_first(tmp_path):
    path = file_of(tmp_path, make_instance())
    tagged(path)
    before = path.stat()
    assert not tag_in_place(path, TAGS)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino
    again = tagged(path, Tags("P0001", "other", "3"))
    assert told(again) == [CREATOR, "P0001", "other", "3"]
    assert len([element for element in again if element.tag.group == 0x000B]) == 4


@pytest.mark.parametrize("theirs", [{0x000B0010: "VENDOR", 0x000B1001: "theirs"}, {0x000B0010: "VENDOR"},
                                    {0x000B1001: "nobody's"}])  # fmt: skip
def test_where_another_holds_the_block_that_karnak_reads_the_file_is_refused_and_left(tmp_path, theirs):
    instance = make_instance()
    for tag, text in theirs.items():
        instance.add_new(tag, "LO", text)
    path = file_of(tmp_path, instance)
    before = path.read_bytes()
    with pytest.raises(TargetError, match="another creator holds block"):
        tagged(path)
    assert path.read_bytes() == before


def test_further_blocks_of_others_are_kept(tmp_path):
    instance = make_instance()
    instance.add_new(0x000B0011, "LO", "VENDOR 2")
    instance.add_new(0x000B1101, "LO", "theirs")
    after = tagged(file_of(tmp_path, instance))
    assert told(after) == [CREATOR, "P0001", "lung-ct", "-12"]
    assert [value(after[tag]) for tag in (0x000B0011, 0x000B1101)] == ["VENDOR 2", "theirs"]


def test_the_block_that_karnak_reads_is_used_although_our_creator_has_another(tmp_path):
    instance = make_instance()
    instance.add_new(0x000B0042, "LO", CREATOR)
    instance.add_new(0x000B4204, "LO", "kept")
    after = tagged(file_of(tmp_path, instance))
    assert told(after) == [CREATOR, "P0001", "lung-ct", "-12"]
    assert value(after[0x000B4204]) == "kept"


def test_a_deflated_file_is_refused_and_left(tmp_path):
    instance = make_instance()
    instance.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = tmp_path / "IM1"
    instance.save_as(path, enforce_file_format=True)
    before = path.read_bytes()
    with pytest.raises(TargetError, match="deflated"):
        tag_in_place(path, TAGS)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("code", ["", "x" * 65, "a\\b", "Müller", "a\nb"])
def test_what_cannot_stand_in_an_element_is_refused_without_being_repeated(tmp_path, code):
    path = file_of(tmp_path, make_instance())
    with pytest.raises(TargetError, match="cannot stand") as caught:
        write_tagged(path, Tags(code, "album", "0"), BytesIO())
    assert not code or code not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"x" * 500, bytes(128) + b"DICM", bytes(128) + b"DICM" + b"\x02\0\0\0UL\4\0" * 3]
)
def test_what_is_not_dicom_is_refused(tmp_path, content):
    (tmp_path / "IM1").write_bytes(content)
    with pytest.raises(TargetError):
        tag_in_place(tmp_path / "IM1", TAGS)


def run(*words, expect=0):
    result = CliRunner().invoke(app, ["karnak-tag", *map(str, words), "--album", "lung-ct"])
    assert result.exit_code == expect, result.output
    return result


def tables(folder, ids, shifts):
    (folder / "new_ids.json").write_text(json.dumps(ids))
    (folder / "day_shift.json").write_text(json.dumps(shifts))
    return "--new-ids", folder / "new_ids.json", "--day-shift", folder / "day_shift.json"


@pytest.mark.parametrize("key", ["123", "sub-123"])
@pytest.mark.parametrize("shift", [-12, "-12"])
def test_a_tree_is_tagged_by_the_headers_of_its_files(tmp_path, key, shift):
    path = file_of(tmp_path / "tree", make_instance(PatientID="123"))
    (tmp_path / "tree" / "notes.txt").write_text("x")
    path.chmod(0o640)
    names = tables(tmp_path, {key: "P0001"}, {key: shift})
    assert "1 file tagged" in run(tmp_path / "tree", *names).output
    assert told(dcmread(path)) == [CREATOR, "P0001", "lung-ct", "-12"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert "0 files tagged, 1 had the tags" in run(tmp_path / "tree", *names).output


DIES = """
import os, shutil, signal, sys
from pathlib import Path
from pacsflow.export.karnak_tags import Tags, tag_in_place

shutil.copyfileobj = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
tag_in_place(Path(sys.argv[1]), Tags("P0001", "lung-ct", "0"))
"""


def test_what_a_killed_call_left_half_tagged_is_its_own_to_see_and_goes_with_the_next(tmp_path):
    path = file_of(tmp_path / "tree", make_instance(PatientID="123"))
    path.chmod(0o600)
    died = subprocess.run([sys.executable, "-c", DIES, path], check=False)
    assert died.returncode == -signal.SIGKILL
    [half] = tmp_path.rglob("*.part")
    assert half.stat().st_mode & 0o777 == 0o600
    assert "1 file tagged, 0 had" in run(tmp_path / "tree", *tables(tmp_path, {"123": "P0001"}, {"123": 0})).output
    assert list((tmp_path / "tree").iterdir()) == [path]


def test_a_tree_of_pacsman_is_tagged_by_its_folders_too(tmp_path):
    path = file_of(tmp_path / "tree" / "sub-1_23" / "ses-20200101" / "00001-T1", make_instance(PatientID="P0001"))
    run(tmp_path / "tree", *tables(tmp_path, {"sub-1_23": "P0001"}, {"sub-1_23": 0}))
    assert told(dcmread(path))[3] == "0"
    other = file_of(tmp_path / "raw" / "sub-1_23" / "ses-1" / "00001-T1", make_instance(PatientID="1/23"))
    run(tmp_path / "raw", "--new-ids", tmp_path / "new_ids.json")
    assert told(dcmread(other)) == [CREATOR, "P0001", "lung-ct", "0"]


@pytest.mark.parametrize(
    ("ids", "shifts"),
    [
        ({"999": "P0009"}, {"123": 1}),
        ({"123": "P0001"}, {"999": 1}),
        ({"123": "P0001", "456": "P0002"}, {"123": 1, "456": 1}),
    ],
    ids=["no code", "no shift", "two patients"],
)
def test_nothing_is_changed_where_a_patient_is_not_known_for_certain(tmp_path, ids, shifts):
    path = file_of(tmp_path / "tree" / "sub-456", make_instance(PatientID="123"))
    known = file_of(tmp_path / "tree" / "sub-777", make_instance(PatientID="777"))
    before = path.read_bytes(), known.read_bytes()
    result = run(tmp_path / "tree", *tables(tmp_path, {**ids, "777": "P7"}, {**shifts, "777": 7}), expect=1)
    assert isinstance(result.exception, ProjectError)
    assert "1 file of 2" in str(result.exception)
    assert "123" not in str(result.exception)
    assert (path.read_bytes(), known.read_bytes()) == before


@pytest.mark.parametrize("text", ["{", "[]", '{"123": "soon"}', '{"123": true}', '{"123": 1.5}'])
def test_days_that_are_none_are_refused(tmp_path, text):
    file_of(tmp_path / "tree", make_instance(PatientID="123"))
    names = tables(tmp_path, {"123": "P0001"}, {})
    (tmp_path / "day_shift.json").write_text(text)
    refused = run(tmp_path / "tree", *names, expect=1).exception
    assert isinstance(refused, ProjectError)
    assert {problem.file for problem in refused.problems} == {"day_shift.json"}


def test_a_tree_without_dicom_is_reported(tmp_path):
    write_files([], tmp_path / "tree")
    (tmp_path / "tree").mkdir(exist_ok=True)
    assert "no DICOM" in str(run(tmp_path / "tree", *tables(tmp_path, {"1": "P1"}, {"1": 0}), expect=1).exception)
