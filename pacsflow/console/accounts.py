"""Who may log in at a console that others reach: a file of names, roles and hashes of passwords."""

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import platformdirs

from pacsflow.errors import ArgumentError, ProjectError

ROLES: Final[Mapping[str, str]] = {
    "view": "see projects, runs and results",
    "decide": "settle held rows, choose studies, approve plans, sign off",
    "run": "plan, run, pause and cancel; the receiver",
    "administer": "begin projects; change their files: node, query, de-identification",
}
"""What each role may do. Everybody has `view`."""
SHORTEST: Final = 12
"""Letters of a password, at least."""
_NAME: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")
_COST, _BLOCK, _PARALLEL = 1 << 15, 8, 3
"""Parameters of scrypt (RFC 7914): 32 MB of memory a try, three times over."""
_LONGEST: Final = 1024
_OTHERS: Final = 0o077


@dataclass(frozen=True)
class Visitor:
    """Who is at the browser, and what they may do."""

    name: str
    roles: frozenset[str]

    def may(self, role: str) -> bool:
        """Whether this person has a role."""
        return role == "view" or role in self.roles


@dataclass(frozen=True)
class _Account:
    person: Visitor
    password: str


class Accounts:
    """The accounts in a file; the file is read again when it was changed, so who is removed is out at once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._stamp: tuple[int, int] | None = None
        self._known: dict[str, _Account] = {}

    def person(self, name: str) -> Visitor | None:
        """Who has this name; None where nobody has. Raises ProjectError where the file cannot be read."""
        found = self._accounts().get(name)
        return found.person if found else None

    def people(self) -> list[Visitor]:
        """Everybody, by name. Raises ProjectError where the file cannot be read."""
        return [one.person for _, one in sorted(self._accounts().items())]

    def proven(self, name: str, password: str) -> Visitor | None:
        """Who logs in with a name and a password; None where they are wrong. As slow for a name that nobody has."""
        found = self._accounts().get(name)
        right = _matches(password, found.password if found else _nobody())
        return found.person if found and right else None

    def add(self, name: str, password: str, roles: Collection[str]) -> Visitor:
        """Add an account, or give an existing one this password and these roles. Raises ArgumentError."""
        if not _NAME.match(name):
            raise ArgumentError("that is not a name for an account", fix="use letters, digits, . _ @ and -, at most 64")
        if unknown := sorted(set(roles) - set(ROLES)):
            raise ArgumentError(f"there is no role {', '.join(unknown)}", fix=f"roles are {', '.join(ROLES)}")
        if not SHORTEST <= len(password) <= _LONGEST:
            raise ArgumentError(f"a password has {SHORTEST} letters at least", fix="take a longer one")
        known = dict(self._accounts())
        person = Visitor(name, frozenset({"view", *roles}))
        known[name] = _Account(person, _hashed(password))
        self._write(known)
        return person

    def remove(self, name: str) -> None:
        """Take an account away; its sessions end with their next request. Raises ArgumentError."""
        known = dict(self._accounts())
        if known.pop(name, None) is None:
            raise ArgumentError("there is no account of that name", fix="pacsflow console-user list")
        self._write(known)

    def _accounts(self) -> dict[str, _Account]:
        try:
            found = self.file.stat()
        except FileNotFoundError:
            return {}
        if (stamp := (found.st_mtime_ns, found.st_ino)) != self._stamp:
            self._known, self._stamp = _read(self.file, found), stamp
        return self._known

    def _write(self, known: Mapping[str, _Account]) -> None:
        accounts = [
            {"name": name, "roles": sorted(one.person.roles), "password": one.password}
            for name, one in sorted(known.items())
        ]
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.file.with_name(f".{self.file.name}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({"version": 1, "accounts": accounts}, stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self.file)


def accounts_file() -> Path:
    """Where accounts are kept, unless another file is named."""
    return platformdirs.user_config_path("pacsflow", appauthor=False) / "console-users.json"


def _read(file: Path, found: os.stat_result) -> dict[str, _Account]:
    if os.name == "posix" and stat.S_IMODE(found.st_mode) & _OTHERS:
        raise ProjectError.at(file.name, "can be read by others than you", f"chmod 600 {file}")
    try:
        written = json.loads(file.read_text("utf-8"))
        return {
            one["name"]: _Account(
                Visitor(one["name"], frozenset({"view", *one["roles"]}) & set(ROLES)), one["password"]
            )
            for one in written["accounts"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        fix = "put a backup back, or move the file away and add the accounts again"
        raise ProjectError.at(file.name, "is not a file of accounts", fix) from None


def _hashed(password: str, salt: bytes | None = None, cost: tuple[int, int, int] = (_COST, _BLOCK, _PARALLEL)) -> str:
    salt = salt or secrets.token_bytes(16)
    number, block, parallel = cost
    made = hashlib.scrypt(
        password.encode(), salt=salt, n=number, r=block, p=parallel, maxmem=256 * number * block, dklen=32
    )
    return f"scrypt${number}${block}${parallel}${salt.hex()}${made.hex()}"


def _matches(password: str, kept: str) -> bool:
    try:
        _, number, block, parallel, salt, _ = kept.split("$")
        made = _hashed(password[:_LONGEST], bytes.fromhex(salt), (int(number), int(block), int(parallel)))
    except ValueError:
        return False
    return hmac.compare_digest(made, kept)


@cache
def _nobody() -> str:
    """A hash that no password has: a try at a name that nobody has takes as long as one at a real name."""
    return _hashed(secrets.token_hex(32))
