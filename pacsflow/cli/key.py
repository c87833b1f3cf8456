"""key: the key of a project, made, named and replaced."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.project_folder import HERE, Folder
from pacsflow.cli.show import console
from pacsflow.errors import ArgumentError
from pacsflow.secrets import KEY_BYTES

File = Annotated[Path | None, typer.Option("--file", help="File to write, readable by you only", dir_okay=False)]
app = typer.Typer(help="The key of a project: pseudonyms, UIDs and day shifts come from it.", no_args_is_help=True)


@app.callback()
def _key() -> None:
    """The key of a project: pseudonyms, UIDs and day shifts come from it."""


@app.command("new")
def new(file: File = None) -> None:
    """Make a key of 32 random bytes: printed as 64 hexadecimal digits, or written to a file."""
    if file is None:
        typer.echo(secrets.token_hex(KEY_BYTES))
        return
    _write(file)
    console.print(f"written to {file}: keep a copy in a safe place", markup=False, soft_wrap=True)


@app.command("id")
def key_id(project: Folder = HERE) -> None:
    """Print the id of a project's key: the same for the same key, and nothing of the key can be learned from it."""
    from pacsflow.projects import read_project
    from pacsflow.secrets import project_key

    typer.echo(identity(project_key(read_project(project).deid)))


@app.command("rotate")
def rotate(project: Folder, file: File = None) -> None:
    """Make a new key for a project, and say what to change. Nothing of the project is changed.

    Another key gives other pseudonyms, UIDs and day shifts, so a project goes on under it in another workdir.
    """
    from pacsflow.projects import read_project
    from pacsflow.secrets import project_key

    opened = read_project(project)
    old = identity(project_key(opened.deid))
    place = (file or opened.workdir.parent / f"{opened.settings.name}-{secrets.token_hex(4)}.key").absolute()
    fresh = _write(place)
    for line in (
        f"the key {old} goes on to read what was made under it: keep it with {opened.workdir}",
        f"the new key is {identity(fresh)}, in {place}",
        f"1. in deid.yaml: key: ${{file:{place}}}",
        f"2. in project.yaml: workdir: {opened.workdir}-2",
        "3. pacsflow run PROJECT fetches again, under other pseudonyms, UIDs and day shifts",
        "4. where the old delivery must go: pacsflow withdraw, with the former two lines in a copy of the project",
    ):
        console.print(line, markup=False, soft_wrap=True)


def identity(key: bytes) -> str:
    """16 hexadecimal digits that name a key."""
    return hmac.new(key, b"pacsflow key id", hashlib.sha256).hexdigest()[:16]


def _write(file: Path) -> bytes:
    """A new key in a file that was not there. Raises ArgumentError."""
    key = secrets.token_bytes(KEY_BYTES)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise ArgumentError("the file is there already", fix="name another one: a key is never written over") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as sink:
        sink.write(key.hex() + "\n")
        sink.flush()
        os.fsync(sink.fileno())
    return key
