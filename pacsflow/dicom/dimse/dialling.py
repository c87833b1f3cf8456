"""TCP and TLS connections to a node, or the reason why there is none."""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from pacsflow.dicom.tls_refusal import tls_refusal
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from schemas.pacs import PacsNode
from schemas.web import Tls


def dial(node: PacsNode) -> tuple[socket.socket, str]:
    """A connected socket, TLS included, and the address of its other end.

    Raises PacsTransientError, PacsPermanentError (name unknown, TLS refused).
    """
    context = client_tls(node.tls) if node.tls else None
    plain = _connected(node)
    try:
        address = str(plain.getpeername()[0])
        return (context.wrap_socket(plain, server_hostname=node.host) if context else plain), address
    except OSError as error:
        plain.close()
        raise _not_secured(error, node) from None


def _connected(node: PacsNode) -> socket.socket:
    try:
        return socket.create_connection((node.host, node.port), node.timeouts.connect)
    except socket.gaierror as error:
        kind = PacsTransientError if error.errno == socket.EAI_AGAIN else PacsPermanentError
        raise kind(f"the host name of node {node.name} is not known", fix="check `host` in pacs.yaml") from None
    except OSError as error:
        raise PacsTransientError(
            f"node {node.name} cannot be reached at its host and port: {error.strerror or 'timed out'}",
            fix="check `host` and `port` in pacs.yaml, and the firewall between this computer and the node",
        ) from None


def _not_secured(error: OSError, node: PacsNode) -> PacsError:
    return tls_refusal(
        error,
        node.name,
        trust="check `tls.ca` in pacs.yaml, and that `host` is the name in the node's certificate",
        speech="check that `port` is the node's TLS port, and whether it asks for `tls.certificate`",
    ) or PacsTransientError(
        f"node {node.name} ended the connection before it stood",
        fix="if it lasts, check whether `port` is the node's TLS port, as pacs.yaml says",
    )


def client_tls(tls: Tls) -> ssl.SSLContext:
    """TLS for connections that we open: the node's certificate is verified, ours is shown where there is one."""
    return _with_certificate(_context(tls, ssl.Purpose.SERVER_AUTH), tls)


def server_tls(tls: Tls) -> ssl.SSLContext:
    """TLS for connections that the node opens: both certificates are shown and verified (PS3.15 B.9).

    Raises PacsPermanentError where pacs.yaml names no certificate of ours, or its files cannot be read.
    """
    if not tls.certificate:
        raise PacsPermanentError(
            "C-MOVE over TLS needs our own certificate", fix="set `tls.certificate` and `tls.key` in pacs.yaml"
        )
    context = _with_certificate(_context(tls, ssl.Purpose.CLIENT_AUTH), tls)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _context(tls: Tls, purpose: ssl.Purpose) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(purpose, cafile=tls.ca)
    except OSError:
        raise PacsPermanentError("`tls.ca` cannot be read", fix="check `tls.ca` in pacs.yaml: a PEM file") from None


def run_out(tls: Tls | None) -> bool:
    """Whether our own certificate has expired; False where we have none, or it cannot be read."""
    try:
        pem = Path(tls.certificate).read_bytes() if tls and tls.certificate else b""
        return bool(pem) and load_pem_x509_certificate(pem).not_valid_after_utc < datetime.now(UTC)
    except (OSError, ValueError):
        return False


def _with_certificate(context: ssl.SSLContext, tls: Tls) -> ssl.SSLContext:
    if tls.certificate:
        try:
            context.load_cert_chain(tls.certificate, tls.key)
        except OSError:
            raise PacsPermanentError(
                "our own certificate or its key cannot be read",
                fix="check `tls.certificate` and `tls.key`: PEM files",
            ) from None
    return context
