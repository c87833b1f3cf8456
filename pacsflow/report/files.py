"""Reports appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


@contextmanager
def whole_file(path: Path, mode: int) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place, on disk and with `mode`, when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)
    try:
        os.fchmod(descriptor, mode)
        yield temporary
        os.fsync(descriptor)
        temporary.replace(path)
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, mode: int) -> Path:
    """Write `text` as UTF-8; `path`."""
    with whole_file(path, mode) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path
