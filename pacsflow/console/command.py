"""console, console-user: the pages in the browser, and who may log in to them."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pacsflow.console.accounts import ROLES, SHORTEST, Accounts, Visitor, accounts_file
from pacsflow.errors import ArgumentError, ProjectError, WorkLeftError
from pacsflow.extras import missing
from pacsflow.system import user_name

if TYPE_CHECKING:
    from pacsflow.console.serving import CertificateFiles
    from schemas.log_in import LogIn

Users = Annotated[
    Path | None, typer.Option("--users", help="File of accounts; left out: yours", dir_okay=False, metavar="FILE")
]
_ROLES = "; ".join(f"{name}: {what}" for name, what in ROLES.items())


def console(  # noqa: PLR0913 - a command's parameters are its options
    folder: Annotated[
        Path, typer.Argument(help="A project, or a folder of projects", metavar="FOLDER", resolve_path=True)
    ] = Path(),
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; another than loopback needs TLS and accounts")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="TCP port; 0: any that is free", min=0, max=65535)] = 8321,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM file of the certificate and its chain", exists=True, dir_okay=False)
    ] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file of its key", exists=True, dir_okay=False)] = None,
    users: Users = None,
    oidc: Annotated[
        Path | None,
        typer.Option(help="File that names an OpenID provider, by which people log in", exists=True, dir_okay=False),
    ] = None,
    idle: Annotated[int, typer.Option(help="Minutes without anything done after which a session ends", min=1)] = 30,
) -> None:
    """Serve pages in the browser: projects, node, query, de-identification, runs, results.

    On loopback the printed link lets one browser in, once. Elsewhere people log in, over TLS: `console-user`, `--oidc`.
    """
    _check_can_begin(folder)
    from pacsflow.console.catalogue import Catalogue
    from pacsflow.console.console_trail import console_trail
    from pacsflow.console.serving import Console, is_loopback, listening, serve
    from pacsflow.scratch import scratch

    tls = _tls(certificate, key)
    log_in = _log_in(oidc, users)
    asked = log_in is None and (users is not None or not is_loopback(host))
    accounts = Accounts(users or accounts_file()) if asked else None
    _check_open(host, tls, accounts)
    trail = console_trail()
    owner = Visitor(user_name(), frozenset(ROLES))
    taken = listening(host, port)
    with scratch(trail.file.parent / "temporary"), suppress(KeyboardInterrupt):
        serve(Console(Catalogue(folder), trail, accounts, owner, idle * 60.0, tls, log_in), taken, _tell)


def _check_can_begin(folder: Path) -> None:
    if lacking := missing("nicegui") or missing("authlib"):
        raise ProjectError.at("console", *lacking)
    if not folder.is_dir():
        raise ProjectError.at(folder.name, "is not a folder", "name a project, or the folder that projects lie in")


def _log_in(oidc: Path | None, users: Path | None) -> "LogIn | None":
    from pacsflow.console.log_in_file import read_log_in

    if oidc and users:
        raise ArgumentError("people log in by accounts, or by a provider", fix="leave --users or --oidc out")
    return read_log_in(oidc) if oidc else None


def _tell(address: str) -> None:
    typer.echo(f"open in a browser: {address}")
    typer.echo("Ctrl-C ends the console; runs go on")
    sys.stdout.flush()


def _tls(certificate: Path | None, key: Path | None) -> "CertificateFiles | None":
    from pacsflow.console.serving import CertificateFiles

    if (certificate is None) != (key is None):
        raise ArgumentError("a certificate and its key belong together", fix="--certificate FILE --key FILE")
    return CertificateFiles(certificate, key) if certificate and key else None


def _check_open(host: str, tls: "CertificateFiles | None", accounts: Accounts | None) -> None:
    """Raise ArgumentError where others would reach pages of patients without TLS, or nobody could log in."""
    from pacsflow.console.serving import is_loopback

    if not is_loopback(host) and tls is None:
        fix = "--certificate FILE --key FILE; or leave --host out, and come by an SSH tunnel"
        raise ArgumentError("another address than loopback is served over TLS only", fix=fix)
    if accounts is not None and not accounts.people():
        raise ArgumentError(
            "nobody could log in: there is no account", fix="pacsflow console-user add NAME --role ROLE"
        )


app = typer.Typer(help="Who may log in to a console that others reach: accounts and their roles.", no_args_is_help=True)


@app.callback()
def _console_user() -> None:
    """Who may log in to a console that others reach: accounts and their roles."""


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Name to log in with", metavar="NAME")],
    role: Annotated[list[str] | None, typer.Option(help=f"May be repeated. {_ROLES}")] = None,
    users: Users = None,
) -> None:
    """Add an account, or give it another password and other roles. The password is asked for, or read from a pipe."""
    person = Accounts(users or accounts_file()).add(name, _password(), role or ())
    _note("account written", f"{name}: {', '.join(sorted(person.roles))}")
    typer.echo(f"{name} may {', '.join(sorted(person.roles))}")


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="Name of the account", metavar="NAME")], users: Users = None
) -> None:
    """Take an account away; its sessions end."""
    Accounts(users or accounts_file()).remove(name)
    _note("account removed", name)
    typer.echo(f"{name} cannot log in any more")


@app.command("list")
def show(users: Users = None) -> None:
    """Show the accounts and their roles."""
    for one in Accounts(users or accounts_file()).people():
        typer.echo(f"{one.name}: {', '.join(_in_order(one.roles))}")


@app.command("trail")
def trail() -> None:
    """Show who logged in and out, was refused, and changed what. Exit 1 where a line was changed or taken away."""
    from datetime import datetime

    from pacsflow.console.console_trail import console_trail

    found = console_trail()
    for one in found.acts():
        when = datetime.fromtimestamp(one.at).astimezone()
        typer.echo(f"{when:%Y-%m-%d %H:%M:%S}  {one.by}  {one.action}  {one.about}".rstrip())
    _check_whole(found.broken())


def _check_whole(number: int | None) -> None:
    if number is not None:
        raise WorkLeftError(f"the trail was changed at line {number}, or before it")


def _password() -> str:
    """What is typed twice, unseen; or the first line of a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt(f"Password, {SHORTEST} letters at least", hide_input=True, confirmation_prompt=True))


def _note(action: str, about: str) -> None:
    from pacsflow.console.console_trail import console_trail

    console_trail().note(action, user_name(), about)


def _in_order(roles: frozenset[str]) -> Sequence[str]:
    return [each for each in ROLES if each in roles]
