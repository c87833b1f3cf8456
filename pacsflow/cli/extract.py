"""extract: the structured reports of a folder tree as text."""

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.show import console, errors
from pacsflow.cli.trees import Tree, beside, end
from pacsflow.wording import counted

_UID = re.compile(r"(?=.{1,64}$)[0-9]+(\.[0-9]+)*")


def extract(
    tree: Tree,
    out: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="Folder of the texts; left out: TREE-reports")
    ] = None,
) -> None:
    """Write the structured reports (SR, Key Objects) of a folder tree as text, called by SOP Instance UID.

    The text of an identifiable report is identifiable: only you can read the files. Exit code 1 where one cannot be
    read.
    """
    from pacsflow.export.disk import own_words
    from pacsflow.export.tree import files_of
    from pacsflow.staging import sweep

    place = out or beside(tree, "reports")
    written, unread = 0, 0
    below = files_of(tree)
    with own_words(str(place)):
        sweep(place)
        for report in _reports(below.dicom):
            if report is None:
                unread += 1
                continue
            _write(place, *report)
            written += 1
    console.print(f"{counted(written, 'report')} written to {place}", soft_wrap=True)
    if unread:
        errors.print(f"{counted(unread, 'report')} cannot be read, or {'has' if unread == 1 else 'have'} no valid UID")
    end(replace(below, others=()), 1 if unread else 0)


def _write(place: Path, uid: str, text: str) -> None:
    from pacsflow.export.parcels import appearing

    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with appearing(place / f"{uid}.txt") as half:
        half.touch(0o600)
        half.write_text(text, "utf-8")


def _reports(files: Iterable[Path]) -> Iterator[tuple[str, str] | None]:
    """UID and text of each report among `files`; None for one that cannot be read."""
    for path in files:
        try:
            report = _report(path)
        except Exception:  # noqa: BLE001 one spoilt report must not stop all others
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
