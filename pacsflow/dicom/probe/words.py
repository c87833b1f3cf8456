"""Who we are and whom we speak to, for the eyes of a PACS administrator."""

from pacsflow.dicom.probe.address import our_address
from schemas.pacs import PacsNode
from schemas.web import Basic, Bearer, ClientCertificate, ClientCredentials, Vitrea


def us_and_them(node: PacsNode) -> str:
    """Where we are, as whom we ask, and which node."""
    place = our_address(node)
    if "dimse" not in node.protocols:
        return f"We ask from {place}, {as_whom(node)}, and speak to {node.place}."
    us = f"We are AE title {node.calling_aet} at {place}, and speak to {node.called_aet} at {node.host}:{node.port}"
    services = dict.fromkeys(node.address(each) for each in node.protocols if each != "dimse")
    return f"{us}{''.join(f', and to {address} {as_whom(node)}' for address in services)}."


def as_whom(node: PacsNode) -> str:
    """Who we are to the web services of a node; never a secret."""
    match node.auth:
        case Basic() | Vitrea():
            return f"as user {node.auth.username}"
        case Bearer():
            return "with the token that we were given"
        case ClientCredentials():
            return f"as client {node.auth.client_id}"
        case ClientCertificate():
            return "with a certificate of our own"
    return "without a log-in"
