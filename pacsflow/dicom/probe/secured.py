"""The findings of TLS: that there is none, or its version and the end of the node's certificate."""

import ssl
from datetime import UTC, datetime

from pacsflow.dicom.probe.contract import Fact, Finding

_SOON = 30
"""Days before the end of a certificate from which on its renewal is asked for."""


def plain(name: str) -> Finding:
    """No TLS."""
    return Finding(name, "no", "not used: what is asked and sent can be read on the network", {"used": False})


def secured(name: str, version: str, until: str, *, mutual: bool) -> Finding:
    """TLS of a version, with a certificate that ends at `until`, as OpenSSL writes it; '' where that is not known."""
    said = f"{version}, the node's certificate is verified{', ours is shown' if mutual else ''}"
    if not until:
        return Finding(name, "ok", said, {"used": True, "version": version})
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC)
    days = (end - datetime.now(UTC)).days
    facts: dict[str, Fact] = {"used": True, "version": version, "certificate days": days}
    ask = f"renew the node's certificate: it ends in {days} days" if days < _SOON else ""
    return Finding(name, "ok", f"{said}, it ends on {end:%Y-%m-%d}", facts, ask=ask)
