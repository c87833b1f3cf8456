"""A keyring in memory, in place of the machine's."""

from collections.abc import Iterator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class Memory(KeyringBackend):
    """Keeps what it is told, as a real keyring does."""

    priority = 5

    def __init__(self, *, locked: bool) -> None:
        super().__init__()
        self.locked = locked
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


@contextmanager
def memory_keyring(*, locked: bool = False) -> Iterator[dict[tuple[str, str], str]]:
    """A keyring of one test's own, that answers unless `locked`; gives what it holds."""
    before, memory = keyring.get_keyring(), Memory(locked=locked)
    keyring.set_keyring(memory)
    try:
        yield memory.held
    finally:
        keyring.set_keyring(before)
