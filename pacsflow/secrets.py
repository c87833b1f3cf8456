"""Secrets are named in a project, never written there; they are looked up as late as possible."""

import base64
import binascii
import itertools
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from pacsflow.errors import SecretError
from pacsflow.policy import active_policy, address_fault, secret_fault
from pacsflow.regular_files import at_home, read_regular

if TYPE_CHECKING:
    from schemas.deid import DeidProfile

KEY_BYTES = 32
_DISTINCT = 16
"""Random keys have more different bytes than that."""
_DEMO = b"demo" * 8
"""The demo's key, which is not secret: its patients are made up."""

_DATABASES = frozenset({"postgresql", "postgres", "sqlite"})
_REFERENCE = re.compile(r"^\$\{(?P<kind>[a-z]+):(?P<name>[^}]+)\}$")


def resolve(reference: str) -> str:
    """The secret behind `${env:NAME}`, `${file:PATH}`, `${keyring:SERVICE/NAME}` or a registered kind.

    One line break at the end of a file is not part of the secret. Raises SecretError, which names the
    reference and never the secret.
    """
    secret = _look_up(reference)
    if isinstance(secret, str):
        return secret
    try:
        return secret.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretError(f"{reference} is not text", fix="save the file as UTF-8 text") from None


def resolve_address(reference: str) -> str:
    """The address behind a reference, as `resolve`; under a policy its host must be one that the secret may go to.

    Raises SecretError, also where it is no address with a host while there is a policy.
    """
    address, policy = resolve(reference), active_policy()
    found = _REFERENCE.match(reference)
    if (
        policy is not None
        and found
        and (fault := address_fault(policy, found["kind"], found["name"], host_of(address)))
    ):
        raise SecretError(f"{reference} {fault}", fix="ask whoever runs this machine to name its host in the policy")
    return address


def host_of(address: str) -> str:
    """The host of a web or database address; empty where there is none. Raises nothing, and repeats nothing.

    A database without a host is this machine's: `localhost`.
    """
    try:
        found = urlsplit(address)
        named = found.hostname or ""
    except ValueError:
        return ""
    if found.scheme.partition("+")[0] not in _DATABASES:
        return named
    elsewhere = [value for name, value in parse_qsl(found.query) if name in ("host", "hostaddr")]
    return next((host for host in elsewhere if not host.startswith("/")), named or "localhost")


def project_key(profile: "DeidProfile") -> bytes:
    """The project's 32 byte key, from 64 hexadecimal digits, base64, or a file of 32 raw bytes.

    Raises SecretError where the profile names no key, the reference leads nowhere, or it is not 32 bytes.
    """
    if profile.key is None:
        raise SecretError("deid.yaml names no key", fix="write `key: ${keyring:pacsflow/NAME}` into deid.yaml")
    secret = _look_up(profile.key)
    raw = secret.encode() if isinstance(secret, str) else secret
    key = raw if _is_raw(raw) else _decoded(raw.strip())
    if key is None:
        raise SecretError(
            f"{profile.key} does not hold 32 bytes",
            fix="store 64 hexadecimal digits or the base64 text of 32 random bytes; `pacsflow init` makes one",
        )
    if weakness := _weakness(key):
        raise SecretError(
            f"{profile.key} holds {weakness}, not 32 random bytes: who tries such keys finds every patient",
            fix="make one by `pacsflow key new`; a project begun with this one needs another workdir then",
        )
    return key


def register_resolver(kind: str, resolver: Callable[[str], str]) -> None:
    """Have `${kind:NAME}` looked up by `resolver(NAME)`, which raises SecretError where there is nothing."""
    _RESOLVERS[kind] = resolver


def _look_up(reference: str) -> str | bytes:
    found = _REFERENCE.match(reference)
    if not found:
        raise SecretError("a secret is not given by reference", fix="write ${env:NAME} or ${keyring:SERVICE/NAME}")
    resolver = _RESOLVERS.get(found["kind"])
    if resolver is None:
        raise SecretError(f"{reference}: nothing here reads `{found['kind']}` references", fix=_kinds())
    if (policy := active_policy()) is not None and (fault := secret_fault(policy, found["kind"], found["name"], ())):
        raise SecretError(f"{reference} {fault}", fix="ask whoever runs this machine to name it in the policy")
    secret = resolver(found["name"])
    if not secret:
        raise SecretError(f"{reference} is empty", fix="store the secret there")
    return secret


def _kinds() -> str:
    return f"use one of {', '.join(sorted(_RESOLVERS))}"


def _env(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise SecretError(f"${{env:{name}}} is not set", fix=f"set the environment variable {name}") from None


def _file(name: str) -> bytes:
    path = at_home(name)
    if not path.is_absolute():
        raise SecretError(f"${{file:{name}}} is a relative path", fix="write it from / or ~")
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise SecretError(f"${{file:{name}}} can be read by others", fix=f"chmod 600 {name}")
        return read_regular(path, 1 << 20)
    except OSError as error:
        raise SecretError(
            f"${{file:{name}}} cannot be read: {error.strerror}", fix="put the secret there, or fix the path"
        ) from None


def _keyring(name: str) -> str:
    import keyring
    from keyring.errors import KeyringError

    service, slash, user = name.rpartition("/")
    if not slash or not service or not user:
        raise SecretError(f"${{keyring:{name}}} names no entry", fix="write ${keyring:SERVICE/NAME}")
    try:
        secret = keyring.get_password(service, user)
    except KeyringError as error:
        raise SecretError(
            f"${{keyring:{name}}}: the keyring does not answer ({type(error).__name__})",
            fix="unlock the keyring, or give the secret as ${file:PATH} or ${env:NAME}",
        ) from None
    if secret is None:
        raise SecretError(f"${{keyring:{name}}} is not in the keyring", fix=f"keyring set {service} {user}")
    return str(secret)


def _weakness(key: bytes) -> str:
    """What a key is in place of random bytes; empty where nothing shows. One of 2**80 random keys is called so."""
    if key == _DEMO:
        return ""
    if any(key == (key[:length] * KEY_BYTES)[:KEY_BYTES] for length in range(1, KEY_BYTES // 2 + 1)):
        return "a pattern that repeats"
    if len({(after - before) % 256 for before, after in itertools.pairwise(key)}) == 1:
        return "bytes that count up or down"
    return "the same few bytes again and again" if len(set(key)) < _DISTINCT else ""


def _is_raw(secret: bytes) -> bool:
    # 32 printable characters are somebody's text, not 32 random bytes.
    return len(secret) == KEY_BYTES and not (secret.isascii() and secret.decode("ascii").isprintable())


def _decoded(text: bytes) -> bytes | None:
    for decode in (bytes.fromhex, _base64):
        try:
            key = decode(text.decode("ascii"))
        except (ValueError, binascii.Error):
            continue
        if len(key) == KEY_BYTES:
            return key
    return None


def _base64(text: str) -> bytes:
    standard = text.replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


_RESOLVERS: dict[str, Callable[[str], str | bytes]] = {"env": _env, "file": _file, "keyring": _keyring}
