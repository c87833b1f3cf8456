"""Images that no viewer can show leave a gap on the page; looking at them never fails, and never takes all memory."""

import struct

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from factory import make_instance, write_files
from pacsflow.report.looking import Looker
from pacsflow.report.pictures import middle_slice
from pacsflow.report.records import Look

DIES = "import os, sys; sys.stdin.readline(); os.abort()"
NUMBERS = [b"1\\2   ", b"abc   ", b"1e400 ", b"      ", b"-1e999", b"\xff\xfe\0\0\0\0"]


@pytest.fixture(scope="module")
def looker():
    with Looker() as one:
        yield one


def written(tmp_path, *instances):
    return write_files(list(instances), tmp_path / "in")


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize(
    "keyword", ["InstanceNumber", "NumberOfFrames", "WindowCenter", "RescaleSlope", "PixelSpacing"]
)
def test_a_number_that_is_none(tmp_path, looker, keyword, number):
    value = ["004321", "004321"] if keyword == "PixelSpacing" else "004321"
    [file] = written(tmp_path, make_instance(**{keyword: value}, SOPInstanceUID="1.2.3.777"))
    assert file.read_bytes().count(b"004321") >= 1
    file.write_bytes(file.read_bytes().replace(b"004321", number))
    middle_slice([file])
    seen = looker.look([file], picture=True)
    assert seen.description == "Axial lung"
    assert keyword != "InstanceNumber" or seen.picture, "what only orders the slices hides none"


def huge(rows, columns, frames=1):
    """An image whose header promises more than its few bytes of RLE."""
    facts = {"Rows": rows, "Columns": columns, "NumberOfFrames": frames, "PixelData": b""}
    image = make_instance(**facts, SOPInstanceUID="1.2.3.888")
    image.file_meta.TransferSyntaxUID = RLELossless
    segment = struct.pack("<16I", 2, 64, 68, *[0] * 13) + b"\x81\0" * 4
    image.PixelData = encapsulate([segment] * min(frames, 2))
    image["PixelData"].VR = "OB"
    return image


@pytest.mark.parametrize("sides", [(65535, 65535), (65535, 65535, 2), (512, 512, 2**31 - 1), (0, 512), (65535, 4097)])
def test_an_image_that_is_too_large_is_not_decoded(tmp_path, looker, sides):
    files = written(tmp_path, huge(*sides))
    assert middle_slice(files) is None
    assert looker.look(files, picture=True).picture is None


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A module for a child that behaves as it is written."""

    def module(text):
        (tmp_path / "modules").mkdir(exist_ok=True)
        (tmp_path / "modules" / "broken_child.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
        return "broken_child"

    return module


@pytest.mark.parametrize(
    "text",
    [
        DIES,
        "",
        "raise MemoryError",
        "import sys; sys.stdin.readline(); sys.stdout.write('no JSON\\n')",
        "import sys; sys.stdin.readline(); sys.stdout.write('[]\\n')",
        "import sys; sys.stdin.readline(); sys.stdout.write('{}\\n')",
        'import sys; sys.stdin.readline(); sys.stdout.write(\'{"description": "", "picture": "%"}\\n\')',
        "import sys; sys.stdin.readline(); sys.stdout.write('[' * 100000 + '\\n')",
    ],
)
def test_a_process_that_dies_or_lies_costs_a_picture(tmp_path, broken, text):
    files = written(tmp_path, make_instance())
    with Looker(module=broken(text)) as looker:
        assert [looker.look(files, picture=True) for _ in range(2)] == [Look()] * 2


def test_a_process_that_hangs_is_ended(tmp_path, broken):
    files = written(tmp_path, make_instance())
    with Looker(module=broken("import time; time.sleep(3600)"), seconds=0.5) as looker:
        assert looker.look(files, picture=True) == Look()


def test_files_that_are_gone_or_empty_or_strange(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 40)
    with Looker() as looker:
        for file in (tmp_path / "gone", tmp_path / "empty", tmp_path / "noise", tmp_path):
            assert looker.look([file], picture=True) == Look()
        [good] = written(tmp_path, make_instance())
        assert looker.look([good], picture=True).picture
        assert looker.look([], picture=True) == Look()
