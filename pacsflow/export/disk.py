"""Files and folders reached without following symbolic links, written whole or not at all."""

import errno
import hashlib
import os
import re
import shutil
import stat
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.system import DIRECTORY, NOFOLLOW, lock, need_folder_handles

NOT_LINKABLE = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES, errno.ENOSYS}
"""What the system says where a file system has no hard links, or not there."""
_PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY, errno.ENETDOWN, errno.EHOSTDOWN}
MARK = ".pacsflow"
"""The folder below each destination of files that says that it is one."""
_HALF = re.compile(r"\.[0-9a-f]{32}\.part")
"""As `temporary_name` gives them: no other name is ever swept away."""
Parts = tuple[str, ...]
_DIRECTORY = os.O_RDONLY | DIRECTORY | NOFOLLOW


@contextmanager
def own_words(kind: str) -> Iterator[None]:
    """Errors of the disk without their paths, which may name a patient. Raises TargetError."""
    try:
        yield
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else type(error).__name__
        fix = "look at the room, the rights and the name there"
        raise TargetError(f"{kind}: {words}", fix=fix, transient=error.errno in _PASSING) from None


@contextmanager
def opened(root: Path, parts: Parts, *, make: bool = True) -> Iterator[int]:
    """A descriptor of the folder `parts` below `root`, reached without a symbolic link, made where missing."""
    need_folder_handles()
    descriptor = os.open(root, os.O_RDONLY | DIRECTORY)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            below = _below(descriptor, part)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def _below(descriptor: int, part: str) -> int:
    try:
        return os.open(part, _DIRECTORY, dir_fd=descriptor)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise TargetError("a symbolic link or a file stands where a folder belongs") from None
        raise


def put(folder: int, name: str, source: Path, *, ours: Collection[str] | None = None) -> tuple[str, int]:
    """Bring `source` into the open folder as `name`, by hard link or verified copy; its sha256 and size.

    A file with another content that is not one of `ours` (sha256) is set aside, never deleted; None: all are ours.
    Raises TargetError where the copy differs from the source.
    """
    with source.open("rb") as stream:
        wanted = hashed(os.dup(stream.fileno()))
        if _is_there(folder, name, wanted, same_as=os.fstat(stream.fileno())):
            return wanted
        temporary = temporary_name()
        try:
            os.link(source, temporary, dst_dir_fd=folder)
        except OSError as error:
            if error.errno not in NOT_LINKABLE:
                raise
            _copy(source, folder, temporary)
        if not _is_there(folder, temporary, wanted, same_as=os.fstat(stream.fileno())):
            os.unlink(temporary, dir_fd=folder)
            raise TargetError("a file read back differs from what was written", transient=True)
        if ours is not None:
            _spare(folder, name, ours)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    return wanted


def _spare(folder: int, name: str, ours: Collection[str]) -> None:
    """Rename the file `name` unless it is a file of ours; a link is not followed."""
    with suppress(FileNotFoundError):
        if stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            digest, _ = hashed(os.open(name, os.O_RDONLY | NOFOLLOW, dir_fd=folder))
            if digest in ours:
                return
        os.rename(name, aside(name), src_dir_fd=folder, dst_dir_fd=folder)


def aside(name: str) -> str:
    """The name under which something is kept that pacsflow did not write, and that stood where it writes."""
    return f"{name}.kept-{uuid.uuid4().hex[:12]}"


def unmarked(kind: str) -> TargetError:
    """The fault of a place that has none of what was delivered, and not the folder that every delivery leaves."""
    return TargetError(
        f"{kind}: the place is not there, or is another one than was delivered to",
        fix="mount it, or move it back",
        transient=True,
    )


def temporary_name() -> str:
    """A name that no other file has, that marks it as not whole."""
    return f".{uuid.uuid4().hex}.part"


def _copy(source: Path, folder: int, name: str) -> None:
    descriptor = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as sink, source.open("rb") as stream:
            shutil.copyfileobj(stream, sink, 1 << 20)
            sink.flush()
            os.fsync(sink.fileno())
    except BaseException:
        os.unlink(name, dir_fd=folder)
        raise


def _is_there(folder: int, name: str, wanted: tuple[str, int], *, same_as: os.stat_result) -> bool:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if os.path.samestat(status, same_as):
        return True
    if not stat.S_ISREG(status.st_mode) or status.st_size != wanted[1]:
        return False
    return hashed(os.open(name, os.O_RDONLY | NOFOLLOW, dir_fd=folder)) == wanted


def hashed(descriptor: int) -> tuple[str, int]:
    """sha256 and size of an open file, which is closed."""
    with os.fdopen(descriptor, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return digest, stream.tell()


def facts_of(path: Path) -> tuple[str, int]:
    """sha256 and size of a file."""
    return hashed(os.open(path, os.O_RDONLY))


def first_owner(folder: int, name: str, owner: bytes) -> bytes:
    """What the file `name` of an open folder holds; `owner` where it held nothing whole of that length.

    Under a lock that ends with the process, so that a killed one leaves nothing to clear away.
    """
    flags = os.O_CREAT | os.O_RDWR | NOFOLLOW
    with os.fdopen(os.open(name, flags, 0o600, dir_fd=folder), "r+b") as stream:
        lock(stream)
        known = stream.read()
        if len(known) == len(owner):
            return known
        stream.seek(0)
        stream.truncate()
        stream.write(owner)
        stream.flush()
        os.fsync(stream.fileno())
        return owner


def sweep(folder: int) -> None:
    """Remove what a killed process left half-written in an open folder."""
    for name in os.listdir(folder):
        if _HALF.fullmatch(name):
            os.unlink(name, dir_fd=folder)
