"""The program of a temporary server: Prefect's own, on a socket that whoever started it listens on.

    python temporary_server_program.py SOCKET PARENT

It ends with its parent, and makes requests again that SQLite could not take.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


def _end_with(parent: int) -> None:
    """End this process, at once, when the one that started it is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


class AskedAgain:
    """ASGI: where SQLite is locked, a request is made again before it is answered.

    Of two writers that both began by reading, SQLite fails one at once; Prefect answers 503, and its client waits for
    two seconds or more. Nothing of the request was written then.
    """

    def __init__(self, app: "ASGIApp", waits: Sequence[float] = (0.02, 0.1, 0.3)) -> None:
        self._app, self._waits = app, waits

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = [await receive()]
        while body[-1].get("more_body"):
            body.append(await receive())
        for wait in self._waits:
            answer = _UnlessBusy(send)
            try:
                await self._app(dict(scope), _Repeated(body, receive), answer)
            except Exception:
                if not answer.busy:  # what it answered is raised too, for a log
                    raise
            if not answer.busy:
                return
            await asyncio.sleep(wait)
        await self._app(scope, _Repeated(body, receive), send)


class _Repeated:
    """A request's messages from its beginning, then what comes."""

    def __init__(self, known: "Sequence[Message]", receive: "Receive") -> None:
        self._known, self._receive = list(known), receive

    async def __call__(self) -> "Message":
        return self._known.pop(0) if self._known else await self._receive()


class _UnlessBusy:
    """Sends an answer on, unless it is that the service cannot answer now."""

    def __init__(self, send: "Send") -> None:
        self._send, self.busy = send, False

    async def __call__(self, message: "Message") -> None:
        if message["type"] == "http.response.start":
            self.busy = message["status"] == HTTPStatus.SERVICE_UNAVAILABLE
        if not self.busy:
            await self._send(message)


def application() -> AskedAgain:
    """Prefect's server."""
    from prefect.server.api.server import create_app

    return AskedAgain(create_app())


def serve(fd: int, parent: int) -> None:
    """Serve on a listening socket until told to end, or until process `parent` is gone: the program of this file."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    import uvicorn

    uvicorn.run(application, factory=True, fd=fd, log_level="error", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
