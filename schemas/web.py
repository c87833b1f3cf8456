"""How a web service is spoken to: its address, who we are to it, and whom we trust."""

from typing import Annotated, Literal

from pydantic import Field

from schemas._base import Model, Seconds, Secret

HttpsUrl = Annotated[
    str,
    Field(
        pattern=r"^https://[^@\s?#]+$",
        description="Base address, https only, without user and password",
        examples=["https://pacs.example.org/dicom-web"],
    ),
]

WebUrl = Annotated[
    str,
    Field(
        pattern=r"^https?://[^@\s?#]+$",
        description="Base address, without user and password",
        examples=["https://pacs.example.org/dicom-web"],
    ),
]


class Tls(Model):
    """DICOM TLS (PS3.15 B.9), also mutual."""

    ca: str = Field(description="PEM file of the authorities that sign the node's certificate")
    certificate: str | None = Field(None, description="PEM file of our own certificate (mutual TLS)")
    key: str | None = Field(None, description="PEM file of our own key (mutual TLS)")


class Basic(Model):
    """A user and a password (RFC 7617)."""

    kind: Literal["basic"]
    username: str = Field(min_length=1, description="User", examples=["pacsflow"])
    password: Secret


class Bearer(Model):
    """A token that was given to us (RFC 6750); the reference is read again where the token is refused."""

    kind: Literal["bearer"]
    token: Secret


class TokenCommand(Model):
    """A token that a program on this computer gives, as those of Google, Azure and AWS do; it is run again in time."""

    kind: Literal["command"]
    run: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1,
        description="Program and arguments, started without a shell. It prints the token, or JSON with `access_token` "
        "or `accessToken`, and nothing else",
        examples=[["gcloud", "auth", "print-access-token"]],
    )
    refresh: Seconds = Field(
        3000, description="Seconds after which it is run again; it also is where the service refuses the token"
    )


class ClientCredentials(Model):
    """A token that an OpenID Connect provider gives for client credentials (RFC 6749 4.4), and gives again."""

    kind: Literal["oidc"]
    token_url: HttpsUrl = Field(
        description="Token endpoint of the provider, https only",
        examples=["https://login.example.org/realms/imaging/protocol/openid-connect/token"],
    )
    client_id: str = Field(min_length=1, description="Our client identifier", examples=["pacsflow"])
    client_secret: Secret
    scope: str | None = Field(None, description="Scopes to ask for, with spaces between", examples=["dicomweb"])


class ClientCertificate(Model):
    """A certificate of our own (mutual TLS)."""

    kind: Literal["certificate"]
    certificate: str = Field(description="PEM file of our own certificate", examples=["ours.pem"])
    key: str = Field(description="PEM file of our own key", examples=["ours.key"])


class Vitrea(Model):
    """A log-in that gives a session cookie, as Vitrea Connection's; done again when the session has ended."""

    kind: Literal["vitrea"]
    login_url: HttpsUrl = Field(
        description="Address that logs in, https only", examples=["https://vitrea.example.org/rest/v1/login"]
    )
    username: str = Field(min_length=1, description="User", examples=["pacsflow"])
    password: Secret
    realm: str = Field("DefaultSystemRealm", description="Vitrea's realm")


Auth = Annotated[
    Basic | Bearer | TokenCommand | ClientCredentials | ClientCertificate | Vitrea, Field(discriminator="kind")
]
"""Who we are to a web service."""
