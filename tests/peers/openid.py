"""OpenID providers: Glewlwyd from Debian, and one that says whatever a test tells it to."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry

from peers.ports import answers, free_port
from peers.process import Server, program

MODULES = Path("/usr/lib/glewlwyd")
TABLES = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
ALGORITHM = "RS256"


class Glewlwyd(Server):
    """`issuer`; people log in with `PASSWORD`, and their claim `groups` is what `add` was given."""

    PASSWORD = "a password of the provider"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.issuer = f"{self.url}/api/oidc"
        with sqlite3.connect(folder / "glewlwyd.db") as tables:
            tables.executescript(TABLES.read_text() if TABLES.exists() else "")
        (folder / "glewlwyd.conf").write_text(self._configuration(folder))
        command = [program("Glewlwyd", "/usr/bin/glewlwyd"), f"--config-file={folder / 'glewlwyd.conf'}"]
        super().__init__(folder, command)

    def _configuration(self, folder: Path) -> str:
        places = {
            "user_module_path": "user", "user_middleware_module_path": "user_middleware",
            "client_module_path": "client", "user_auth_scheme_module_path": "scheme", "plugin_module_path": "plugin",
        }  # fmt: skip
        words = {
            "external_url": self.url, "login_url": "login.html", "api_prefix": "api", "log_mode": "console",
            "log_level": "ERROR", "cookie_domain": "127.0.0.1", "session_key": "GLEWLWYD", "admin_scope": "g_admin",
            "profile_scope": "g_profile", "hash_algorithm": "SHA512",
            **{name: str(MODULES / place) for name, place in places.items()},
        }  # fmt: skip
        lines = [f"port={self.port}", 'bind_address="127.0.0.1"', "cookie_secure=0", "session_expiration=3600"]
        lines += [f'{name}="{value}"' for name, value in words.items()]
        return "\n".join([*lines, f'database = {{ type = "sqlite3"; path = "{folder / "glewlwyd.db"}"; }};', ""])

    def ready(self) -> bool:
        return answers(self.port)

    @contextmanager
    def _admin(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            told(client.post("/api/auth/", json={"username": "admin", "password": "password"}))  # as its tables come
            yield client

    def begin(self, client_id: str, secret: str, redirect: str) -> None:
        """Make it a provider with one client."""
        key = RSAKey.generate_key(2048)
        parameters = {
            "iss": self.issuer, "jwt-type": "rsa", "jwt-key-size": "256", "key": key.as_pem(private=True).decode(),
            "cert": key.as_pem(private=False).decode(), "access-token-duration": 3600, "refresh-token-duration": 3600,
            "code-duration": 600, "refresh-token-rolling": False, "allow-non-oidc": False,
            "auth-type-code-enabled": True, "auth-type-implicit-enabled": False, "auth-type-token-enabled": False,
            "auth-type-none-enabled": False, "auth-type-password-enabled": False, "auth-type-client-enabled": False,
            "auth-type-device-enabled": False, "auth-type-refresh-enabled": False, "subject-type": "public",
            "pkce-allowed": True, "pkce-required": True, "pkce-method-plain-allowed": False, "jwks-show": True,
            "claims": [{"name": "groups", "user-property": "groups", "type": "string", "mandatory": True}],
            "name-claim": "mandatory", "email-claim": "no", "scope-claim": "no",
        }  # fmt: skip
        with self._admin() as admin:
            users = told(admin.get("/api/mod/user/database")).json()
            format_ = users["parameters"]["data-format"]
            format_["groups"] = {
                "multiple": True,
                "read": True,
                "write": True,
                "profile-read": True,
                "profile-write": False,
            }
            admin.put("/api/mod/user/database", json=users).raise_for_status()
            admin.put("/api/mod/user/database/reset").raise_for_status()
            plugin = {"module": "oidc", "name": "oidc", "display_name": "OpenID", "parameters": parameters}
            told(admin.post("/api/mod/plugin/", json=plugin))
            client = {
                "client_id": client_id, "name": client_id, "enabled": True, "confidential": True,
                "password": secret, "client_secret": secret, "redirect_uri": [redirect], "authorization_type": ["code"],
                "token_endpoint_auth_method": ["client_secret_basic"], "scope": ["openid"],
            }  # fmt: skip
            told(admin.post("/api/client/", params={"source": "database"}, json=client))

    def add(self, name: str, groups: list[str]) -> None:
        """A person."""
        with self._admin() as admin:
            person = {"username": name, "name": name, "password": self.PASSWORD, "enabled": True,
                      "groups": groups, "scope": ["openid", "g_profile"]}  # fmt: skip
            told(admin.post("/api/user/", params={"source": "database"}, json=person))

    @contextmanager
    def log_in(self, name: str, client_id: str) -> Iterator[httpx.Client]:
        """A person's browser that has logged in there, and lets the client know who it is."""
        with httpx.Client(timeout=30) as browser:
            told(browser.post(f"{self.url}/api/auth/", json={"username": name, "password": self.PASSWORD}))
            told(browser.put(f"{self.url}/api/auth/grant/{client_id}", json={"scope": "openid"}))
            yield browser

    @staticmethod
    def answer(browser: httpx.Client, address: str) -> str:
        """Where it leads a browser back to that was sent to an address; its page asks the person whether to go on."""
        asked = browser.get(address).headers["location"]
        back = parse_qs(urlsplit(asked).query)["callback_url"][0]
        return str(browser.get(f"{back}&g_continue").headers["location"])


def told(answer: httpx.Response) -> httpx.Response:
    """The answer; what it complains of is in the error."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
    return answer


class SaysAnything:
    """A provider whose ID tokens are what a test makes them; its routes are those of the standard.

    `facts`: what it says of itself; `token` makes the ID token of the nonce it was asked with.
    """

    def __init__(self, client_id: str) -> None:
        self.client_id, self.key = client_id, RSAKey.generate_key(2048, {"kid": "its key"})
        self.token: Callable[[str], str] = lambda nonce: self.signed(self.claims(nonce))
        self.asked: list[dict[str, str]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys = KeySet([provider.key]).as_dict(private=False)
                self._say(keys if self.path == "/jwks" else provider.facts)

            def do_POST(self) -> None:
                sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                provider.asked.append({name: each[0] for name, each in sent.items()})
                known = provider.challenges.pop(sent["code"][0], None)
                if known is None or known[0] != create_s256_code_challenge(sent["code_verifier"][0]):
                    self._say({"error": "invalid_grant"}, 400)
                    return
                self._say({"access_token": "a", "token_type": "Bearer", "id_token": provider.token(known[1])})

            def _say(self, what: dict[str, Any], status: int = 200) -> None:
                content = json.dumps(what).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        ways = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        self.facts = {"issuer": self.issuer, **{name: f"{self.issuer}/{way}" for name, way in ways.items()}}
        self.challenges: dict[str, tuple[str, str]] = {}

    def authorize(self, address: str) -> dict[str, str]:
        """What a browser that was sent to an address comes back with: the person logged in."""
        asked = {name: each[0] for name, each in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256"
        code = f"code {len(self.challenges)} {time.monotonic_ns()}"
        self.challenges[code] = (asked["code_challenge"], asked["nonce"])
        return {"state": asked["state"], "code": code}

    def claims(self, nonce: str, /, **other: Any) -> dict[str, Any]:
        """Those of an honest token; `other` replaces some, None takes one away."""
        now = int(time.time())
        honest = {"iss": self.issuer, "sub": "u1", "aud": self.client_id, "exp": now + 300, "iat": now, "nonce": nonce,
                  "preferred_username": "anna", "groups": ["leads", "others"]}  # fmt: skip
        return {name: each for name, each in (honest | other).items() if each is not None}

    def signed(self, claims: dict[str, Any], *, key: Any = None, algorithm: str = ALGORITHM, **head: Any) -> str:
        """A token."""
        registry = JWSRegistry(algorithms=[algorithm])
        return jwt.encode({"alg": algorithm, "kid": "its key", **head}, claims, key or self.key, registry=registry)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
