"""What is wrong where TLS is not agreed on with a node, in words."""

import ssl

from pacsflow.errors import PacsPermanentError

_EXPIRED = 10
"""X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL."""
_RENEW = "ask the PACS administrator to renew the node's certificate, or its authority's"


def tls_refusal(error: BaseException, node: str, *, trust: str, speech: str) -> PacsPermanentError | None:
    """The lasting error of a TLS handshake, with the fixes for the node's certificate and for all else.

    `node`: its name. None where `error` is not of TLS, or the connection just ended.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"the certificate of node {node} is not accepted: {error.verify_message}"
        return PacsPermanentError(why, fix=_RENEW if error.verify_code == _EXPIRED else trust)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return PacsPermanentError(f"node {node} does not speak TLS as we do: {error.reason}", fix=speech)
    return None
