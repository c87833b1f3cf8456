"""Log-in by an OpenID provider: authorization code flow with PKCE (OpenID Connect Core 1.0, 3.1; RFC 7636)."""

import hmac
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from pacsflow.console.accounts import Visitor
from pacsflow.errors import PacsflowError
from pacsflow.secrets import resolve
from pacsflow.web import bounded
from schemas.log_in import LogIn, is_private_address

BACK: Final = "/oidc/back"
"""The path that the provider leads back to."""
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""How an ID token may be signed, whatever the provider or the token says: by a key that only the provider has."""
SECONDS: Final = 10.0
FRESH: Final = 3600.0
"""Seconds for which what the provider says of itself is kept."""
LEEWAY: Final = 60
"""Seconds that the clocks of the two may differ."""
LONGEST_NAME: Final = 100
_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_MOST_BYTES: Final = 1_000_000


class LogInRefusedError(PacsflowError):
    """The provider did not prove who a person is, or that person may not be let in. Names nobody."""


@dataclass(frozen=True)
class LogInBegun:
    """What one browser was sent to the provider with."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class _Known:
    """What the provider says of itself, and its keys."""

    facts: Mapping[str, Any]
    keys: KeySet
    until: float


class Provider:
    """The provider. Thread-safe; `home` is the console's address, without a slash at the end."""

    def __init__(self, asked: LogIn, home: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._asked, self._clock = asked, clock
        self._redirect = f"{home}{BACK}"
        self._known: _Known | None = None

    @property
    def host(self) -> str:
        """Its name, for a person."""
        return urlsplit(self._asked.issuer).netloc

    def begin(self) -> tuple[str, LogInBegun]:
        """The address that a browser is sent to, and what has to come back. Raises LogInRefusedError."""
        begun = LogInBegun(*(secrets.token_urlsafe(32) for _ in range(3)))
        with self._web() as web:
            endpoint = self._about(web).facts["authorization_endpoint"]
            address, _ = self._client(web).create_authorization_url(
                endpoint, state=begun.state, nonce=begun.nonce, code_verifier=begun.verifier
            )
        return str(address), begun

    def person(self, begun: LogInBegun, answer: Mapping[str, str]) -> Visitor:
        """Who the provider says has logged in, by what it led the browser back with. Raises LogInRefusedError.

        State, code, and of the ID token signature, issuer, audience, times and nonce are checked (Core 3.1.2, 3.1.3.7).
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise LogInRefusedError("the answer is to another log-in than this browser's")
        if answer.get("iss", self._asked.issuer) != self._asked.issuer:  # RFC 9207
            raise LogInRefusedError("the answer is another provider's")
        if answer.get("error") or not answer.get("code"):
            raise LogInRefusedError("the provider did not log the person in")
        try:
            with self._web() as web:
                return self._visitor(self._claims(web, begun, answer["code"]))
        except LogInRefusedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a proof, nobody is let in by it
            raise LogInRefusedError(f"the provider's answer proves nothing ({type(error).__name__})") from None

    def _claims(self, web: httpx.Client, begun: LogInBegun, code: str) -> Mapping[str, Any]:
        known = self._about(web)
        proof, fields = self._proof(known.facts)
        found = self._client(web).fetch_token(
            known.facts["token_endpoint"],
            auth=proof,
            grant_type="authorization_code",
            code=code,
            code_verifier=begun.verifier,
            **fields,
        )
        signed = self._verified(web, known, found["id_token"])
        options = {
            "iss": {"essential": True, "value": self._asked.issuer},
            "aud": {"essential": True, "value": self._asked.client_id},
        }
        told = {
            "nonce": begun.nonce, "client_id": self._asked.client_id, "access_token": found.get("access_token")
        }  # fmt: skip
        CodeIDToken(signed.claims, signed.header, options, told).validate(leeway=LEEWAY)
        return signed.claims

    def _verified(self, web: httpx.Client, known: _Known, token: str) -> jwt.Token:
        """The token, by a key of the provider; its keys are asked for again where it has a new one."""
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        try:
            return jwt.decode(token, known.keys, registry=registry)
        except InvalidKeyIdError:
            return jwt.decode(token, self._about(web, again=True).keys, registry=registry)

    def _visitor(self, claims: Mapping[str, Any]) -> Visitor:
        name = claims.get(self._asked.name)
        if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
            raise LogInRefusedError(f"the provider does not name the person in `{self._asked.name}`")
        found: Any = claims
        for part in self._asked.roles_claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        given = [self._asked.roles[each] for each in values if isinstance(each, str) and each in self._asked.roles]
        if not given:
            raise LogInRefusedError("the person has no role here")
        return Visitor(name.strip(), frozenset({"view"}.union(*given)))

    def _proof(self, facts: Mapping[str, Any]) -> tuple[httpx.Auth, dict[str, str]]:
        """How we prove who we are at the token endpoint (RFC 6749 2.3.1), and fields of the request for it."""
        own, secret = self._asked.client_id, self._asked.client_secret
        if secret is None:
            return httpx.Auth(), {"client_id": own}
        known = resolve(secret)
        if "client_secret_basic" in facts.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            return httpx.BasicAuth(own, known), {}
        return httpx.Auth(), {"client_id": own, "client_secret": known}

    def _client(self, web: httpx.Client) -> OAuth2Client:
        return OAuth2Client(
            web,
            client_id=self._asked.client_id,
            scope=" ".join(self._asked.scopes),
            redirect_uri=self._redirect,
            code_challenge_method="S256",
        )

    def _web(self) -> httpx.Client:
        """Redirections are not followed, no secret goes elsewhere, and no answer is without end."""
        trusted = ssl.create_default_context(cafile=self._asked.ca)
        return httpx.Client(verify=trusted, timeout=SECONDS, event_hooks={"response": [bounded(_MOST_BYTES)]})

    def _about(self, web: httpx.Client, *, again: bool = False) -> _Known:
        """What the provider says of itself, kept for a while. Raises LogInRefusedError."""
        now = self._clock()
        if again or self._known is None or now >= self._known.until:
            try:
                self._known = self._asked_of(web, now)
            except LogInRefusedError:
                raise
            except Exception as error:  # noqa: BLE001 - it is another machine's answer
                told = f"the provider does not say how to log in ({type(error).__name__})"
                raise LogInRefusedError(told, fix=f"look at {self._asked.issuer}{_WELL_KNOWN}") from None
        return self._known

    def _asked_of(self, web: httpx.Client, now: float) -> _Known:
        facts = _json(web, self._asked.issuer.rstrip("/") + _WELL_KNOWN)
        if facts.get("issuer") != self._asked.issuer:
            fix = "write `issuer` exactly as the provider does"
            raise LogInRefusedError("the provider calls itself by another name", fix=fix)
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not is_private_address(facts[name]):
                raise LogInRefusedError(f"the provider's {name} is not https")
        return _Known(facts, KeySet.import_key_set(_json(web, facts["jwks_uri"])), now + FRESH)


def _json(web: httpx.Client, address: str) -> Any:
    return web.get(address).raise_for_status().json()
