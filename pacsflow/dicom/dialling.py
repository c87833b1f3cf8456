"""TCP and TLS connections to a node, or the reason why there is none."""

import socket
import ssl

from pacsflow.errors import PacsPermanentError, PacsTransientError
from schemas.pacs import PacsNode, Tls


def dial(node: PacsNode) -> socket.socket:
    """A connected socket, TLS included. Raises PacsTransientError, PacsPermanentError (name unknown, TLS refused)."""
    try:
        plain = socket.create_connection((node.host, node.port), node.timeouts.connect)
    except socket.gaierror as error:
        kind = PacsTransientError if error.errno == socket.EAI_AGAIN else PacsPermanentError
        raise kind(f"the host name of node {node.name} is not known", remedy="check `host` in pacs.yaml") from None
    except OSError as error:
        raise PacsTransientError(
            f"node {node.name} cannot be reached at its host and port: {error.strerror or 'timed out'}",
            remedy="check `host` and `port` in pacs.yaml, and the firewall between this computer and the node",
        ) from None
    return _secured(plain, node) if node.tls else plain


def _secured(plain: socket.socket, node: PacsNode) -> socket.socket:
    assert node.tls is not None  # noqa: S101 - asked by the caller
    try:
        return client_tls(node.tls).wrap_socket(plain, server_hostname=node.host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise PacsPermanentError(
            f"the certificate of node {node.name} is not accepted: {error.verify_message}",
            remedy="check `tls.ca` in pacs.yaml, and that `host` is the name in the node's certificate",
        ) from None
    except ssl.SSLEOFError:
        plain.close()
        raise PacsTransientError(f"node {node.name} ended the TLS handshake") from None
    except ssl.SSLError as error:
        plain.close()
        raise PacsPermanentError(
            f"node {node.name} does not speak TLS as we do: {error.reason}",
            remedy="check that `port` is the node's TLS port, and whether it asks for `tls.certificate`",
        ) from None
    except OSError:
        plain.close()
        raise PacsTransientError(f"node {node.name} ended the connection before TLS stood") from None


def client_tls(tls: Tls) -> ssl.SSLContext:
    """TLS as the one who connects: the node's certificate is verified, ours is shown where there is one."""
    return _with_certificate(_context(tls, ssl.Purpose.SERVER_AUTH), tls)


def server_tls(tls: Tls) -> ssl.SSLContext:
    """TLS as the one who is connected to: both certificates are shown and verified (PS3.15 B.9)."""
    if not tls.certificate:
        raise PacsPermanentError(
            "C-MOVE over TLS needs our own certificate", remedy="set `tls.certificate` and `tls.key` in pacs.yaml"
        )
    context = _with_certificate(_context(tls, ssl.Purpose.CLIENT_AUTH), tls)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _context(tls: Tls, purpose: ssl.Purpose) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(purpose, cafile=tls.ca)
    except OSError:
        raise PacsPermanentError("`tls.ca` cannot be read", remedy="check `tls.ca` in pacs.yaml: a PEM file") from None


def _with_certificate(context: ssl.SSLContext, tls: Tls) -> ssl.SSLContext:
    if tls.certificate:
        try:
            context.load_cert_chain(tls.certificate, tls.key)
        except OSError:
            raise PacsPermanentError(
                "our own certificate or its key cannot be read",
                remedy="check `tls.certificate` and `tls.key`: PEM files",
            ) from None
    return context
