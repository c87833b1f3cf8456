"""Tokens that are read, or made by a program, again and again (RFC 6750)."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from math import inf

import httpx

from pacsflow.errors import SecretError

UNAUTHORIZED = 401
_SECONDS = 60
_MOST = 1 << 16
_NAMES = ("access_token", "accessToken")


@dataclass
class _Held:
    """A token, since when it is known, and the lock of those who renew it."""

    token: str = field(default="", repr=False)
    since: float = -inf
    lock: threading.Lock = field(default_factory=threading.Lock)


_shared: dict[str, _Held] = {}
_lock = threading.Lock()


class Renewed(httpx.Auth):
    """A token by `read`, read again after `refresh` seconds, and where the service refuses it.

    `shared`: name under which all clients of this process have one token; empty: each its own.
    """

    def __init__(self, read: Callable[[], str], *, refresh: float, shared: str = "") -> None:
        self._read, self._refresh = read, refresh
        with _lock:
            self._held = _shared.setdefault(shared, _Held()) if shared else _Held()
        self._token()  # a reference that leads nowhere is told before anything is asked

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with the token; once more with another one, where there is another."""
        token = self._token()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == UNAUTHORIZED and (new := self._token(refused=token)) != token:
            request.headers["Authorization"] = f"Bearer {new}"
            yield request

    def _token(self, refused: str = "") -> str:
        held = self._held
        with held.lock:
            old = time.monotonic() - held.since >= self._refresh
            if not held.token or old or held.token == refused:
                held.token, held.since = self._read(), time.monotonic()
            return held.token


def token_of(run: Sequence[str]) -> str:
    """The token that a program prints, as it is or in JSON. Nothing that it says is repeated. Raises SecretError."""
    try:
        ended = subprocess.run(
            [*run],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _told(f"did not end within {_SECONDS} s", "run it by hand: does it wait for a log-in?") from None
    except (OSError, ValueError):
        raise _told("cannot be started", "check its name; a full path is safest for runs by a worker") from None
    if ended.returncode:
        raise _told(f"ended with exit code {ended.returncode}", "run it by hand, as the same user")
    token = _from(ended.stdout)
    if not token:
        raise _told(
            "did not print a token",
            "it must print the token, or JSON with access_token or accessToken, and nothing else",
        )
    return token


def _from(printed: bytes) -> str:
    try:
        text = printed.decode("ascii").strip() if len(printed) <= _MOST else ""
    except UnicodeDecodeError:
        return ""
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return ""
        text = next((found[name] for name in _NAMES if isinstance(found.get(name), str)), "")
    return text if text.isprintable() and " " not in text else ""


def _told(what: str, fix: str) -> SecretError:
    return SecretError(f"the program of `auth: {{kind: command}}` {what}", fix=fix)
