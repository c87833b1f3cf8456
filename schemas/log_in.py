"""log-in.yaml: the OpenID provider by which people log in to a console, and which roles its claims give."""

from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from schemas._base import Model, Secret

Role = Literal["view", "decide", "run", "administer"]


def is_private_address(address: str) -> bool:
    """Whether what is sent to a web address is read by nobody else: https, or this machine's loopback."""
    found = urlsplit(address)
    if found.scheme == "https":
        return bool(found.hostname)
    try:
        near = found.hostname == "localhost" or ip_address(found.hostname or "").is_loopback
    except ValueError:
        return False
    return found.scheme == "http" and near


def _private(address: str) -> str:
    found = urlsplit(address)
    if not is_private_address(address):
        raise ValueError("begins with https://; http:// is for loopback only")
    if found.username or found.query or found.fragment:
        raise ValueError("is an address without a user, a query and a fragment")
    return address


_Address = Annotated[str, AfterValidator(_private)]


class LogIn(Model):
    """log-in.yaml: OpenID Connect, the authorization code flow with PKCE."""

    version: Literal[1] = Field(description="Version of this file's language", examples=[1])
    issuer: _Address = Field(
        description="Issuer, exactly as the provider writes it; `/.well-known/openid-configuration` stands below it",
        examples=["https://login.example.org/realms/research"],
    )
    client_id: str = Field(min_length=1, description="Id of the console at the provider", examples=["pacsflow"])
    client_secret: Secret | None = Field(None, description="Secret of the console at the provider, where it has one")
    address: _Address | None = Field(
        None,
        description="Where people reach the console; left out: where it listens. `/oidc/back` below it is what the "
        "provider leads back to, and has to be registered there",
        examples=["https://console.example.org:8321"],
    )
    scopes: list[str] = Field(default=["openid", "profile"], description="What the provider is asked for")
    name: str = Field(
        "sub",
        min_length=1,
        description="Claim that names a person on trails; no two persons may ever have one value of it, and none may "
        "change it. `sub` is the only claim of which the standard promises that",
        examples=["preferred_username"],
    )
    roles_claim: str = Field(
        "groups",
        min_length=1,
        description="Claim that the roles are read from: a text, or a list of texts; a dot leads into a claim",
        examples=["realm_access.roles"],
    )
    roles: dict[str, list[Role]] = Field(
        min_length=1,
        description="Value of that claim -> roles. Who has none of these values is not let in; who is, may `view`",
        examples=[{"imaging": ["view"], "imaging-leads": ["decide", "run", "administer"]}],
    )
    ca: str | None = Field(None, description="PEM file of the authorities that the provider's certificate is of")
