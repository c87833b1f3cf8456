"""A project's own program over converted files: what it makes is the series, what it must not reach it does not."""

import shutil
import socket
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from factory import make_study, write_files
from pacsflow import confined
from pacsflow.convert import Converted, convert_series
from pacsflow.convert import post as post_module
from pacsflow.convert.post import PostProgram, processed
from pacsflow.errors import ConverterStoppedError, RefusalError
from peers.ports import wait_until

MASK = """
import json, os, shutil
import nibabel as nib
import numpy as np
image = nib.load("image.nii.gz")
nib.save(nib.Nifti1Image(np.zeros(image.shape, "i2"), image.affine), "image.nii.gz")
shutil.copy("image.nii.gz", "image_mask.nii.gz")
open("image.json", "w").write(json.dumps({"Defaced": True}))
open("log.txt", "w").write("not of the series")
open(os.path.join(os.environ["TMPDIR"], "x"), "w").write("scratch")
"""


PYTHON = f"#!{sys.executable} -P\n"
SHELL = "#!/bin/sh\n"


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return write_files(make_study(series=1, images=6), tmp_path_factory.mktemp("dicom"))


@pytest.fixture(scope="module")
def converted(series, tmp_path_factory):
    return convert_series("dcm2niix", series, tmp_path_factory.mktemp("once") / "nifti", geometry="refuse")


@pytest.fixture
def post(converted, tmp_path):
    """Has a program work over the converted series; what came of it."""
    out = tmp_path / "nifti"
    out.mkdir()
    gave = Converted(tuple(Path(shutil.copy(path, out)) for path in converted.files))

    def run(code, *, seconds=120.0):
        script = tmp_path / "post"
        script.write_text(code)
        script.chmod(0o700)
        return processed(gave, out, PostProgram((str(script),), seconds=seconds)), out

    return run


def test_what_the_program_leaves_is_the_series_and_what_else_it_wrote_is_named(post, tmp_path):
    gave, out = post(PYTHON + MASK)
    assert [path.name for path in gave.files] == ["image.json", "image.nii.gz", "image_mask.nii.gz"]
    assert sorted(out.iterdir()) == list(gave.files)
    assert not np.asanyarray(nib.load(out / "image.nii.gz").dataobj).any()
    assert gave.warnings == ("post: 1 file not called image* left out",)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


REFUSED = {
    "exit 3": "post-exit-3",
    "sleep 600": "post-timeout",
    "rm image.nii.gz": "post-no-image",
    "echo x > image.nii.gz": "post-spoilt",
    "echo '[1' > image.json": "post-spoilt",
    "ln -sf /etc/passwd image.json": "post-spoilt",
    "ln image.nii.gz image_b.nii.gz": "post-spoilt",
    "mkdir image_b.nii.gz": "post-spoilt",
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_fails_refuses_the_series_with_the_reason_and_leaves_nothing(post, tmp_path, code):
    with pytest.raises(RefusalError) as caught:
        post(SHELL + code, seconds=3 if "sleep" in code else 120)
    assert caught.value.reason == REFUSED[code]
    assert caught.value.fix
    assert sorted(path.name for path in tmp_path.iterdir()) == ["post"]


def test_a_program_killed_from_outside_says_nothing_of_the_series(post):
    with pytest.raises(ConverterStoppedError):
        post(SHELL + "kill -KILL $$")


def test_what_it_started_and_left_behind_ends_with_it(post):
    gave, _ = post(SHELL + "sleep 600 &\necho $! > image_pid.txt")
    process = Path("/proc", next(path for path in gave.files if path.suffix == ".txt").read_text().strip(), "stat")
    wait_until(lambda: not process.exists() or process.read_text().split()[2] in "ZX", what="its end")


@pytest.mark.parametrize(("name", "words"), [("plain", "not executable"), ("missing", "cannot be read")])
def test_a_program_that_cannot_be_started_is_named_by_its_fault(converted, tmp_path, name, words):
    (tmp_path / "plain").write_text(SHELL)
    with pytest.raises(RefusalError, match=words) as caught:
        processed(converted, tmp_path / "nifti", PostProgram((str(tmp_path / name),)))
    assert caught.value.reason == "post-not-started"


ATTEMPTS = [
    "open(FILE).read()",
    "open(FILE, 'a').write('x')",
    "os.listdir(os.path.dirname(FILE))",
    "open(DICOM, 'rb').read()",
    "open('/etc/passwd').read()",
    "open('/proc/%d/environ' % os.getppid()).read()",
    "subprocess.run(['cat', FILE], check=True)",
    "socket.create_connection(('127.0.0.1', PORT), timeout=5)",
    "os.kill(os.getppid(), 0)",
    "os.environ['TOKEN']",
]


@pytest.mark.skipif(bool(confined.available()), reason=confined.available())
def test_it_reaches_neither_files_nor_network_nor_secrets(post, series, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "SECRET")
    key = tmp_path / "elsewhere" / "key"
    key.parent.mkdir()
    key.write_text("SECRET")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        places = f"FILE, DICOM, PORT = {str(key)!r}, {str(series[0])!r}, {listening.getsockname()[1]}"
        code = f"import json, os, socket, subprocess\n{places}\nreached = []\n"
        for number, attempt in enumerate(ATTEMPTS):
            code += f"try:\n    {attempt}\n    reached.append({number})\nexcept Exception:\n    pass\n"
        gave, _ = post(PYTHON + code + "open('image_told.json', 'w').write(json.dumps({'reached': reached}))")
    told = next(path for path in gave.files if path.name == "image_told.json").read_text()
    assert told == '{"reached": []}', ATTEMPTS
    assert key.read_text() == "SECRET"


@pytest.mark.parametrize(
    "name", ["image a", "image$(id)", "image\n", "image~/..", "imagé", "image" + "x" * 200, "IMAGE"]
)
def test_a_name_that_targets_could_read_as_something_else_is_left_out(post, name):
    kept = f"import shutil\nshutil.copy('image.nii.gz', {name.replace('/', chr(92))!r} + '.nii.gz')\n"
    gave, out = post(f"{PYTHON}{kept}")
    assert gave.warnings == ("post: 1 file not called image* left out",)
    assert {path.name for path in out.iterdir()} == {"image.nii.gz", "image.json"}


@pytest.mark.parametrize(
    "spoil",
    [
        "data[:-20]", "data[:400]", "data + bytes(2 << 20)",
        "data[:40] + struct.pack('<8h', 7, *[32000] * 7) + data[56:]",
        "data[:40] + struct.pack('<8h', 3, 0, 5, 5, 1, 1, 1, 1) + data[56:]",
    ],
)  # fmt: skip
def test_an_image_that_is_cut_claims_more_than_it_has_or_inflates_too_far_is_refused(post, monkeypatch, spoil):
    monkeypatch.setattr(post_module, "_MOST_BYTES", 2 << 20)
    code = (
        f"import gzip, struct\ndata = gzip.open('image.nii.gz').read()\ngzip.open('image.nii.gz', 'w').write({spoil})\n"
    )
    with pytest.raises(RefusalError) as refusal:
        post(f"{PYTHON}{code}")
    assert refusal.value.reason == "post-spoilt"


def test_a_sidecar_of_any_length_is_not_read(post, monkeypatch):
    monkeypatch.setattr(post_module, "_MOST_TEXT", 1000)
    code = "import json\njson.dump({'a': 'x' * 2000}, open('image.json', 'w'))\n"
    with pytest.raises(RefusalError) as refusal:
        post(f"{PYTHON}{code}")
    assert refusal.value.reason == "post-spoilt"
