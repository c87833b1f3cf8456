"""The web application, and the process that serves it."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import dataclass
from inspect import isawaitable
from ipaddress import ip_address
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final, cast

import uvicorn
from fastapi import FastAPI
from nicegui import app as pages_app
from nicegui import ui
from nicegui.language import Language
from starlette.requests import Request

from pacsflow.console.accounts import Accounts, Visitor
from pacsflow.console.catalogue import Catalogue
from pacsflow.console.console_trail import ConsoleTrail
from pacsflow.console.doors import Doors
from pacsflow.console.frame import framed
from pacsflow.console.guard import Address, Application, Guard
from pacsflow.console.oidc import Provider
from pacsflow.console.pages import HOME, PAGES, PageSpec
from pacsflow.console.sessions import Brake, Sessions, WebSession
from pacsflow.console.view import View, tell_fault
from pacsflow.errors import PacsflowError, ProjectError
from schemas.log_in import LogIn

_SECONDS_TO_BUILD = 60.0
_PASSWORDS_AT_ONCE = 2
_SPELT: Final[Mapping[str, Language]] = {"en": "en-US", "de": "de", "fr": "fr"}
"""Our languages as NiceGUI spells them."""


@dataclass(frozen=True)
class CertificateFiles:
    """PEM files of the certificate (with its chain) and of its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Console:
    """What is served, and to whom. `idle`: seconds of a session.

    Who is let in: who has a link, where neither `accounts` nor `log_in` (by an OpenID provider) is given.
    """

    catalogue: Catalogue
    trail: ConsoleTrail
    accounts: Accounts | None
    owner: Visitor
    idle: float
    tls: CertificateFiles | None = None
    log_in: LogIn | None = None

    @property
    def by_links(self) -> bool:
        """Whether links let in, and nothing else."""
        return self.accounts is None and self.log_in is None

    def current(self, person: Visitor) -> Visitor | None:
        """Who a person is by the accounts of now; whom a provider named stays that for the session."""
        return person if self.accounts is None else self.accounts.person(person.name)


def application(console: Console, port: int, sessions: Sessions, at: str = "") -> Application:
    """The application, with the guard before it. `port`: the one it listens on; `at`: the address to open."""
    address = Address(
        "https" if console.tls else "http",
        f"__Host-pacsflow-{port}" if console.tls else f"pacsflow-{port}",
        frozenset() if console.tls else frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")),
    )
    slots = asyncio.Semaphore(_PASSWORDS_AT_ONCE)
    home = ((console.log_in.address if console.log_in else None) or at).rstrip("/")
    provider = Provider(console.log_in, home) if console.log_in else None
    doors = Doors(address, sessions, console.trail, console.accounts, Brake(), slots, provider=provider, home=home)
    outer = FastAPI(routes=list(doors.routes()), docs_url=None, redoc_url=None, openapi_url=None)
    _register(console, sessions)
    logging.getLogger("nicegui").setLevel(logging.CRITICAL + 1)  # it logs addresses, and exceptions with their text
    pages_app.on_exception(tell_fault)
    pages_app.config.socket_io_js_transports = ["websocket"]
    ui.run_with(outer, title="pacsflow", show_welcome_message=False, reconnect_timeout=30.0, favicon="🩻")
    return Guard(cast("Application", outer), address, sessions)


def _register(console: Console, sessions: Sessions) -> None:
    """The pages, each behind its address."""
    builders = {page: resolve_name(page.place) for page in (HOME, *PAGES)}
    by_name = {page.name: page for page in PAGES}

    def view(request: Request, name: str = "") -> View:
        session: WebSession = request.scope["session_of_console"]
        client = ui.context.client
        session.pages.add(client.id)
        client.on_delete(lambda page=client.id: session.pages.discard(page))
        client.page = copy(client.page)  # what NiceGUI says by itself is in the person's language, not in the page's
        client.page.language = _SPELT[session.language]
        folder = console.catalogue.project(name) if name else console.catalogue.folder
        return View(session, sessions, console.catalogue, console.trail, name, folder, console.by_links)

    @ui.page("/", response_timeout=_SECONDS_TO_BUILD)
    async def home(request: Request) -> None:
        await _filled(view(request), HOME, builders[HOME])

    @ui.page("/project/{name}/{page}", response_timeout=_SECONDS_TO_BUILD)
    async def of_project(request: Request, name: str, page: str) -> None:
        spec = by_name.get(page)
        try:
            seen = view(request, name)
        except ProjectError:
            seen, spec = view(request), None
        if spec is None:
            with framed(seen, HOME):
                ui.label(seen.t("There is no such page"))
                ui.link(seen.t("Projects"), "/")
            return
        ui.page_title(f"{seen.t(spec.title)} - pacsflow")
        await _filled(seen, spec, builders[spec])


async def _filled(view: View, page: PageSpec, build: Callable[[View], Any]) -> None:
    """The page within its frame; what cannot be shown is said in its place."""
    with framed(view, page):
        try:
            result = build(view)
            if isawaitable(result):
                await cast("Awaitable[None]", result)
        except PacsflowError as error:
            for sentence in view.sentences(error):
                ui.label(sentence).classes("text-negative").props('role="alert"')
        except Exception as error:  # noqa: BLE001 - its text may name a patient
            tell_fault(error)
            ui.label(view.fault(error)).classes("text-negative").props('role="alert"')


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; 0 takes any free port. Raises PacsflowError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = found[0]
        taken = socket.socket(family, kind)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise PacsflowError(f"port {port} cannot be listened on: {why}", fix="name another one: --port") from None
    return taken


def serve(console: Console, taken: socket.socket, told: Callable[[str], None]) -> None:
    """Serve until a signal ends it. `told` is given the address to open, once somebody can be let in."""
    host, port = taken.getsockname()[:2]
    sessions = Sessions(idle=console.idle, current=console.current)
    at = f"{'https' if console.tls else 'http'}://{_spelt(host)}:{port}/"
    guarded = application(console, port, sessions, at)
    keys = {"ssl_certfile": console.tls.certificate, "ssl_keyfile": console.tls.key} if console.tls else {}
    settings = uvicorn.Config(
        cast("Any", guarded), log_config=None, access_log=False, log_level=logging.CRITICAL, server_header=False,
        proxy_headers=False, **cast("dict[str, Any]", keys),
    )  # fmt: skip
    told(f"{at}enter?token={sessions.link(console.owner)}" if console.by_links else at)
    uvicorn.Server(settings).run(sockets=[taken])


def _spelt(host: str) -> str:
    """A host as it stands in an address; for all addresses of this machine, its name."""
    if ip_address(host).is_unspecified:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
