"""What the worker of this machine lets projects do: read from outside every project, asked where one reaches out.

Without a policy, as on a person's own command line, projects may do what the person may.
"""

import hashlib
import ipaddress
import os
import re
import stat
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pacsflow.errors import PolicyError
from pacsflow.regular_files import at_home

if TYPE_CHECKING:
    from schemas.policy import Policy

VARIABLE: Final = "PACSFLOW_POLICY"
PLACE: Final = Path("/etc/pacsflow/policy.yaml")
_AT_MOST: Final = 1 << 20
_OTHERS: Final = 0o022
_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.ASCII)


def policy_file() -> Path | None:
    """The file of the policy: that of PACSFLOW_POLICY, else /etc/pacsflow/policy.yaml where that is there."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    return PLACE if os.path.lexists(PLACE) else None


def active_policy() -> "Policy | None":
    """The policy of this machine, None where there is none. Raises PolicyError where it cannot be relied on."""
    if (file := policy_file()) is None:
        return None
    try:
        status = file.stat()
    except OSError as error:
        raise _unreliable(file, f"cannot be read: {error.strerror}") from None
    return _read(file, status.st_mtime_ns, status.st_size)


def policy_for_deployment(project: Path) -> "Policy":
    """The policy that a run by a deployment needs, whose projects this is one of. Raises PolicyError."""
    policy = active_policy()
    if policy is None:
        raise PolicyError(
            "runs by a deployment need a policy of this machine: whoever writes a project is not who owns the worker",
            fix=f"on the worker: pacsflow policy PROJECT... --out FILE, read it, then {VARIABLE}=FILE in its "
            f"environment; or put it to {PLACE}",
        )
    if not within(project, policy.projects):
        raise PolicyError(
            "the policy of this machine does not name the folder of the project",
            fix=f"add the folder above it to `projects` in {policy_file()}, or take the deployment away",
        )
    return policy


@lru_cache(4)
def _read(file: Path, _written: int, size: int) -> "Policy":
    from pydantic import ValidationError
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from schemas.policy import Policy

    found = file.stat()
    if not stat.S_ISREG(found.st_mode) or size > _AT_MOST:
        raise _unreliable(file, "is not a file of at most 1 MB")
    fixed = os.statvfs(file).f_flag & os.ST_RDONLY  # as a file that a container is given
    if not fixed and (found.st_mode & _OTHERS or found.st_uid not in (0, os.geteuid())):
        raise _unreliable(file, "may be changed by others: chmod go-w, and let root or this user own it")
    try:
        policy = Policy.model_validate(YAML(typ="safe", pure=True).load(file.read_text("utf-8")))
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False, include_input=False)[0]
            raise _unreliable(file, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        raise _unreliable(file, "is not YAML") from None
    if within(file, policy.projects):
        raise _unreliable(file, "lies among the projects that it is about")
    return policy


def _unreliable(file: Path, why: str) -> PolicyError:
    return PolicyError(f"the policy {file} {why}", fix="fix it; nothing is done without it")


def within(path: Path, folders: Iterable[str | Path]) -> bool:
    """Whether a path, links followed, lies below one of the folders, or is one."""
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(os.path.realpath(folder)) for folder in folders)


def is_host(host: str, allowed: Iterable[str]) -> bool:
    """Whether a host is one of those allowed: by name, by the end of its name, by address or network.

    Names are compared in ASCII and lower case: a name with letters that only look alike is another one.
    """
    name = host.strip("[]").rstrip(".").lower()
    address = _address(name)
    if address is None and not _NAME.fullmatch(name):  # another parser may read another host in it
        return False
    for pattern in allowed:
        wanted = pattern.strip("[]").rstrip(".").lower()
        if wanted == name or (address is None and wanted.startswith("*.") and name.endswith(wanted[1:])):
            return True
        if address is not None and _contains(wanted, address):
            return True
    return False


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _contains(network: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def secret_fault(policy: "Policy", kind: str, name: str, hosts: Iterable[str]) -> str:
    """Why a secret may not be used, or not be sent to hosts; empty where it may."""
    rules = [rule for rule in policy.secrets if fnmatchcase(f"{kind}:{name}", rule.name)]
    if not rules:
        return "is a secret that the policy of this machine does not name"
    if kind == "file" and (policy.secrets_folder is None or not within(at_home(name), [policy.secrets_folder])):
        return "is a file outside `secrets_folder` of the policy of this machine"
    if far := [host for host in hosts if not any(is_host(host, rule.hosts) for rule in rules)]:
        return f"is a secret that the policy of this machine does not let go to {far[0]}"
    return ""


def address_fault(policy: "Policy", kind: str, name: str, host: str) -> str:
    """Why a secret whose value is an address may not be used as one that leads to `host`; empty where it may.

    The value, which the project does not say, decides where things go: the host must be one of the secret's own.
    """
    if fault := secret_fault(policy, kind, name, ()):
        return fault
    rules = [rule for rule in policy.secrets if fnmatchcase(f"{kind}:{name}", rule.name)]
    if any(is_host(host, rule.hosts) for rule in rules):
        return ""
    return "is an address whose host is none of those that the policy of this machine lets it go to"


def is_variable(policy: "Policy", name: str) -> bool:
    """Whether a variable of the environment may stand in names of folders."""
    return is_named(name, policy.variables)


def is_named(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of those allowed, in which `*` stands for any letters."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def code_fault(text: bytes) -> str:
    """Why a file of functions may not run here; empty where it may, or where there is no policy. Raises PolicyError."""
    policy = active_policy()
    if policy is None or hashlib.sha256(text).hexdigest() in policy.functions:
        return ""
    return "holds code that the policy of this machine does not name by its SHA-256"
