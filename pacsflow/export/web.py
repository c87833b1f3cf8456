"""What targets behind HTTP share: faults in our own words, and files sent from disk no faster than allowed."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from pacsflow.errors import TargetError
from pacsflow.export.bandwidth import Bandwidth

SECONDS = 300
"""How long the other end may be silent: it may store what it was given before it answers."""
_PIECE = 1 << 20
_BUSY, _FAULT, _TIMEOUT, _TOO_EARLY = 429, 500, 408, 425
_WHY = {
    401: "check the credentials",
    403: "check the rights of the user",
    404: "check the address",
    413: "send less at once",
}


@contextmanager
def own_words(kind: str) -> Iterator[None]:
    """Faults of the network without their texts, which may hold addresses and answers. Raises TargetError."""
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError) as error:
        if _distrusted(error):
            raise TargetError(
                f"{kind}: the server's certificate is not trusted",
                fix="name the authority that signed it in `ca`; never do without",
            ) from None
        raise TargetError(
            f"{kind}: the server cannot be reached, or broke off ({type(error).__name__})",
            fix="check the address; it is tried again",
            transient=True,
        ) from None


def _distrusted(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def refused(kind: str, answer: httpx.Response) -> TargetError:
    """The error for an answer that is not a success."""
    status = answer.status_code
    passing = status >= _FAULT or status in {_BUSY, _TIMEOUT, _TOO_EARLY}
    return TargetError(
        f"{kind}: the server answers with HTTP {status}",
        fix=_WHY.get(status, "look at the server's log"),
        transient=passing,
    )


class Sent:
    """The bytes of a request, pieces in memory and files on disk, no faster than `limit` MB/s; may be sent again."""

    def __init__(self, pieces: Sequence[bytes | Path], limit: float | None) -> None:
        self._pieces, self._limit = pieces, limit
        self.size = sum(len(one) if isinstance(one, bytes) else one.stat().st_size for one in pieces)

    def __iter__(self) -> Iterator[bytes]:
        bandwidth = Bandwidth(self._limit)
        for one in self._pieces:
            for piece in [one] if isinstance(one, bytes) else _read(one):
                yield piece
                bandwidth.spend(len(piece))


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece
