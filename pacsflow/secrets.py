"""Secrets are named in a project, never written there; they are looked up as late as possible."""

import base64
import binascii
import os
import re
from collections.abc import Callable
from pathlib import Path

from pacsflow.errors import SecretError
from schemas import DeidProfile

KEY_BYTES = 32

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
        raise SecretError(f"{reference} is not text", remedy="save the file as UTF-8 text") from None


def project_key(profile: DeidProfile) -> bytes:
    """The project's 32 byte key, from 64 hexadecimal digits, base64, or a file of 32 raw bytes.

    Raises SecretError where the profile names no key, the reference leads nowhere, or it is not 32 bytes.
    """
    if profile.key is None:
        raise SecretError("deid.yaml names no key", remedy="write `key: ${keyring:pacsflow/NAME}` into deid.yaml")
    secret = _look_up(profile.key)
    raw = secret.encode() if isinstance(secret, str) else secret
    key = raw if _is_raw(raw) else _decoded(raw.strip())
    if key is None:
        raise SecretError(
            f"{profile.key} does not hold 32 bytes",
            remedy="store 64 hexadecimal digits or the base64 text of 32 random bytes; `pacsflow init` makes one",
        )
    return key


def register_resolver(kind: str, resolver: Callable[[str], str]) -> None:
    """Have `${kind:NAME}` looked up by `resolver(NAME)`, which raises SecretError where there is nothing."""
    _RESOLVERS[kind] = resolver


def _look_up(reference: str) -> str | bytes:
    found = _REFERENCE.match(reference)
    if not found:
        raise SecretError("a secret is not given by reference", remedy="write ${env:NAME} or ${keyring:SERVICE/NAME}")
    resolver = _RESOLVERS.get(found["kind"])
    if resolver is None:
        raise SecretError(f"{reference}: nothing here reads `{found['kind']}` references", remedy=_kinds())
    secret = resolver(found["name"])
    if not secret:
        raise SecretError(f"{reference} is empty", remedy="store the secret there")
    return secret


def _kinds() -> str:
    return f"use one of {', '.join(sorted(_RESOLVERS))}"


def _env(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise SecretError(f"${{env:{name}}} is not set", remedy=f"set the environment variable {name}") from None


def _file(name: str) -> bytes:
    path = Path(name).expanduser()
    if not path.is_absolute():
        raise SecretError(f"${{file:{name}}} is a relative path", remedy="write it from / or ~")
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise SecretError(f"${{file:{name}}} can be read by others", remedy=f"chmod 600 {name}")
        return path.read_bytes()
    except OSError as error:
        raise SecretError(
            f"${{file:{name}}} cannot be read: {error.strerror}", remedy="put the secret there, or mend the path"
        ) from None


def _keyring(name: str) -> str:
    import keyring
    from keyring.errors import KeyringError

    service, slash, user = name.rpartition("/")
    if not slash or not service or not user:
        raise SecretError(f"${{keyring:{name}}} names no entry", remedy="write ${keyring:SERVICE/NAME}")
    try:
        secret = keyring.get_password(service, user)
    except KeyringError as error:
        raise SecretError(
            f"${{keyring:{name}}}: the keyring does not answer ({type(error).__name__})",
            remedy="unlock the keyring, or give the secret as ${file:PATH} or ${env:NAME}",
        ) from None
    if secret is None:
        raise SecretError(f"${{keyring:{name}}} is not in the keyring", remedy=f"keyring set {service} {user}")
    return str(secret)


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
