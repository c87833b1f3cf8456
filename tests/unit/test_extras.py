"""What only some projects need is an extra: where it is missing, the error names it, before anything is asked."""

import re
import sys
import tomllib

import pytest
from fsspec.registry import _registry
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from documents import ROOT
from pacsflow.errors import LedgerError, ProjectError, TargetError
from pacsflow.export.stores import opened_store
from pacsflow.extras import EXTRAS, missing
from pacsflow.ledger.book import _not_opened
from pacsflow.query.fault import FaultError
from pacsflow.query.tables import read_table
from pacsflow.run.files.clinical_table import TableRequest, _check
from yaml_folder import only_problem, write_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def lock(name):
    """Package -> whether its files are known by their hashes, of a lock."""
    entries = re.split(r"\n(?=[a-zA-Z0-9])", (ROOT / name).read_text("utf-8"))
    found = {
        re.match(r"[A-Za-z0-9._-]+", one)[0]: "--hash=sha256:" in one
        for one in entries
        if "==" in one.partition("\n")[0]
    }
    return {canonicalize_name(package): hashed for package, hashed in found.items()}


def without(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    assert missing(package) == (
        f"needs {package}, which is not installed",
        f"pip install 'pacsflow[{EXTRAS[package]}]'",
    )


DISTRIBUTIONS = {"jpeg_ls": "pyjpegls"}
"""Modules that have another name than what brings them."""


@pytest.mark.parametrize("package", EXTRAS)
def test_every_extra_exists_and_brings_its_package(package):
    brought = [Requirement(each).name for each in PROJECT["optional-dependencies"][EXTRAS[package]]]
    assert DISTRIBUTIONS.get(package, package) in brought
    assert package not in [Requirement(each).name for each in PROJECT["dependencies"]]
    assert missing(package) is None, "the tests have all of them"


def test_every_extra_is_in_all_and_in_the_documents():
    extras = set(EXTRAS.values())
    assert re.findall(r"\[(.*)\]", PROJECT["optional-dependencies"]["all"][0]) == [",".join(sorted(extras))]
    text = (ROOT / "docs" / "install.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z0-9]+)` \|", text, re.MULTILINE)) == {*extras, "all"}


@pytest.mark.parametrize(
    ("package", "target"),
    [
        ("s3fs", "{kind: storage, url: 's3://bucket/lung'}"),
        ("pyzipper", "{kind: archive, password: '${env:P}'}"),
        ("py7zr", "{kind: archive, password: '${env:P}', format: 7z}"),
    ],
)
def test_a_target_whose_package_is_missing_is_a_mistake_with_its_line(tmp_path, monkeypatch, package, target):
    write_files(tmp_path / "p", export=f"targets:\n  - {target}\n")
    without(monkeypatch, package)
    problem = only_problem(tmp_path / "p")
    assert (problem.file, problem.line, problem.field) == ("export.yaml", 2, "targets[0].kind")
    assert problem.fix == f"pip install 'pacsflow[{EXTRAS[package]}]'"


def test_a_table_of_headers_without_its_package_is_a_mistake_before_anything_is_asked(tmp_path, monkeypatch):
    write_files(tmp_path / "p", export="targets: []\nheader_table: true\n")
    without(monkeypatch, "pyarrow")
    problem = only_problem(tmp_path / "p")
    assert (problem.file, problem.line, problem.field) == ("export.yaml", 2, "header_table")
    assert problem.fix == "pip install 'pacsflow[parquet]'"


def test_a_storage_opened_without_its_package_names_the_extra(monkeypatch):
    without(monkeypatch, "s3fs")
    monkeypatch.delitem(_registry, "s3", raising=False)  # a storage that another test opened is known here
    with pytest.raises(TargetError) as caught, opened_store("s3://bucket/a", {}):
        pass
    assert caught.value.fix == "pip install 'pacsflow[s3]'"


def test_a_table_of_parquet_without_its_package_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    without(monkeypatch, "pyarrow")
    with pytest.raises(FaultError) as caught:
        read_table(tmp_path / "c.parquet", "c.parquet")
    assert caught.value.fix == "pip install 'pacsflow[parquet]'"
    with pytest.raises(ProjectError, match="needs pyarrow"):
        _check(TableRequest(tmp_path / "in.csv", tmp_path / "out.parquet"))


def test_a_ledger_without_its_driver_names_the_extra():
    error = _not_opened(ImportError())
    assert isinstance(error, LedgerError)
    assert error.fix == "pip install 'pacsflow[postgresql]'"


def test_both_locks_have_hashes_and_the_runs_is_a_part_of_the_developers():
    run, developers = lock("requirements-run.lock"), lock("requirements.lock")
    assert len(run) > 100
    assert all(run.values())
    assert all(developers.values())
    assert run.keys() <= developers.keys()
    tools = {"pytest", "mypy", "ruff", "moto", "bids-validator-deno", "dicognito", "dicom-anonymizer", "hypothesis"}
    assert tools <= developers.keys()
    assert not tools & run.keys()
    assert {canonicalize_name(DISTRIBUTIONS.get(name, name)) for name in EXTRAS} <= run.keys()
