"""A program of the project's own over the converted files of a series: `post` in export.yaml.

It works on copies, confined as converters are (see `pacsflow.confined`): beside the system's programs it reads what the
project names, writes to its own folder, and reaches no network, no secret and no image of another series.
"""

import gzip
import json
import math
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from nibabel import Nifti1Image

from pacsflow.children import start_program
from pacsflow.convert.contract import STEM, Converted
from pacsflow.convert.whole_folder import whole_folder
from pacsflow.errors import ConverterStoppedError, RefusalError
from pacsflow.policy import code_fault
from pacsflow.regular_files import read_regular
from pacsflow.system import NOFOLLOW, STOPS, end_group
from pacsflow.wording import counted

_ENDINGS = (".nii.gz", ".json", ".bval", ".bvec", ".tsv", ".txt")
_NAME = re.compile(rf"{STEM}[A-Za-z0-9._-]{{0,100}}")
"""As names at targets are: others may be read as something else there."""
_PIECE = 1 << 20
_MOST_BYTES, _MOST_TEXT = 32 << 30, 64 << 20
"""Bytes of an image when it is inflated, and of a sidecar."""
_SYSTEM = (Path("/usr/bin"), Path("/bin"))
_PATH = "/usr/local/bin:/usr/bin:/bin"
_BY_HAND = "run it by hand in a copy of such a series' folder: what it prints is not kept"


@dataclass(frozen=True)
class PostProgram:
    """`words`: the program by its absolute path, and arguments; `reads`: what else it may read; `seconds` at most."""

    words: tuple[str, ...]
    reads: tuple[Path, ...] = ()
    seconds: float = 1800


def processed(gave: Converted, out: Path, program: PostProgram) -> Converted:
    """What a program makes of the converted files in folder `out`, which it replaces whole or not at all.

    The series are the files called `image*` that it leaves with the endings of NIfTI, sidecars and tables; others are
    warned of. Raises RefusalError: post-not-started, post-timeout, post-exit-N, post-no-image, post-spoilt; then `out`
    is removed. Raises ConverterStoppedError where it was killed from outside.
    """
    work = out.with_name(f".{out.name}.post")
    shutil.rmtree(work, ignore_errors=True)
    files, home = work / "files", work / "home"
    try:
        for folder in (files, home):
            folder.mkdir(parents=True, mode=0o700)
        for path in gave.files:
            shutil.copyfile(path, files / path.name)
        _run(program, files, home)
        with whole_folder(out) as made:
            left = list(_taken(files, made))
    except RefusalError:
        shutil.rmtree(out, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    told = [f"post: {counted(len(left), 'file')} not called image* left out"] if left else []
    return Converted(tuple(sorted(out.iterdir())), (*gave.warnings, *told))


def _run(program: PostProgram, files: Path, home: Path) -> None:
    _may_start(Path(program.words[0]))
    private = str(home.absolute())
    try:
        child = start_program(
            program.words,
            read=[Path(program.words[0]), *_SYSTEM, *program.reads],
            write=[files.absolute(), home.absolute()],
            env={"PATH": _PATH, "HOME": private, "TMPDIR": private, "LC_ALL": "C.UTF-8"},
            cwd=files,
        )
    except (OSError, ValueError):
        raise RefusalError("post-not-started", "the program of `post` cannot be started", fix=_BY_HAND) from None
    try:
        code = child.wait(program.seconds)
    except TimeoutExpired:
        told = f"the program of `post` took more than {program.seconds:g} s"
        raise RefusalError("post-timeout", told, fix="give it more `seconds`") from None
    finally:
        end_group(child)
    if -code in STOPS:
        raise ConverterStoppedError(
            "the program of `post` was stopped", fix="run again, with more memory if that was it"
        )
    if code:
        raise RefusalError(f"post-exit-{code}", f"the program of `post` ended with exit code {code}", fix=_BY_HAND)


def _may_start(program: Path) -> None:
    """Raise RefusalError where a program is not there any more, or is another one than the policy allows."""
    try:
        fault = code_fault(read_regular(program))
    except OSError:
        fault = "cannot be read"
    if fault or not os.access(program, os.X_OK):
        told = f"the program of `post` {fault or 'is not executable'}"
        raise RefusalError("post-not-started", told, fix="`pacsflow validate` says what is wrong with it")


def _taken(files: Path, made: Path) -> Iterator[str]:
    """Copy what belongs to the series; the names of what does not. Raises RefusalError."""
    for path in sorted(files.iterdir()):
        if not _NAME.fullmatch(path.name) or not path.name.endswith(_ENDINGS):
            yield path.name
        else:
            _copy(path, made / path.name)
    images = sorted(made.glob("*.nii.gz"))
    if not images:
        raise RefusalError("post-no-image", "the program of `post` left no image", fix=_BY_HAND)
    if not (all(map(_is_image, images)) and all(map(_is_sidecar, made.glob("*.json")))):
        raise RefusalError("post-spoilt", "the program of `post` left a file that cannot be read", fix=_BY_HAND)


def _copy(path: Path, copy: Path) -> None:
    """Copy a file, and no link: one may lead to what the program itself may not read. Raises RefusalError."""
    with (
        suppress(OSError),
        os.fdopen(os.open(path, os.O_RDONLY | NOFOLLOW | getattr(os, "O_NONBLOCK", 0)), "rb") as source,
    ):
        known = os.fstat(source.fileno())
        if stat.S_ISREG(known.st_mode) and known.st_nlink == 1:
            with copy.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            return
    raise RefusalError("post-spoilt", "the program of `post` left a link, or no file, for an image", fix=_BY_HAND)


def _is_image(path: Path) -> bool:
    """Whether a file is a NIfTI image with all its voxels: read piece by piece, as it may inflate to anything."""
    inflated = 0
    try:
        proxy: Any = Nifti1Image.from_filename(path).dataobj
        voxels = math.prod(int(length) for length in proxy.shape)
        with gzip.open(path) as stream:
            while (piece := stream.read(_PIECE)) and inflated <= _MOST_BYTES:
                inflated += len(piece)
    except Exception:  # noqa: BLE001 what is spoilt fails in many ways
        return False
    return voxels > 0 and int(proxy.offset) + voxels * proxy.dtype.itemsize <= inflated <= _MOST_BYTES


def _is_sidecar(path: Path) -> bool:
    try:
        return path.stat().st_size <= _MOST_TEXT and isinstance(json.loads(path.read_text("utf-8")), dict)
    except (OSError, ValueError, RecursionError):
        return False
