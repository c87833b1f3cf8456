"""The doors: a link that works once, log-in, log-out. Plain HTML, nothing is loaded from anywhere."""

import asyncio
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pacsflow.console.accounts import Accounts, Visitor
from pacsflow.console.console_trail import ConsoleTrail
from pacsflow.console.door_page import door_page
from pacsflow.console.guard import Address
from pacsflow.console.oidc import Provider
from pacsflow.console.provider_doors import BEGIN, ProviderDoors
from pacsflow.console.sessions import LONGEST, Brake, Sessions
from pacsflow.console.words import preferred, said

_MOST_BYTES = 8192


@dataclass(frozen=True)
class Doors:
    """The routes that need no session. `accounts`: None where links, or an OpenID provider, let in."""

    address: Address
    sessions: Sessions
    trail: ConsoleTrail
    accounts: Accounts | None
    brake: Brake
    slots: asyncio.Semaphore
    """How many passwords are tried at once: each try takes memory."""
    provider: Provider | None = None
    home: str = ""
    """The console's address, without a slash at the end, where there is a provider."""

    def routes(self) -> list[Route]:
        """The doors, as routes."""
        more: list[Route] = []
        if self.provider:
            more = ProviderDoors(self.address, self.provider, self.home, self.trail, self.let_in).routes()
        return [
            *more,
            Route("/enter", self.enter, methods=["GET"]),
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["POST"]),
        ]

    async def enter(self, request: Request) -> Response:
        """Let in who brings a link that was not used yet."""
        language = preferred(request.headers.get("accept-language", ""))
        person = self.sessions.redeem(request.query_params.get("token", ""))
        if person is None:
            await asyncio.to_thread(self.trail.note, "link refused", "unknown")
            told = said(language, "This link was used already, or is too old")
            how = "Ask for another one under `Another browser` where somebody is logged in, or start the console again"
            return door_page(
                language, f"<p class=wrong>{escape(told)}</p><p>{escape(said(language, how))}</p>", status=403
            )
        return await self.let_in(person, language)

    async def login(self, request: Request) -> Response:
        """The form of name and password, and what it sends."""
        language = preferred(request.headers.get("accept-language", ""))
        if self.provider:
            way = escape(said(language, "Log in by way of {host}", host=self.provider.host))
            return door_page(language, f'<p><a class=button href="{BEGIN}">{way}</a></p>')
        if self.accounts is None:
            how = said(language, "Open the link that `pacsflow console` printed where it was started")
            return door_page(language, f"<p>{escape(how)}</p>", status=401)
        if request.method == "GET":
            return door_page(language, _form(language))
        sent = parse_qs((await _body(request)).decode("utf-8", "replace"), max_num_fields=4)
        name, password = (sent.get(each, [""])[0] for each in ("name", "password"))
        address = request.client.host if request.client else ""
        async with self.slots:  # looked at within: of many at once, those that wait here are held too
            if self.brake.held(name, address):
                return door_page(
                    language, _form(language, "Too many wrong passwords; try again in five minutes"), status=429
                )
            person = await asyncio.to_thread(self.accounts.proven, name, password)
            if person is None:
                self.brake.wrong(name, address)
        if person is None:
            known = await asyncio.to_thread(self.accounts.person, name)  # what is typed here may be a password
            await asyncio.to_thread(self.trail.note, "log-in refused", known.name if known else "unknown")
            return door_page(language, _form(language, "Wrong name or password"), status=403)
        self.brake.right(name, address)
        return await self.let_in(person, language)

    async def logout(self, request: Request) -> Response:
        """End the session on all pages of this browser."""
        language = preferred(request.headers.get("accept-language", ""))
        cookie = request.cookies.get(self.address.cookie, "")
        if session := self.sessions.of(cookie):
            await asyncio.to_thread(self.trail.note, "log out", session.person.name)
        self.sessions.end(cookie)
        gone = door_page(language, f"<p>{escape(said(language, 'You are logged out'))}</p>")
        gone.delete_cookie(self.address.cookie, **self._cookie())
        gone.headers["clear-site-data"] = '"cache", "storage"'
        return gone

    async def let_in(self, person: Visitor, language: str) -> Response:
        """Begin a session; a page that leads on: a redirect from another site's link would not send a strict cookie."""
        cookie, _ = self.sessions.begin(person, language)
        await asyncio.to_thread(self.trail.note, "log in", person.name)
        on = said(language, "Go on")
        page = door_page(
            language, f'<p><a href="/">{escape(on)}</a></p>', head='<meta http-equiv="refresh" content="0;url=/">'
        )
        page.set_cookie(self.address.cookie, cookie, max_age=int(LONGEST), **self._cookie())
        return page

    def _cookie(self) -> dict[str, Any]:
        return {"httponly": True, "samesite": "strict", "path": "/", "secure": self.address.scheme == "https"}


async def _body(request: Request) -> bytes:
    """What a form sent, up to the size that a form of ours has."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return b""
    return body


def _form(language: str, wrong: str = "") -> str:
    told = f"<p class=wrong role=alert>{escape(said(language, wrong))}</p>" if wrong else ""
    name, password, go = (escape(said(language, each)) for each in ("Name", "Password", "Log in"))
    return (
        f"{told}<form method=post action=/login>"
        f"<label for=name>{name}</label><input id=name name=name autocomplete=username required autofocus>"
        f"<label for=password>{password}</label>"
        "<input id=password name=password type=password autocomplete=current-password required>"
        f"<button>{go}</button></form>"
    )
