"""Whatever goes wrong with one study, and wherever: the others are done, and the account is whole."""

import json
import struct
from itertools import product

import pytest
from openpyxl import load_workbook

import pacsflow.run.converting
import pacsflow.run.delivering
import pacsflow.run.fetching.study
import pacsflow.run.search
import pacsflow.run.series_lines
from pacsflow.export.folder import FolderTarget
from pacsflow.report.looking import Looker
from pacsflow.run.fetching.reception import Reception
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.report import FILES, write_files
from pacsflow.run.reporting.row_outcomes import row_outcomes
from pacsflow.run.reporting.series_table import FILES as SERIES_TABLE
from pacsflow.simpacs import phantom_archive
from sometimes import sometimes
from whole_run import lying, project, run_once


class PanicError(BaseException):
    """As libraries in Rust end."""


ERRORS = [MemoryError, RecursionError, SystemExit, struct.error, PanicError]
EXPORT = {
    "header_table": True,
    "nifti": [{"modality": "*", "converter": "dcm2niix"}],
    "targets": [{"kind": "folder", "path": "${project.workdir}/out"}],
}


def spoilt(call, is_it, error):
    def spoilt_call(*args, **kwargs):
        if is_it(*args, **kwargs):
            raise error
        return call(*args, **kwargs)

    return spoilt_call


def stages(key):
    """Name of a stage -> what does it, and whether it is at the study of a key, or at row 1."""
    return {
        "find": (pacsflow.run.search.Search, "finding", lambda self: self._row.number == 1),
        "list": (pacsflow.run.fetching.study, "expect", lambda _run, _lane, study, *_: study.key == key),
        "clean": (Reception, "_take", lambda self, _received: self._study.key == key),
        "judge": (pacsflow.run.fetching.study, "assess", lambda _ledger, study, _attempt, **_: study.key == key),
        "convert": (pacsflow.run.converting, "convert_series", lambda _kind, _files, out, **_: key in out.parts),
        "read": (pacsflow.run.delivering, "read_series", lambda files, *_, **__: key in files[0].parts),
        "deliver": (FolderTarget, "deliver", lambda _self, study: key in study.series[0].dicom[0][1].parts),
        "look": (Looker, "_asked", lambda _self, job: key in job),
        "line": (pacsflow.run.series_lines, "technical_line", lambda files: key in files[0].parts),
    }


@pytest.fixture(scope="module")
def archive():
    return phantom_archive(3, matrix=16, images=2)


def account(folder):
    with open_session(str(folder), action="run") as run:
        found = row_outcomes(run.ledger, run.project)
        write_files(run, found)
        assert all((run.reports / name).stat().st_size for name in (*FILES, *SERIES_TABLE))
        record = json.loads((run.reports / "run.json").read_text())
        lines = list(load_workbook(run.reports / "results.xlsx")["results"].iter_rows(values_only=True))
        for one in found:
            assert record["rows"][one.row.number - 1]["status"] == one.status
            assert one.status in lines[one.row.number]
        return {one.row.number: (one.status, one.reason) for one in found}


STAGES = ("find", "list", "clean", "judge", "convert", "read", "deliver", "look", "line")
EACH_ONCE = [(stage, ERRORS[place % len(ERRORS)]) for place, stage in enumerate(STAGES)]
"""Each stage with one exception, each exception at several stages; all of them with all: `make soak`."""


@pytest.mark.parametrize(
    ("stage", "error"),
    sometimes(product(STAGES, ERRORS), EACH_ONCE),
)
def test_any_exception_at_any_stage_of_one_study(tmp_path, monkeypatch, archive, stage, error):
    with lying(archive=archive) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=3, attempts=1, export=EXPORT)
        with open_session(str(folder), action="plan") as run:
            key = run.ledger.digest("study", next(iter(archive.studies)))
        with monkeypatch.context() as patch:
            owner, name, is_it = stages(key)[stage]
            patch.setattr(owner, name, spoilt(getattr(owner, name), is_it, error("QUISTGAARD")))
            run_once(folder, pacs)
            said = account(folder)
        assert [said[number][0] for number in (2, 3)] == ["complete", "complete"]
        if stage not in ("look", "convert", "line"):
            assert said[1][0] in ("failed", "undelivered")
            assert error.__name__ in said[1][1]
        assert "QUISTGAARD" not in "".join(
            (folder.parent / "data" / "report" / name).read_text()
            for name in ("report.html", "run.json", "results.csv")
        )
        run_once(folder, pacs)
        assert {status for status, _ in account(folder).values()} == {"complete"}


@pytest.mark.parametrize("stop", [KeyboardInterrupt])
def test_it_can_still_be_stopped_by_hand(tmp_path, monkeypatch, archive, stop):
    with lying(archive=archive) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=3, attempts=1, export=EXPORT)
        with monkeypatch.context() as patch:
            patch.setattr(FolderTarget, "deliver", spoilt(FolderTarget.deliver, lambda *_: True, stop()))
            with pytest.raises(stop):
                run_once(folder, pacs)
        run_once(folder, pacs)
        assert {status for status, _ in account(folder).values()} == {"complete"}
