"""A DICOM file-set: files under names of eight characters, and the DICOMDIR that lists them (PS3.10 8, PS3.3 F)."""

import csv
import shutil
import tempfile
import warnings
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.fileset import FileSet

from pacsflow.errors import TargetError
from pacsflow.export.disk import facts_of

NAMES = "names.csv"
_INVENTED = {"StudyDate": "19000101", "StudyTime": "000000", "StudyID": "1", "SeriesNumber": 1, "InstanceNumber": 1}
"""What a directory record must have (PS3.3 F.5, type 1) and a de-identified instance may lack; in the record only."""


def write_file_set(files: Iterable[Path], root: Path) -> dict[str, Path]:
    """Write a file-set below `root`, an empty folder or none: path below `root` -> the file it is a copy of.

    Files are copied byte for byte and compared; of two with the same instance, the first. Raises TargetError for a file
    that is no DICOM, or has no directory record.
    """
    sources: dict[str, Path] = {}
    with ExitStack() as left, warnings.catch_warnings():
        scratch = left.enter_context(tempfile.TemporaryDirectory(prefix="file-set-"))
        warnings.simplefilter("ignore")  # values in them may be anybody's
        file_set = FileSet()
        left.callback(file_set._stage["t"].cleanup)  # noqa: SLF001 or it stays until the garbage is collected
        for number, file in enumerate(sorted(files), 1):
            header = _header(file, number)
            sources.setdefault(str(header.SOPInstanceUID), file)
            _add(file_set, header, number)
        try:
            file_set.write(Path(scratch) / "set")
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 what is spoilt fails in many ways, in words that may be anybody's
            raise TargetError(f"file-set: no DICOMDIR can be written: {type(error).__name__}") from None
        left.callback(file_set._stage["t"].cleanup)  # noqa: SLF001 writing begins another one
        placed = {str(one.FileID).replace("\\", "/"): sources[str(one.SOPInstanceUID)] for one in file_set}
        root.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(scratch) / "set" / "DICOMDIR", root / "DICOMDIR")
    for name, source in placed.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / name)
        if facts_of(root / name) != facts_of(source):
            raise TargetError("file-set: a file read back differs from what was written", transient=True)
    return placed


def write_names(names: Iterable[tuple[str, str]], file: Path) -> None:
    """The map of a file-set's names: (path in the file-set, what it was), as CSV."""
    with file.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file", "was"))
        writer.writerows(sorted(names))


def _add(file_set: FileSet, header: Dataset, number: int) -> None:
    try:
        file_set.add(header)
    except OSError:
        raise
    except ValueError as error:
        reason = str(error).partition(". See DICOM")[0]
        raise TargetError(f"file-set: file {number} has no directory record: {reason}") from None
    except Exception as error:  # noqa: BLE001 as above
        raise TargetError(f"file-set: file {number} has no directory record: {type(error).__name__}") from None


def _header(file: Path, number: int) -> Dataset:
    try:
        header = dcmread(file, stop_before_pixels=True)
        named = header.get("SOPInstanceUID")
        for keyword, value in _INVENTED.items():
            if header.get(keyword) in (None, ""):
                setattr(header, keyword, value)
    except Exception as error:  # noqa: BLE001 as above
        raise TargetError(f"file-set: file {number} cannot be read: {type(error).__name__}") from None
    if not named:
        raise TargetError(f"file-set: file {number} has no SOP Instance UID, it may be cut off")
    return header
