"""Cases that `make test` takes some of, so that it stays short, and `make soak` all."""

from collections.abc import Collection, Iterable

import pytest


def sometimes(cases: Iterable[tuple[object, ...]], always: Collection[tuple[object, ...]]) -> list[object]:
    """Parameters of a test: those of `always` as they are, the others for `make soak`."""
    return [pytest.param(*one, marks=() if one in always else pytest.mark.soak) for one in cases]
