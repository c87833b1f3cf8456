"""The built wheel works where no checkout is: version, help, a first project."""

import os
import re
import subprocess
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from documents import ROOT
from installation import installed_wheel
from pacsflow import __version__
from pacsflow.extras import EXTRAS

OURS = ("pacsflow", "flows", "tasks", "schemas")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder of programs of an environment that holds the wheel."""
    return installed_wheel(tmp_path_factory.mktemp("wheel"))


def call(installed: Path, where: Path, *words: str) -> str:
    environment = {**os.environ, "HOME": str(where), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    for name in ("PYTHONPATH", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        environment.pop(name, None)
    done = subprocess.run(
        [installed / "pacsflow", *words], cwd=where, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_is_what_runs_and_not_the_checkout(installed, tmp_path):
    words = [installed / "python", "-c", "import pacsflow, flows, tasks, schemas; print(pacsflow.__file__)"]
    told = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert Path(told.strip()).is_relative_to(installed.parent)


def test_version_and_help_in_both_spellings(installed, tmp_path):
    assert call(installed, tmp_path, "--version") == f"pacsflow {__version__}\n"
    assert call(installed, tmp_path, "-h") == call(installed, tmp_path, "--help")
    assert call(installed, tmp_path, "plan", "-h") == call(installed, tmp_path, "plan", "--help")


EACH_HELP = """
from typer.main import get_command
from pacsflow.cli.app import app
def each(command, words):
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from each(below, [*words, name])
for words in each(get_command(app), []):
    print(*words)
    try:
        app([*words, "--help"])
    except SystemExit as ended:
        assert not ended.code
"""


def test_the_wheel_holds_what_every_command_loads(installed, tmp_path):
    words = [installed / "python", "-P", "-c", EACH_HELP]
    told = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert told.count("Usage") > 40


def test_a_first_project_begins_validates_and_is_explained(installed, tmp_path):
    call(installed, tmp_path, "init", "projects/first")
    call(installed, tmp_path, "validate", "projects/first")
    assert call(installed, tmp_path, "explain", "projects/first").startswith("Basic profile of PS3.15")
    call(installed, tmp_path, "schema", "--out", "written")
    assert (tmp_path / "written" / "reference.md").read_text() == (ROOT / "docs/schemas/reference.md").read_text()


def test_our_top_level_names_belong_to_no_package_that_comes_with_us():
    """Where one of them did, either would overwrite the other's files."""
    owners = {name: set(packages_distributions().get(name, ())) - {"pacsflow"} for name in OURS}
    assert owners == {name: set() for name in OURS}


@pytest.mark.parametrize("name", ["flows", "tasks", "schemas"])
def test_another_programs_package_of_that_name_is_told_and_nothing_of_it_runs(installed, tmp_path, name):
    (tmp_path / f"{name}.py").write_text("raise SystemExit(99)")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [installed / "pacsflow", "--version"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert f"package `{name}` stands in the way" in done.stderr


def test_the_wheel_holds_the_templates_and_its_extras(installed):
    [site] = installed.parent.glob("lib/python*/site-packages")
    assert (site / "pacsflow" / "projects" / "starting" / "bids.yaml").exists()
    [facts] = site.glob("pacsflow-*.dist-info/METADATA")
    assert set(re.findall(r"^Provides-Extra: (.+)$", facts.read_text(), re.MULTILINE)) == {
        *EXTRAS.values(),
        "all",
        "dev",
        "docs",
    }


def test_every_package_is_typed(installed):
    [site] = installed.parent.glob("lib/python*/site-packages")
    assert [name for name in OURS if not (site / name / "py.typed").exists()] == []
