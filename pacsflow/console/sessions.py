"""Who is logged in: sessions in memory, links that work once, and a brake on guessing."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pacsflow.console.accounts import Visitor

LONGEST: Final = 12 * 3600.0
"""Seconds after which a session ends, however busy."""
LINK: Final = 15 * 60.0
"""Seconds within which a link has to be used."""
_TRIES: Final = 5
_TRIES_AT_LARGE: Final = 50
"""Wrong passwords for one name from all addresses together, or from one address for all names."""
_REST: Final = 300.0
_MOST: Final = 20_000
PAUSE: Final = 1.0
"""Seconds between two passwords that are tried where they are slowed down."""


@dataclass
class WebSession:
    """A browser that is logged in. `pages`: the ids of the pages that were made for it."""

    person: Visitor
    begun: float
    seen: float
    language: str = "en"
    pages: set[str] = field(default_factory=set)
    ended: bool = False


class Sessions:
    """All sessions. The cookie's value is known by its digest only.

    `idle`: seconds without anything done after which a session ends. `current`: the person as the accounts have them
    now; None for one that was removed.
    """

    def __init__(
        self,
        *,
        idle: float = 1800.0,
        current: Callable[[Visitor], Visitor | None] = lambda person: person,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._idle, self._current, self._clock = idle, current, clock
        self._known: dict[str, WebSession] = {}
        self._links: dict[str, tuple[Visitor, float]] = {}

    def begin(self, person: Visitor, language: str = "en") -> tuple[str, WebSession]:
        """A new session, and the value of its cookie."""
        self._forget()
        cookie, now = secrets.token_urlsafe(32), self._clock()
        session = WebSession(person, now, now, language)
        self._known[_digest(cookie)] = session
        return cookie, session

    def of(self, cookie: str) -> WebSession | None:
        """The session of a cookie, where it still goes on."""
        session = self._known.get(_digest(cookie))
        return session if session and self.alive(session) else None

    def alive(self, session: WebSession) -> bool:
        """Whether a session still goes on; its person's roles are those of now."""
        now = self._clock()
        person = self._current(session.person)
        if session.ended or person is None or now - session.begun > LONGEST or now - session.seen > self._idle:
            session.ended = True
            return False
        session.person = person
        return True

    def touch(self, session: WebSession) -> None:
        """Something was done: the time without anything done begins again."""
        session.seen = self._clock()

    def end(self, cookie: str) -> None:
        """End a session, on all its pages."""
        if session := self._known.pop(_digest(cookie), None):
            session.ended = True

    def link(self, person: Visitor) -> str:
        """A token that lets one browser in, once, within `LINK` seconds."""
        token = secrets.token_urlsafe(32)
        self._links[_digest(token)] = (person, self._clock() + LINK)
        return token

    def redeem(self, token: str) -> Visitor | None:
        """Who a token lets in; it works once."""
        person, until = self._links.pop(_digest(token), (None, 0.0))
        return person if self._clock() <= until else None

    def _forget(self) -> None:
        """Sessions that have ended."""
        self._known = {name: one for name, one in self._known.items() if self.alive(one)}


class Brake:
    """After some wrong passwords for a name from an address, none is tried for a while.

    After more for a name from anywhere, or from an address for any names, one is tried in each `PAUSE`: so nobody can
    lock a person out from elsewhere. Memory is bounded, and a flood frees nobody: entries are forgotten when they are
    over, and where all of `most` still hold, those that have no entry share one try in each `PAUSE`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, most: int = _MOST) -> None:
        self._clock, self._most = clock, most
        self._wrong: dict[tuple[str, str], tuple[int, float]] = {}
        self._looked = self._full = -PAUSE
        """When it was last looked for what is over, and when something wrong could not be taken down."""

    def held(self, name: str, address: str) -> bool:
        """Whether no password is tried for this name from this address now."""
        pair, *wide = _keys(name, address)
        if self._number(pair) >= _TRIES:
            return True
        now = self._clock()
        slowed = [key for key in wide if self._number(key) >= _TRIES_AT_LARGE]
        if any(now - self._wrong[key][1] < PAUSE for key in slowed):
            return True
        return pair not in self._wrong and not self._room() and now - self._full < PAUSE

    def wrong(self, name: str, address: str) -> None:
        """A wrong password was given."""
        for key in _keys(name, address):
            if key in self._wrong or self._room():
                self._wrong[key] = (self._number(key) + 1, self._clock())
            else:
                self._full = self._clock()

    def right(self, name: str, address: str) -> None:
        """The right password was given."""
        self._wrong.pop(_keys(name, address)[0], None)

    def _number(self, key: tuple[str, str]) -> int:
        number, last = self._wrong.get(key, (0, 0.0))
        return number if self._clock() - last < _REST else 0

    def _room(self) -> bool:
        """Whether another entry may be taken down; where none may, what is over is forgotten."""
        now = self._clock()
        if len(self._wrong) >= self._most and now - self._looked >= PAUSE:
            self._looked = now
            self._wrong = {key: one for key, one in self._wrong.items() if self._number(key)}
        return len(self._wrong) < self._most


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
    """A name from an address; the name from anywhere; any name from the address."""
    digest = _digest(name)  # a name may be long
    return (digest, address), (digest, ""), ("", address)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
