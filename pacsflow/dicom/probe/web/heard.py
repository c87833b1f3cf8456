"""What an answer tells beside its content: its status, and how the connection is secured."""

from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Heard:
    """`status`: of HTTP. `version`: of TLS, '' without it; `until`: when the service's certificate ends."""

    status: int
    version: str = ""
    until: str = ""


def hear(response: httpx.Response) -> Heard:
    """What a response tells while its connection is open."""
    if response.url.scheme != "https":
        return Heard(response.status_code)
    stream = response.extensions.get("network_stream")
    secured = stream.get_extra_info("ssl_object") if stream else None
    if secured is None:
        return Heard(response.status_code, "TLS")
    certificate = secured.getpeercert() or {}
    return Heard(response.status_code, secured.version() or "TLS", str(certificate.get("notAfter") or ""))
