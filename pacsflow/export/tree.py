"""What lies below a folder, and the studies of it by what the headers of its files say."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.misc import is_dicom

from pacsflow.errors import TargetError
from pacsflow.export.contract import StudyFolder
from pacsflow.export.series import TAGS, header_of, read_series

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


@dataclass(frozen=True)
class Below:
    """What a folder holds, sorted.

    `others`: no DICOM, or links to folders; `unread`: files and folders that are barred, broken links, and
    DICOM whose header is damaged.
    """

    dicom: tuple[Path, ...]
    others: tuple[Path, ...] = ()
    unread: tuple[Path, ...] = ()


def files_of(tree: Path) -> Below:
    """What lies below `tree`, or the file that it is. Links to files are followed, links to folders are not."""
    dicom: list[Path] = []
    others: list[Path] = []
    unread: list[Path] = []
    for path in [tree] if tree.is_file() else _every(tree, unread):
        try:
            kind = others if path.exists() else unread
            if path.is_file() and is_dicom(path):
                header_of(path, TAGS)
                kind = dicom
            kind.append(path)
        except (OSError, TargetError):
            unread.append(path)
    return Below(tuple(sorted(dicom)), tuple(sorted(others)), tuple(sorted(unread)))


def studies_of(tree: Path) -> tuple[list[StudyFolder], Below]:
    """The studies below `tree`, each instance once, and what lies there: DICOM without UIDs is with the others."""
    found = files_of(tree)
    series: dict[tuple[str, str], dict[str, Path]] = defaultdict(dict)
    others: list[Path] = []
    for path in found.dicom:
        header = header_of(path, _UIDS)
        uids = [str(header.get(keyword) or "") for keyword in _UIDS]
        if all(uids):
            series[uids[0], uids[1]].setdefault(uids[2], path)
        else:
            others.append(path)
    studies: dict[str, list[list[Path]]] = defaultdict(list)
    for (study, _), files in sorted(series.items()):
        studies[study].append(list(files.values()))
    told = replace(found, others=tuple(sorted([*found.others, *others])))
    return [StudyFolder(tuple(read_series(files) for files in every)) for every in studies.values()], told


def _every(tree: Path, unread: list[Path]) -> Iterator[Path]:
    """All files, and links to folders; folders that are barred go to `unread`."""

    def barred(error: OSError) -> None:
        unread.append(Path(error.filename))

    for top, folders, files in os.walk(tree, onerror=barred):
        linked = [name for name in folders if Path(top, name).is_symlink()]
        yield from (Path(top, name) for name in [*files, *linked])
