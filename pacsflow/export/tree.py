"""The studies of a folder tree, by what the headers of its files say."""

from collections import defaultdict
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.misc import is_dicom

from pacsflow.export.contract import StudyFolder
from pacsflow.export.series import read_series

_UIDS: list[str] = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"]


def studies_of(tree: Path) -> tuple[list[StudyFolder], list[Path]]:
    """The studies below `tree`, each instance once, and the files that are no DICOM instances."""
    series: dict[tuple[str, str], dict[str, Path]] = defaultdict(dict)
    others: list[Path] = []
    for path in sorted(path for path in tree.rglob("*") if path.is_file()):
        uids = _uids(path)
        if all(uids):
            series[uids[0], uids[1]].setdefault(uids[2], path)
        else:
            others.append(path)
    studies: dict[str, list[list[Path]]] = defaultdict(list)
    for (study, _), files in sorted(series.items()):
        studies[study].append(list(files.values()))
    return [StudyFolder(tuple(read_series(files) for files in every)) for every in studies.values()], others


def _uids(path: Path) -> list[str]:
    """Study, series and instance; empty texts where the file is no instance."""
    if not is_dicom(path):
        return [""]
    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=_UIDS)
    except (InvalidDicomError, OSError, EOFError):
        return [""]
    return [str(header.get(keyword) or "") for keyword in _UIDS[:3]]
