"""Destination `archive`: one encrypted archive per study, opened again and compared before it counts."""

import hashlib
from collections.abc import Callable, Mapping
from io import BufferedReader
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.disk import facts_of, own_words
from pacsflow.export.parcels import Parcels, name_of
from pacsflow.export.placing import named_files, places
from pacsflow.secrets import resolve
from schemas.export import Archive

Members = Mapping[str, Path]


class ArchiveTarget(Parcels):
    """Studies as archives below one folder."""

    kind = "archive"

    def __init__(self, settings: Archive) -> None:
        super().__init__(settings)
        self._settings = settings

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`. Raises TargetError where it cannot be delivered."""
        settings, password = self._settings, resolve(self._settings.password)
        claimed: dict[str, str] = {}
        laid_out = places(study, settings.layout, lambda name, owner: claimed.setdefault(name, owner) == owner)
        members = {
            "/".join((*place, name)): source
            for series, place in laid_out
            for name, source in named_files(series, place[-1], settings)
        }
        if not members:
            return Delivered(())
        with own_words(self.kind):
            name = f"{name_of(study, self._root)}.{settings.format}"
            with self.appearing(name) as half:
                _PACKERS[settings.format](half, members, password)
                if _held(half, settings.format, password) != {path: _digest(file) for path, file in members.items()}:
                    raise TargetError("an archive read back differs from what was packed", transient=True)
                half.chmod(0o600)
            return Delivered(((name, *facts_of(self._root / name)),))


def _digest(path: Path) -> str:
    return facts_of(path)[0]


def _zip(place: Path, members: Members, password: str) -> None:
    """AES-256 (WinZip's AE-2); names of files are not encrypted, they hold nothing but pseudonyms."""
    import pyzipper

    ciphered = {"compression": pyzipper.ZIP_DEFLATED, "encryption": pyzipper.WZ_AES}
    # A zip knows no time before 1980, which files of some media have.
    with pyzipper.AESZipFile(place, "w", strict_timestamps=False, **ciphered) as archive:
        archive.setpassword(password.encode())
        for name, source in sorted(members.items()):
            archive.write(source, name)


def _7z(place: Path, members: Members, password: str) -> None:
    """AES-256, names too."""
    import py7zr

    with py7zr.SevenZipFile(place, "w", password=password, header_encryption=True) as archive:
        for name, source in sorted(members.items()):
            archive.write(source, name)


def _held(place: Path, form: str, password: str) -> dict[str, str] | None:
    """Path -> SHA-256 of what an archive really holds; None where it cannot be read. Nothing is unpacked to disk."""
    try:
        return _READERS[form](place, password)
    except OSError:
        raise
    except Exception:  # noqa: BLE001 each library, and what it unpacks with, has errors of its own
        return None


def _in_zip(place: Path, password: str) -> dict[str, str]:
    import pyzipper

    with pyzipper.AESZipFile(place) as archive:
        archive.setpassword(password.encode())
        return {name: _digest_of(archive.open(name)) for name in archive.namelist()}


def _digest_of(stream: BufferedReader) -> str:
    with stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _in_7z(place: Path, password: str) -> dict[str, str]:
    import py7zr
    from py7zr.io import HashIOFactory

    digests = HashIOFactory()  # type: ignore[no-untyped-call]
    with py7zr.SevenZipFile(place, password=password) as archive:
        archive.extractall(factory=digests)
    return {name: digest.read().hex() for name, digest in digests.products.items()}


_PACKERS: dict[str, Callable[[Path, Members, str], None]] = {"zip": _zip, "7z": _7z}
_READERS: dict[str, Callable[[Path, str], dict[str, str]]] = {"zip": _in_zip, "7z": _in_7z}
