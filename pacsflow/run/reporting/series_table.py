"""`header_table`: a table of the project's series for programs: technical attributes, verdicts, paths, hashes."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pacsflow.convert.technical import COLUMNS, NUMERIC
from pacsflow.export.disk import facts_of
from pacsflow.ledger import outcomes, studies
from pacsflow.ledger.outcomes import Output
from pacsflow.report.frames import write_frame
from pacsflow.run.series_lines import note_lines
from pacsflow.run.session import Session
from pacsflow.staging import PRIVATE, PUBLIC

FILES = ("series.csv", "series.parquet")
_KNOWN = ("patient", "session", "study_uid", "series_uid")
_OUTCOMES = (
    "converted",
    "converted_reason",
    "dicom_path",
    "nifti_path",
    "dicom_sha256",
    "nifti_sha256",
)
HEADINGS = (*_KNOWN, *COLUMNS, *_OUTCOMES)
"""Columns of the table."""
_IMAGE = ".nii.gz"


def write_series_table(run: Session) -> None:
    """Write `series.csv` and `series.parquet` into the folder of reports; remove them where they are not wanted.

    They hold what the cleaned headers say: under `base: none` that identifies, so only their owner may read them.
    """
    if not run.project.export.header_table:
        for name in FILES:
            (run.reports / name).unlink(missing_ok=True)
        return
    lines = list(series_lines(run))
    write_frame(run.reports, FILES, HEADINGS, lines, numeric=NUMERIC, mode=PRIVATE if run.identifiable else PUBLIC)


def series_lines(run: Session) -> Iterator[Mapping[str, Any]]:
    """A line for each held series that rows want, study by study."""
    for plan in studies.planned(run.ledger):
        study = studies.study(run.ledger, plan.key)
        known = note_lines(run, plan.key)
        done = {output.series_key: output for output in outcomes.outputs(run.ledger, plan.key)}
        delivered = _delivered(run, plan.key)
        hashes: dict[str, list[str]] = {}
        for instance in studies.instances(run.ledger, plan.key, "held"):
            hashes.setdefault(instance.series_key, []).append(instance.sha256)
        for series in study.wanted:
            if line := known.get(series.key):
                came = _came(run, done.get(series.key))
                yield {**line, **came, **_places(delivered, hashes[series.key], came), "dicom_sha256": line["digest"]}


def _delivered(run: Session, key: str) -> dict[str, list[str]]:
    """SHA-256 -> paths below targets, `TARGET: PATH`."""
    found: dict[str, list[str]] = {}
    for delivery in outcomes.deliveries(run.ledger, key).values():
        for path, digest, _ in delivery.files:
            found.setdefault(digest, []).append(f"{delivery.target}: {path}")
    return found


def _came(run: Session, output: Output | None) -> dict[str, Any]:
    if output is None:
        return {}
    images = [run.staging / name for name in output.files if name.endswith(_IMAGE)]
    digests = [facts_of(path)[0] for path in images if path.is_file()]
    return {
        "converted": output.status,
        "converted_reason": output.reason or None,
        "nifti_sha256": "; ".join(digests) or None,
    }


def _places(delivered: Mapping[str, list[str]], dicom: Sequence[str], came: Mapping[str, Any]) -> dict[str, Any]:
    """Where targets have a series: folders of its DICOM files, paths of its images."""
    folders = {posixpath.dirname(path) for digest in dicom for path in delivered.get(digest, ())}
    images = [path for digest in (came.get("nifti_sha256") or "").split("; ") for path in delivered.get(digest, ())]
    return {"dicom_path": "; ".join(sorted(folders)) or None, "nifti_path": "; ".join(sorted(images)) or None}
