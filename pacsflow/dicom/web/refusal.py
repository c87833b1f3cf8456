"""What went wrong with a request, from its status (PS3.18 8.5) or its connection: never from its content."""

import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from pacsflow.dicom.dimse.broken import SilenceError
from pacsflow.dicom.tls_refusal import tls_refusal
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from schemas.pacs import PacsNode

_NO_SUCH, _NOT_AUTHORIZED, _NOT_RIGHT = 0x0112, 0x0124, 0x0117
_BUSY, _UNABLE = 0xA700, 0xC000
_PERMIT = "ask the PACS administrator to permit this user to query and retrieve"
_ADDRESS = "check `url` (or `urls`) in pacs.yaml, and that the node still has what is asked for"
_SIGN_IN = "check `auth` in pacs.yaml, and the secret it names"

# status -> like status of DIMSE (PS3.7 C), what it says, what the user can do
_PERMANENT = {
    400: (_NOT_RIGHT, "it does not understand the request", "leave out keys the service does not know"),
    401: (_NOT_AUTHORIZED, "our log-in is not accepted", _SIGN_IN),
    403: (_NOT_AUTHORIZED, "this is not permitted to us", _PERMIT),
    404: (_NO_SUCH, "there is nothing at this address", _ADDRESS),
    406: (_NOT_RIGHT, "it cannot give this in the form asked for", "fetch by another method: `fetch.method`"),
    410: (_NO_SUCH, "it is gone", _ADDRESS),
    413: (_NOT_RIGHT, "this would be too much at once", "narrow the row, by dates or modality"),
    501: (_NOT_RIGHT, "it does not offer this", "find or fetch by another protocol"),
    505: (_NOT_RIGHT, "it does not speak this HTTP", _ADDRESS),
}
_TRANSIENT = {
    408: (_UNABLE, "it took too long"),
    425: (_BUSY, "it is too early"),
    429: (_BUSY, "this was too often"),
    503: (_BUSY, "it is busy"),
}
_TYPE = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}")
_REACH = "check `url` in pacs.yaml, and the firewall between this computer and the service"
_IF_IT_LASTS = "if it lasts, ask the PACS administrator for the service's log"


def refused(what: str, response: httpx.Response, node: PacsNode) -> PacsError:
    """The error of an answer that is not one of success. `status` is the DIMSE status that says the like."""
    error = _refused(what, response, node)
    error.http = response.status_code
    return error


def named_type(headers: httpx.Headers) -> str:
    """The Content-Type of an answer that is not what was asked for, to be added to a message; a log-in page says so."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(kind):
        return "" if not kind else ": its Content-Type is not one"
    return f": it is {kind}" + (", as of a log-in page" if kind == "text/html" else "")


def _refused(what: str, response: httpx.Response, node: PacsNode) -> PacsError:
    code = response.status_code
    said = f"node {node.name} answered {what} with HTTP {code}"
    if code in _PERMANENT:
        status, meaning, fix = _PERMANENT[code]
        return PacsPermanentError(f"{said}: {meaning}", fix=fix, status=status)
    if HTTPStatus.MULTIPLE_CHOICES <= code < HTTPStatus.BAD_REQUEST:
        return PacsPermanentError(f"{said}: it is somewhere else", fix="write the address it has moved to as `url`")
    if code < HTTPStatus.INTERNAL_SERVER_ERROR and code not in _TRANSIENT:
        return PacsPermanentError(f"{said}: it refuses", fix=_ADDRESS, status=_NOT_RIGHT)
    status, meaning = _TRANSIENT.get(code, (_UNABLE, "it failed"))
    return PacsTransientError(f"{said}: {meaning}", fix=_IF_IT_LASTS, status=status)


def longest_wait(response: httpx.Response, node: PacsNode) -> float:
    """Seconds the service asks us to wait (RFC 9110 10.2.3), at most as long as we wait for a response."""
    text = response.headers.get("Retry-After", "")
    try:
        seconds = float(text) if text.isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, seconds), node.timeouts.response)


@contextmanager
def unreachable(node: PacsNode, broken: type[PacsTransientError] = PacsTransientError) -> Iterator[None]:
    """Raise our errors for those of httpx within: SilenceError, PacsTransientError, PacsPermanentError.

    `broken`: what is raised where a connection that stood breaks.
    """
    try:
        yield
    except httpx.ReadTimeout:
        raise SilenceError(f"node {node.name} stayed silent for {node.timeouts.response:g} s") from None
    except httpx.ConnectError as error:
        away = PacsTransientError(f"node {node.name} cannot be reached at its web address", fix=_REACH)
        raise _of_tls(error, node) or away from None
    except httpx.TimeoutException:
        raise PacsTransientError(f"node {node.name} cannot be reached: timed out", fix=_REACH) from None
    except httpx.HTTPStatusError as error:  # of a log-in
        code = error.response.status_code
        raise PacsTransientError(f"the log-in at node {node.name} failed with HTTP {code}", fix=_IF_IT_LASTS) from None
    except httpx.InvalidURL:
        raise PacsPermanentError("an address is not one of the web", fix=_ADDRESS) from None
    except (httpx.HTTPError, httpx.StreamError, OSError, RuntimeError) as error:
        broke = broken(f"the connection to node {node.name} broke", fix=_IF_IT_LASTS)
        raise _of_tls(error, node) or broke from None


def _of_tls(error: Exception, node: PacsNode) -> PacsError | None:
    """The error of a TLS handshake, seen when we connect; under TLS 1.3 a want of our certificate when we read."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is None or not (isinstance(error, httpx.ConnectError) or "CERTIFICATE" in str(cause.reason)):
        return None
    return tls_refusal(
        cause,
        node.name,
        trust="check `ca` in pacs.yaml, and that the address has the name in the certificate",
        speech="check `url`: https or http, and whether the service asks for a certificate (`auth`)",
    )
