"""Programs that read what strangers made, or are strangers' own, reach neither files, network nor secrets."""

import os
import socket
import subprocess
import sys
import threading
from io import BytesIO

import pytest
from pydicom.filereader import read_dataset

from factory import make_instance, make_study, write_files
from pacsflow import confined
from pacsflow.convert import convert_series
from pacsflow.deid.recipe.worker import Job, Workers

pytestmark = pytest.mark.skipif(bool(confined.available()), reason=confined.available())
LINE = [{"action": "REPLACE", "field": "StudyDescription", "value": "func:f"}]


def ask(code):
    """What a function of a recipe gives back of what it reached."""
    body = "\n".join(f"    {line}" for line in code.splitlines())
    job = Job(LINE, [], [], {}, {}, f"import os, sys\ndef f(**kw):\n{body}\n", ["f"])
    instance = make_instance()
    del instance.PixelData
    part10 = BytesIO()
    instance.save_as(part10, enforce_file_format=True)
    workers = Workers(job, seconds=20)
    try:
        answer = workers.run(part10.getvalue())
    finally:
        workers.close()
    implicit = instance.file_meta.TransferSyntaxUID.is_implicit_VR
    return str(
        read_dataset(BytesIO(answer), is_implicit_VR=implicit, is_little_endian=True).get("StudyDescription", "")
    )


@pytest.fixture
def private(tmp_path):
    file = tmp_path / "key"
    file.write_text("SECRET")
    return file


ATTEMPTS = [
    "got = open(FILE).read()",
    "got = os.listdir(os.path.dirname(FILE))[0]",
    "got = open(os.path.expanduser('~/.bashrc')).read()",
    "got = open('/etc/passwd').read()",
    "got = open('/proc/%d/environ' % os.getppid()).read()",
    "open(FILE, 'w').write('x'); got = 'x'",
    "os.symlink(FILE, 'link'); got = open('link').read()",
    "import socket; socket.create_connection(('127.0.0.1', PORT)); got = 'x'",
    "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT)); got = 'x'",
    "import subprocess; got = subprocess.check_output(['cat', FILE], text=True)",
    "os.system('true'); got = 'x'",
    "import ctypes; got = 'x' if ctypes.CDLL(None).socket(2, 2, 0) > 0 else ''",
    "import urllib.request; got = urllib.request.urlopen('http://127.0.0.1:PORT/').read().decode()",
    "os.kill(os.getppid(), 0); got = 'x'",
]
TRIES = """
reached = []
for number, attempt in enumerate({attempts!r}):
    try:
        exec(attempt)
        reached.append(str(number))
    except Exception:
        pass
home = os.environ['HOME'][-40:]
return ' '.join(['reached', *reached, '|', *sorted(os.environ), '|', home])
"""


def test_a_function_of_a_recipe_reaches_nothing_sees_no_variable_and_has_a_home_of_its_own(private, monkeypatch):
    monkeypatch.setenv("TOKEN", "SECRET")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = str(listening.getsockname()[1])
        attempts = [each.replace("FILE", repr(str(private))).replace("PORT", port) for each in ATTEMPTS]
        told = ask(TRIES.format(attempts=attempts).strip())
    reached, variables, home = told.split("|")
    assert reached.strip() == "reached", [ATTEMPTS[int(number)] for number in reached.split()[1:]]
    assert "TOKEN" not in variables
    assert "child-" in home
    assert private.read_text() == "SECRET"


def run(code, *, read=(), write=(), **env):
    """A program of one line, confined."""
    words = [sys.executable, "-P", "-m", "pacsflow.confined", confined.room(read=read, write=write), "--exec"]
    command = [*words, sys.executable, "-c", code]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"], **env}
    )


def test_a_confined_program_has_its_places_and_no_others(tmp_path, private):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "a").write_text("read")
    (tmp_path / "in" / "link").symlink_to(private)
    places = {"read": [tmp_path / "in"], "write": [tmp_path / "out"]}
    inside, outside = tmp_path / "in" / "a", tmp_path / "out" / "b"
    done = run(f"open({str(outside)!r}, 'w').write(open({str(inside)!r}).read())", **places)
    assert done.returncode == 0, done.stderr
    assert outside.read_text() == "read"
    for forbidden in (private, tmp_path / "in" / "link", tmp_path / "out" / ".." / "key"):
        assert "PermissionError" in run(f"open({str(forbidden)!r})", **places).stderr
    assert "PermissionError" in run(f"open({str(inside)!r}, 'w')", **places).stderr


@pytest.mark.parametrize("converter", ["dcm2niix", "dicom2nifti"])
def test_converters_work_confined_also_where_images_are_links(tmp_path, converter):
    files = write_files(make_study(series=1, images=6), tmp_path / "elsewhere")
    linked = tmp_path / "linked"
    linked.mkdir()
    for file in files:
        (linked / file.name).symlink_to(file)
    names = sorted(linked.iterdir())
    for number in range(2):
        gave = convert_series(converter, names, tmp_path / f"out {number}", geometry="refuse")
        assert any(path.name.endswith(".nii.gz") for path in gave.files)


def test_threads_that_convert_for_two_projects_do_not_get_in_each_others_way(tmp_path):
    errors = []

    def work(name):
        try:
            files = write_files(make_study(series=1, images=6), tmp_path / name / "staging" / "study" / "series")
            out = tmp_path / name / "staging" / "study" / "series" / "nifti"
            for _ in range(2):
                convert_series("dicom2nifti", files, out, geometry="refuse")
        except Exception as error:  # noqa: BLE001 of a thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
