"""Bytes set aside on disk that nobody can read but this process: encrypted under a key that is in memory only."""

import os
import tempfile
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

IN_MEMORY: Final = 64 << 20
"""Bytes that are kept in memory before a file is made."""
_NONCE: Final = 12


class Sealed:
    """Pieces of bytes, each under the number that `put` gives. AES-256-GCM; the key goes with the object.

    The file has no name on systems that allow it (`tempfile`), and lies with the other temporary files. What a killed
    process leaves of it is noise.
    """

    def __init__(self) -> None:
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, mode="w+b")  # noqa: SIM115 - closed by close
        self._spans: list[tuple[int, int]] = []

    def put(self, data: bytes) -> int:
        """Set bytes aside. Raises OSError where the disk is full."""
        nonce = os.urandom(_NONCE)
        kept = nonce + self._cipher.encrypt(nonce, data, None)
        start = self._file.seek(0, os.SEEK_END)
        self._file.write(kept)
        self._spans.append((start, len(kept)))
        return len(self._spans) - 1

    def get(self, number: int) -> bytes:
        """What was put. Raises OSError, and InvalidTag where somebody has changed the file."""
        start, size = self._spans[number]
        self._file.seek(start)
        kept = self._file.read(size)
        return self._cipher.decrypt(kept[:_NONCE], kept[_NONCE:], None)

    def close(self) -> None:
        """Nothing is left."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
