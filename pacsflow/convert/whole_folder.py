"""A folder of conversions that appears whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pacsflow.staging import sync


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to write into, which takes the place of `out` when the block ends without an exception.

    What stood in `out` goes then. What an exception leaves half written is removed, and `out` stays as it was.
    """
    scratch = out.with_name(f".{out.name}.converting")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, mode=0o700)
    try:
        yield scratch
        for place in [*scratch.iterdir(), scratch]:
            sync(place)
        shutil.rmtree(out, ignore_errors=True)
        scratch.replace(out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
