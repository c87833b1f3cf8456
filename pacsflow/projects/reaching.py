"""What a project reaches for outside its folder: hosts, secrets, places, programs, code; and what the policy says."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from pacsflow.errors import SecretError
from pacsflow.policy import is_host, is_named, secret_fault, within
from pacsflow.projects.source import Document, FieldPath
from pacsflow.regular_files import at_home, read_regular
from pacsflow.secrets import host_of, resolve
from schemas import FILES
from schemas.export import Dicom, Karnak, Storage
from schemas.nifti import PostCommand
from schemas.pacs import Fetch, MoveTo
from schemas.policy import Policy, SecretRule
from schemas.project import Notification

_REFERENCE = re.compile(r"\$\{(env|file|keyring|prefect):([^}]+)\}")
_VARIABLE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_HOSTS = frozenset({"host"})
_URLS = frozenset({"url", "urls", "token_url", "login_url", "webhook", "endpoint_url"})
_OUR_SIDE = frozenset({"move_to"})
"""Fields that describe ourselves: a host there is where we listen, or who may come."""
_NOT_SENT = {("deid.yaml", ("key",))}
"""Fields of secrets that go nowhere."""
_ADDRESSES = frozenset({"ledger", "webhook"})
"""Fields of project.yaml where a secret is an address: its value decides where things go."""
_WRITTEN = frozenset({"workdir", "path"})
_READ = frozenset(
    {"ca", "certificate", "key", "known_hosts", "key_filename", "file", "recipe", "functions", "exclusions", "use"}
    | {"bids", "new_ids", "day_shift", "fallback", "check", "reads"}
)
_CLOUDS = {"s3": "s3.amazonaws.com", "gs": "storage.googleapis.com", "abfs": "blob.core.windows.net"}
"""Where storages of many owners are; the bucket or account in front says whose."""


@dataclass(frozen=True)
class Reach:
    """One thing reached for. `kind`: host, receiver, mail, secret, address, write, read, functions, program, storage.

    `hosts`: those that a secret goes to; None where it goes nowhere.
    """

    document: str
    at: FieldPath
    kind: str
    value: str
    hosts: tuple[str, ...] | None = None


def reaches(documents: Mapping[str, Document], models: Mapping[str, BaseModel], folder: Path) -> Iterator[Reach]:
    """All that the files of a project reach for; relative paths begin at the file that says them."""
    for name, document in documents.items():
        if document.value is not None:
            file = folder / name if name in FILES else document.folder / Path(document.file).name
            yield Reach(name, (), "read", str(file))
            yield Reach(name, (), "read", str(document.folder / Path(document.file).name))
    for name, model in models.items():
        base = documents[name].folder if name in documents else folder
        yield from _of(name, (), model, (), base if base != Path() else folder)


def _of(name: str, at: FieldPath, value: Any, hosts: tuple[str, ...], base: Path) -> Iterator[Reach]:
    """What a value reaches for; `hosts`: those that the record around it speaks to."""
    if isinstance(value, BaseModel | dict):
        pairs = dict(value) if isinstance(value, BaseModel) else value
        here = _hosts_of(value, pairs) or hosts
        if isinstance(value, Storage):
            yield from _of_storage(name, (*at, "url"), value, here)
        yield from _of_receivers(name, at, value)
        if pairs.get("kind") == "command" and pairs.get("run"):
            yield Reach(name, (*at, "run"), "program", str(pairs["run"][0]))
        if isinstance(value, PostCommand):
            yield Reach(name, (*at, "run"), "functions", os.path.normpath(base / at_home(value.run[0])))
        if getattr(pairs.get("move_to"), "check", None):
            yield from _leaf(name, (*at, "move_to", "check"), pairs["move_to"].check, (), base)
        for key, inner in pairs.items():
            unseen = _OUR_SIDE | {"rows", "run"} | ({"url"} if isinstance(value, Storage) else set())
            if inner is not None and key not in unseen:
                yield from _leaf(name, (*at, key), inner, here, base)
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            yield from _leaf(name, (*at, position), inner, hosts, base)


def _of_storage(name: str, at: FieldPath, storage: Storage, hosts: tuple[str, ...]) -> Iterator[Reach]:
    place = urlsplit(storage.url)
    yield Reach(name, at, "storage", place.scheme)
    if place.scheme == "file":
        yield Reach(name, at, "write", place.path)
    else:
        yield from (Reach(name, at, "host", host) for host in hosts or [""])


def _of_receivers(name: str, at: FieldPath, value: object) -> Iterator[Reach]:
    """Those to whom another sends for us: a node, a gateway, a mail server."""
    match value:
        case Fetch(move_to=MoveTo() as move_to):  # ours or not: the node knows the title only
            yield Reach(name, (*at, "move_to", "aet"), "receiver", move_to.aet)
        case Dicom() | Karnak():
            yield Reach(name, (*at, "called_aet"), "receiver", value.called_aet)
        case Notification(email=str() as email):
            yield Reach(name, (*at, "email"), "mail", email)


def _leaf(name: str, at: FieldPath, value: Any, hosts: tuple[str, ...], base: Path) -> Iterator[Reach]:
    if not isinstance(value, str):
        yield from _of(name, at, value, hosts, base)
        return
    key = next((str(part) for part in reversed(at) if isinstance(part, str)), "")
    if (found := _REFERENCE.fullmatch(value)) is not None:
        kind = "address" if name == "project.yaml" and key in _ADDRESSES else "secret"
        yield Reach(name, at, kind, f"{found[1]}:{found[2]}", None if (name, at) in _NOT_SENT else hosts)
    elif key in _HOSTS and value:
        yield Reach(name, at, "host", value)
    elif "urls" in at or key in _URLS:
        yield Reach(name, at, "host", _host(value))
    elif key in _WRITTEN:
        yield Reach(name, at, "write", value)
    elif key in _READ and value:
        place = os.path.normpath(base / at_home(value))
        yield Reach(name, at, "read", place)
        if key == "functions":
            yield Reach(name, at, "functions", place)


def _hosts_of(record: object, pairs: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts that a record's secrets go to: its web addresses; where it has none, its host."""
    if isinstance(record, Storage):
        return _hosts_of_storage(record)
    texts = [pairs[key] for key in ("token_url", "login_url") if pairs.get(key)]
    texts = texts or [pairs.get("url"), *dict(pairs.get("urls") or {}).values()]
    hosts = tuple(filter(None, (_host(str(text)) for text in texts if text)))
    return hosts or tuple(filter(None, [str(pairs.get("host") or "")]))


def _hosts_of_storage(storage: Storage) -> tuple[str, ...]:
    place = urlsplit(storage.url)
    if (cloud := _CLOUDS.get(place.scheme)) is None:
        return tuple(filter(None, [place.hostname]))
    owner = storage.options.get("account_name") if place.scheme == "abfs" else place.netloc
    return (f"{owner}.{_host(storage.endpoint) or cloud}".lower(),)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return address


def check_reaches(
    policy: Policy, documents: Mapping[str, Document], models: Mapping[str, BaseModel], folder: Path
) -> None:
    """A problem for whatever the policy of this machine does not let a project reach for."""
    for one in reaches(documents, models, folder):
        if fault := _fault(policy, one, folder):
            document = documents.get(one.document) or next(iter(documents.values()))
            document.problem(one.at, fault, "ask whoever runs this machine to allow it in the policy, or take it out")


def _fault(policy: Policy, one: Reach, folder: Path) -> str:
    if one.kind in ("secret", "address"):
        return _secret_fault(policy, one)
    place = Path(one.value)
    allowed, said = {
        "host": (is_host(one.value, policy.hosts), f"{one.value or 'this'} is a host that"),
        "receiver": (
            one.value.strip() in map(str.strip, policy.receivers),
            f"{one.value} is a receiver of images that",
        ),
        "mail": (is_named(one.value.lower(), map(str.lower, policy.mail)), f"{one.value} is an e-mail address that"),
        "storage": (one.value in policy.storages, f"{one.value}:// is a storage that"),
        "write": (within(place, policy.write), "is a folder to write to that"),
        "read": (within(place, [folder, *policy.read, *policy.write]), "is a file to read that"),
        "program": (one.value in policy.programs, "is a program that"),
        "functions": (one.kind == "functions" and _digest(place) in policy.functions, "holds code of a SHA-256 that"),
    }[one.kind]
    return "" if allowed else f"{said} the policy of this machine does not name"


def _secret_fault(policy: Policy, one: Reach) -> str:
    kind, _, name = one.value.partition(":")
    return secret_fault(policy, kind, name, one.hosts or ())


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(read_regular(file)).hexdigest()
    except OSError:
        return ""


def variables_of(documents: Mapping[str, Document]) -> set[str]:
    """Names of the variables of the environment that files of a project name."""
    return {name for document in documents.values() for name in _VARIABLE.findall(str(document.value))}


def policy_of(found: list[Reach], folders: list[Path], variables: set[str]) -> Policy:
    """A policy that lets projects do what they say now, and nothing else."""
    values: dict[str, set[str]] = {}
    secrets: dict[str, set[str]] = {}
    for one in found:
        if one.kind in ("secret", "address"):
            secrets.setdefault(one.value, set()).update(one.hosts or _host_behind(one))
        else:
            values.setdefault(one.kind, set()).add(_digest(Path(one.value)) if one.kind == "functions" else one.value)
    files = [at_home(name.partition(":")[2]).parent for name in secrets if name.startswith("file:")]
    read = {str(_folder_of(Path(path))) for path in values.get("read", ()) if not within(Path(path), folders)}
    sorted_of = {kind: sorted(texts) for kind, texts in values.items()}
    return Policy.model_validate(
        {
            "version": 1,
            "projects": sorted(map(str, folders)),
            "hosts": sorted_of.get("host", []),
            "receivers": sorted_of.get("receiver", []),
            "mail": sorted_of.get("mail", []),
            "secrets": [SecretRule(name=name, hosts=sorted(hosts)) for name, hosts in sorted(secrets.items())],
            "secrets_folder": str(_common(files)) if files else None,
            "variables": sorted(variables),
            "storages": sorted_of.get("storage", []),
            "write": sorted_of.get("write", []),
            "read": sorted(read),
            "functions": sorted_of.get("functions", []),
            "programs": sorted_of.get("program", []),
        }
    )


def _folder_of(path: Path) -> Path:
    """The folder that a file is in, links followed; a folder itself."""
    place = Path(os.path.realpath(path))
    return place if place.is_dir() else place.parent


def _host_behind(one: Reach) -> list[str]:
    """The host of a secret that is an address, where this machine has it."""
    if one.kind != "address":
        return []
    with suppress(SecretError):
        kind, _, name = one.value.partition(":")
        return [host for host in [host_of(resolve(f"${{{kind}:{name}}}"))] if host]
    return []


def _common(folders: list[Path]) -> Path:
    return Path(os.path.commonpath(folders))
