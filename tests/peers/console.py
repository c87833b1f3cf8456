"""The console as a process, and Debian's Chromium that looks at it."""

import os
import re
import ssl
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from peers.ports import free_port
from peers.process import Server

CHROMIUM = Path("/usr/bin/chromium")
BIN = Path(sys.executable).parent


class ConsoleServer(Server):
    """`pacsflow console FOLDER` of a user of its own."""

    def __init__(self, folder: Path, projects: Path, *words: str, scheme: str = "http", **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url, self._scheme = f"{scheme}://127.0.0.1:{self.port}", scheme
        home = {name: str(folder / name) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
        own = {**home, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "TMPDIR": str(folder)}
        command = [str(BIN / "pacsflow"), "console", str(projects), "--port", str(self.port), *words]
        super().__init__(folder, command, environment={**own, **environment})

    @property
    def link(self) -> str:
        """The address that was printed last."""
        return re.findall(r"open in a browser: (\S+)", self.log)[-1]

    def ready(self) -> bool:
        context = ssl._create_unverified_context() if self._scheme == "https" else None
        try:
            with urllib.request.urlopen(f"{self.url}/login", timeout=10, context=context):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser that notes what it asks for: `browser.asked` is the list of all addresses."""
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed: a real browser is needed for this test")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"] if os.geteuid() == 0 else ["--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """What a page asked for, and what went wrong on it."""

    def __init__(self, context: Any) -> None:
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        context.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", self._dialog)

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def elsewhere(self, own: Sequence[str]) -> list[str]:
        """Addresses that are not of the hosts named."""
        return [url for url in self.asked if not url.startswith((*own, "data:", "blob:"))]


@contextmanager
def entered(console: ConsoleServer) -> Iterator[Watched]:
    """Who came by the printed link, in a browser as large as a desk has; at the end nothing went wrong on the page."""
    from playwright.sync_api import expect

    with chromium() as browser:
        watched = Watched(browser.new_context(viewport={"width": 1280, "height": 800}))
        watched.page.goto(console.link)
        expect(watched.page.get_by_role("heading", name="Projects")).to_be_visible()
        yield watched
        assert watched.errors == []
