"""A client of web services: TLS verified, credentials looked up as late as possible.

Statuses, faults of the network (`httpx.HTTPError`) and what they mean are the caller's.
"""

import json
import ssl
import time
from collections.abc import Callable, Generator, Iterator
from math import inf
from urllib.parse import quote_plus

import httpx

from pacsflow.errors import SecretError
from pacsflow.secrets import resolve
from pacsflow.web_tokens import UNAUTHORIZED, Renewed, token_of
from schemas.web import Auth, Basic, Bearer, ClientCertificate, ClientCredentials, TokenCommand, Vitrea

_FILE = "${file:"
MOST_ANSWERED = 64 << 20
"""Bytes of an answer that is read as a whole."""
_TOKEN, _TOKEN_SECONDS = 1 << 20, 300.0
"""Bytes and seconds of what a provider of tokens answers."""
PATIENCE = 3600.0
"""Seconds that such an answer may take, however it comes."""


def web_client(
    url: str,
    *,
    auth: Auth | None,
    ca: str | None,
    seconds: float = 60,
    connect: float | None = None,
    most: int | None = MOST_ANSWERED,
) -> httpx.Client:
    """A client for addresses below `url`, which authenticates itself by `auth` and trusts `ca`, or the system.

    `seconds`: how long the other end may be silent; `connect`: and how long it may take to connect; `most`: bytes of
    an answer, None where the caller bounds it. Redirections are not followed. Raises SecretError for a reference that
    leads nowhere, and for files that cannot be read.
    """
    timeout = httpx.Timeout(seconds, connect=connect or seconds)
    hooks = {"response": [] if most is None else [bounded(most)]}
    return httpx.Client(base_url=url, verify=_trust(auth, ca), auth=_proof(auth), timeout=timeout, event_hooks=hooks)


def bounded(most: int, patience: float | None = None) -> Callable[[httpx.Response], None]:
    """A hook for responses: what is longer than `most` bytes, or `patience` seconds, ends in httpx.ReadError.

    Left out, `patience` is `PATIENCE`.
    """

    def hook(response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 clients here are not asynchronous
        response.stream = _Bounded(response.stream, most, PATIENCE if patience is None else patience)

    return hook


def at_home_only(response: httpx.Response) -> None:
    """A hook for responses: raises httpx.RemoteProtocolError for a redirection to another host, port or scheme.

    For libraries that follow redirections: they would bring requests, and what stands in them, to a stranger.
    """
    place = response.headers.get("location", "") if response.is_redirect else ""
    if place and _origin(response.url.join(place)) != _origin(response.url):
        raise httpx.RemoteProtocolError("a redirection to another host", request=response.request)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class _Bounded(httpx.SyncByteStream):
    """A stream that ends in an error where it is too long, or does not end."""

    def __init__(self, stream: httpx.SyncByteStream, most: int, patience: float) -> None:
        self._stream, self._most, self._patience = stream, most, patience

    def __iter__(self) -> Iterator[bytes]:
        came, end = 0, time.monotonic() + self._patience
        for piece in self._stream:
            came += len(piece)
            if came > self._most or time.monotonic() > end:
                raise httpx.ReadError("an answer without end")
            yield piece

    def close(self) -> None:
        self._stream.close()


def _trust(auth: Auth | None, ca: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
        if isinstance(auth, ClientCertificate):
            context.load_cert_chain(auth.certificate, auth.key, password=_no_password)
    except OSError:
        raise SecretError(
            "a file of `ca` or `auth` cannot be read as PEM", fix="check ca, certificate and key"
        ) from None
    return context


def _no_password() -> str:
    # Without this, OpenSSL asks the terminal, and a run stands still.
    raise SecretError("the key of the client certificate is protected by a password", fix="give one without")


def _proof(auth: Auth | None) -> httpx.Auth | None:
    match auth:
        case Basic():
            return httpx.BasicAuth(auth.username, resolve(auth.password))
        case Bearer():
            return Renewed(lambda: resolve(auth.token), refresh=0 if auth.token.startswith(_FILE) else inf)
        case TokenCommand():
            return Renewed(lambda: token_of(auth.run), refresh=auth.refresh, shared=json.dumps(auth.run))
        case ClientCredentials():
            return _Fetched(auth)
        case Vitrea():
            return _Session(auth)
    return None


class _Fetched(httpx.Auth):
    """A token, fetched when it is first needed and once more when it is refused, as when it has run out."""

    def __init__(self, settings: ClientCredentials) -> None:
        self._settings = settings
        self._token = ""

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request, with the requests for tokens that it needs. The answer's body is left to be streamed."""
        known = self._token
        if not known:
            yield from self._renew(request)
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == UNAUTHORIZED and known:
            yield from self._renew(request)
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _renew(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """A new token for `request`, asked for as patiently as it is."""
        settings = self._settings
        form = {"grant_type": "client_credentials", **({"scope": settings.scope} if settings.scope else {})}
        asking = httpx.Request("POST", settings.token_url, data=form, extensions=request.extensions)
        # RFC 6749 2.3.1: the header is what every provider must take, both parts encoded as in a form.
        proof = httpx.BasicAuth(quote_plus(settings.client_id), quote_plus(resolve(settings.client_secret)))
        answer = yield next(proof.auth_flow(asking))
        bounded(_TOKEN, _TOKEN_SECONDS)(answer)
        answer.read()
        if answer.is_server_error:
            answer.raise_for_status()
        try:
            token = answer.json()["access_token"] if answer.is_success else None
        except (ValueError, KeyError, TypeError):
            token = None
        if not isinstance(token, str) or not token:
            raise SecretError(
                f"the provider of tokens gave none: HTTP {answer.status_code}",
                fix="check token_url, client_id, client_secret and scope",
            )
        self._token = token


class _Session(httpx.Auth):
    """A log-in whose cookie the client keeps; done where a request is refused, as when the session has ended."""

    def __init__(self, settings: Vitrea) -> None:
        self._settings = settings

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield request
        if response.status_code != UNAUTHORIZED:
            return
        settings = self._settings
        said = {"X-Userid": settings.username, "X-Password": resolve(settings.password), "X-Realm": settings.realm}
        headers = {name.encode(): _as_header(value) for name, value in said.items()}
        answer = yield httpx.Request("POST", settings.login_url, headers=headers, extensions=request.extensions)
        if answer.is_server_error:
            answer.raise_for_status()
        if not answer.is_success:
            raise SecretError(
                f"the log-in was refused: HTTP {answer.status_code}",
                fix="check login_url, username, password and realm",
            )
        cookies = httpx.Cookies()
        cookies.extract_cookies(answer)
        request.headers.pop("Cookie", None)
        cookies.set_cookie_header(request)
        yield request


def _as_header(value: str) -> bytes:
    try:
        return value.encode("iso-8859-1")
    except UnicodeEncodeError:
        raise SecretError(
            "the log-in has letters that no header of HTTP can carry", fix="take letters of ISO 8859-1 only"
        ) from None
