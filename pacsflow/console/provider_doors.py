"""The doors by way of an OpenID provider: a browser is sent there, and comes back with a proof of who is at it."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pacsflow.console.accounts import Visitor
from pacsflow.console.console_trail import ConsoleTrail
from pacsflow.console.door_page import door_page
from pacsflow.console.guard import Address
from pacsflow.console.oidc import BACK, LogInBegun, LogInRefusedError, Provider
from pacsflow.console.words import preferred, said

BEGIN: Final = "/oidc"
LONGEST: Final = 600.0
"""Seconds that a person may take at the provider."""
_MOST: Final = 1000
"""So many browsers may be at the provider at once; beyond that, who began first has to begin again."""


@dataclass
class ProviderDoors:
    """Its two routes. `home`: the console's address, without a slash at the end; `let_in` begins a session."""

    address: Address
    provider: Provider
    home: str
    trail: ConsoleTrail
    let_in: Callable[[Visitor, str], Awaitable[Response]]
    clock: Callable[[], float] = time.monotonic
    _begun: dict[str, tuple[LogInBegun, float]] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        """The name of the cookie that tells which browser was sent to the provider."""
        return f"{self.address.cookie}-oidc"

    def routes(self) -> list[Route]:
        """The doors, as routes."""
        return [Route(BEGIN, self.begin, methods=["GET"]), Route(BACK, self.back, methods=["GET"])]

    async def begin(self, request: Request) -> Response:
        """Send the browser to the provider, from the address that it is led back to."""
        if f"{self.address.scheme}://{request.headers.get('host', '')}" != self.home:
            return RedirectResponse(f"{self.home}{BEGIN}", 303)
        try:
            place, begun = await asyncio.to_thread(self.provider.begin)
        except LogInRefusedError as error:
            return await self._refused(request, error)
        now = self.clock()
        known = [(name, one) for name, one in self._begun.items() if one[1] > now]
        self._begun = dict(known[1 - _MOST :])
        cookie = secrets.token_urlsafe(32)
        self._begun[_digest(cookie)] = (begun, now + LONGEST)
        sent = RedirectResponse(place, 303)
        # Lax: the browser comes back from another site, which a strict cookie would not survive
        sent.set_cookie(
            self.cookie, cookie, max_age=int(LONGEST), path="/", httponly=True, samesite="lax",
            secure=self.address.scheme == "https",
        )  # fmt: skip
        return sent

    async def back(self, request: Request) -> Response:
        """Let in whom the provider names, once for each browser that was sent there."""
        begun, until = self._begun.pop(_digest(request.cookies.get(self.cookie, "")), (None, 0.0))
        if begun is None or self.clock() > until:
            told = "this browser did not begin to log in here, or a while ago"
            return await self._refused(request, LogInRefusedError(told))
        try:
            person = await asyncio.to_thread(self.provider.person, begun, dict(request.query_params))
        except LogInRefusedError as error:
            return await self._refused(request, error)
        return await self.let_in(person, _language(request))

    async def _refused(self, request: Request, error: LogInRefusedError) -> Response:
        language = _language(request)
        await asyncio.to_thread(self.trail.note, "log-in refused", "unknown", str(error))
        told = escape(said(language, "You could not be logged in: {why}", why=str(error)))
        fix = f"<p>{escape(error.fix)}</p>" if error.fix else ""
        again = f'<p><a href="{BEGIN}">{escape(said(language, "Try again"))}</a></p>'
        return door_page(language, f"<p class=wrong role=alert>{told}</p>{fix}{again}", status=403)


def _language(request: Request) -> str:
    return preferred(request.headers.get("accept-language", ""))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
