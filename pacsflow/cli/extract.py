"""extract: the structured reports of a folder tree as text."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.show import console, counted, errors

_UID = re.compile(r"(?=.{1,64}$)[0-9]+(\.[0-9]+)*")


def extract(
    tree: Annotated[Path, typer.Argument(metavar="TREE", help="Folder tree with DICOM files", exists=True)],
    out: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="Folder of the texts; left out: TREE-reports")
    ] = None,
) -> None:
    """Write the structured reports (SR, Key Objects) of a folder tree as text, called by SOP Instance UID.

    The text of an identifiable report is identifiable: only you can read the files. Exit code 1 where one cannot be
    read.
    """
    from pacsflow.export.parcels import appearing
    from pacsflow.staging import sweep

    place = out or tree.with_name(f"{tree.resolve().name}-reports")
    written, unread = 0, 0
    sweep(place)
    for report in _reports(tree):
        if report is None:
            unread += 1
            continue
        uid, text = report
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with appearing(place / f"{uid}.txt") as half:
            half.touch(0o600)
            half.write_text(text, "utf-8")
        written += 1
    console.print(f"{counted(written, 'report')} written to {place}", soft_wrap=True)
    if unread:
        errors.print(f"{counted(unread, 'report')} cannot be read, or {'has' if unread == 1 else 'have'} no valid UID")
        raise typer.Exit(1)


def _reports(tree: Path) -> Iterator[tuple[str, str] | None]:
    """UID and text of each report below `tree`; None for one that cannot be read."""
    from pydicom.errors import InvalidDicomError
    from pydicom.misc import is_dicom

    for path in sorted(path for path in tree.rglob("*") if path.is_file() and is_dicom(path)):
        try:
            report = _report(path)
        except (InvalidDicomError, OSError, EOFError, ValueError):
            yield None
            continue
        if report is not None:
            yield report if _UID.fullmatch(report[0]) else None


def _report(path: Path) -> tuple[str, str] | None:
    """UID and text of the report in a file; None where it holds something else."""
    from pydicom import dcmread

    from pacsflow.convert.sr_text import is_report, report_text

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values in them may be anybody's
        if not is_report(dcmread(path, specific_tags=["SOPClassUID"])):
            return None
        report = dcmread(path)
        return str(report.get("SOPInstanceUID") or ""), report_text(report)
