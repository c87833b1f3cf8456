"""Moves PACSMAN's tables about images (`--info`, mapper.json) out of a tree: they identify, the images need not."""

import filecmp
import os
import shutil
from pathlib import Path

from pacsflow.export.disk import NOT_LINKABLE
from pacsflow.staging import PRIVATE, half_beside, sync

PATTERNS = ("sub-*/ses-*/*.csv", "mapper.json")


def move_info(tree: Path, info: Path) -> tuple[list[str], list[str]]:
    """Move each file to the same path below `info`: what was moved, and what stays as another file has its name.

    A file is never overwritten, and it goes only when its copy is whole on disk: a move that was killed goes on when it
    is run again.
    """
    moved: list[str] = []
    kept: list[str] = []
    for path in sorted({found for pattern in PATTERNS for found in tree.glob(pattern) if found.is_file()}):
        name = path.relative_to(tree)
        (moved if _moved(path, info / name) else kept).append(name.as_posix())
    return moved, kept


def _moved(source: Path, target: Path) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with half_beside(target, PRIVATE) as half:
        shutil.copyfile(source, half)
        sync(half)
        if not _appeared(half, target):
            return False
        sync(target.parent)
        source.unlink()
    return True


def _appeared(half: Path, target: Path) -> bool:
    """Whether `target` has the content of `half` now; another content is left as it is."""
    try:
        os.link(half, target)
    except FileExistsError:
        return target.is_file() and not target.is_symlink() and filecmp.cmp(half, target, shallow=False)
    except OSError as error:
        if error.errno not in NOT_LINKABLE or target.exists():
            raise
        half.rename(target)
    return True
