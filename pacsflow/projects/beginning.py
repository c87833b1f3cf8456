"""A new project folder that is right from the start, and its key."""

import base64
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import platformdirs

from pacsflow.errors import ProjectError
from pacsflow.projects.demo import NAME, PLACE, is_demos
from pacsflow.projects.json_schema import json_schemas
from pacsflow.secrets import KEY_BYTES
from schemas import FILES

_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")
_LONGEST = 63
_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "à": "a", "ç": "c"})


@dataclass(frozen=True)
class Begun:
    """A project that was begun: its folder, where it will write, and the reference to its key."""

    folder: Path
    workdir: str
    key: str


def begin_project(
    folder: Path, instead: Mapping[str, str] | None = None, *, kept: Mapping[str, str] | None = None
) -> Begun:
    """Write a commented project folder and make its key. Raises ProjectError rather than overwrite anything.

    `instead` holds texts of files, by name, that take the place of the usual ones; `kept` secrets that are kept as
    the key is: `@word@` in the texts becomes the reference to one.
    """
    name = folder.name
    _check_not_demos(folder)
    if not _NAME.match(name):
        _refuse(name, "is not a name for a project", _offer(name))
    if os.path.lexists(folder) and (not os.path.isdir(folder) or any(folder.iterdir())):  # noqa: PTH112 a loop of links
        _refuse(name, "exists already", "choose another name")
    workdir = _tilde(platformdirs.user_data_path("pacsflow", appauthor=False) / name)
    own = {name: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")}
    own |= {f"{name}-{word}": secret for word, secret in (kept or {}).items()}
    for place in own:
        _check_free(place)
    (folder / ".schema").mkdir(parents=True, exist_ok=True)
    key, *others = [_kept(place, secret) for place, secret in own.items()]
    words = {"name": name, "workdir": workdir, "key": key, "prefix": _prefix(name)}
    words |= dict(zip(kept or {}, others, strict=True))
    given = instead or {}
    for file in dict.fromkeys([*FILES, *given]):
        text = given.get(file) or usual_text(file)
        (folder / file).write_text(re.sub(rf"@({'|'.join(words)})@", lambda w: words[w[1]], text), "utf-8")
    for file, text in json_schemas().items():
        (folder / ".schema" / file).write_text(text, "utf-8")
    return Begun(folder, workdir, key)


def usual_text(file: str) -> str:
    """The text of a file of a project as it begins, with `@word@` where something is filled in."""
    return (files("pacsflow.projects") / "template" / file).read_text("utf-8")


def _offer(name: str) -> str:
    """A name like this one that can be taken."""
    small = name.strip().lower().translate(_LETTERS)
    plain = re.sub("[^a-z0-9_]+", "-", small).strip("-_")[:_LONGEST].rstrip("-_")
    usual = "use small letters, digits, - and _"
    return f"{usual}: `{plain}` would do" if _NAME.match(plain) else f"{usual}, as lung-ct"


def _prefix(name: str) -> str:
    """A prefix of pseudonyms, of letters and digits: so a pseudonym has one spelling in tables, folders and BIDS."""
    return re.sub("[^A-Z0-9]", "", name.upper())[:31]


def _check_not_demos(folder: Path) -> None:
    """Raise ProjectError for the demo's name and place: `pacsflow demo` deletes there what it wrote before."""
    spelt = {Path(os.path.normpath(folder)).name, Path(os.path.realpath(folder)).name}
    if any(name.strip().casefold() in {NAME, PLACE} for name in spelt):
        _refuse(folder.name, "is the name of the project of `pacsflow demo`", "choose another name, as lung-ct")
    if is_demos(folder):
        _refuse(folder.name, f"lies in {PLACE}, where `pacsflow demo` deletes", "choose another folder")


def _refuse(name: str, message: str, fix: str) -> None:
    raise ProjectError.at(name, message, fix)


def _check_free(name: str) -> None:
    """Raise ProjectError where a secret of this name is kept already: it may be what a project was made with."""
    import keyring
    from keyring.errors import KeyringError

    with suppress(KeyringError):
        if keyring.get_keyring().priority >= 1 and keyring.get_password("pacsflow", name) is not None:
            _refuse(name, "has a key in the keyring already", f"choose another name, or keyring del pacsflow {name}")
    if (file := _key_file(name)).exists():
        _refuse(name, "has a key already", f"choose another name, or delete {_tilde(file)} if nothing was made with it")


def _kept(name: str, secret: str) -> str:
    """The reference to a secret put into the keyring of the operating system, or into a file of its own."""
    return _into_keyring(name, secret) or _into_file(name, secret)


def _into_keyring(name: str, secret: str) -> str:
    """The reference; empty where the system has no keyring that keeps secrets."""
    import keyring
    from keyring.errors import KeyringError

    if keyring.get_keyring().priority < 1:
        return ""
    try:
        keyring.get_password("pacsflow", name)  # one that cannot be read is not written to
        keyring.set_password("pacsflow", name, secret)
    except KeyringError:
        return ""
    return f"${{keyring:pacsflow/{name}}}"


def _into_file(name: str, secret: str) -> str:
    file = _key_file(name)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(secret + "\n")
    return f"${{file:{_tilde(file)}}}"


def _key_file(name: str) -> Path:
    return platformdirs.user_config_path("pacsflow", appauthor=False) / "keys" / f"{name}.key"


def _tilde(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else path.as_posix()
