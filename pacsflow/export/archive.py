"""Destination `archive`: one encrypted archive per study, opened again and compared before it counts."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.contract import Target as Destination
from pacsflow.export.disk import facts_of, own_words
from pacsflow.export.parcels import Parcels, name_of
from pacsflow.export.placing import named_files, places
from pacsflow.secrets import resolve
from schemas.export import Archive, Target

Members = Mapping[str, Path]


def open_target(settings: Target) -> Destination:
    """The archives that `settings` describe."""
    if not isinstance(settings, Archive):
        raise TargetError(f"no archive: {settings.kind}")
    return ArchiveTarget(settings)


class ArchiveTarget(Parcels):
    """Studies as archives below one folder."""

    kind = "archive"

    def __init__(self, settings: Archive) -> None:
        super().__init__(Path(settings.path))
        self._settings = settings

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`."""
        settings, password = self._settings, resolve(self._settings.password)
        claimed: dict[str, str] = {}
        laid_out = places(study, settings.layout, lambda name, owner: claimed.setdefault(name, owner) == owner)
        members = {
            "/".join((*place, name)): source
            for series, place in laid_out
            for name, source in named_files(series, place[-1], settings)
        }
        with own_words("archive"):
            name = f"{name_of(study, self._root)}.{settings.format}"
            with self.appearing(name) as half:
                _PACKERS[settings.format](half, members, password)
                if _held(half, settings.format, password) != {path: _digest(file) for path, file in members.items()}:
                    raise TargetError("an archive read back differs from what was packed", transient=True)
                half.chmod(0o600)
            return Delivered(((name, *facts_of(self._root / name)),))


def _digest_of(stream: BufferedReader) -> str:
    with stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest(path: Path) -> str:
    return facts_of(path)[0]


def _zip(place: Path, members: Members, password: str) -> None:
    """AES-256 (WinZip's AE-2); names of files are not encrypted, they hold nothing but pseudonyms."""
    import pyzipper

    with pyzipper.AESZipFile(place, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(password.encode())
        for name, source in sorted(members.items()):
            archive.write(source, name)


def _7z(place: Path, members: Members, password: str) -> None:
    """AES-256, names too."""
    import py7zr

    with py7zr.SevenZipFile(place, "w", password=password, header_encryption=True) as archive:
        for name, source in sorted(members.items()):
            archive.write(source, name)


def _held(place: Path, form: str, password: str) -> dict[str, str]:
    """Path -> SHA-256 of what an archive really holds."""
    with _readers(place, form, password) as streams:
        return {name: _digest_of(stream) for name, stream in streams}


@contextmanager
def _readers(place: Path, form: str, password: str) -> Iterator[Iterator[tuple[str, BufferedReader]]]:
    if form == "zip":
        import pyzipper

        with pyzipper.AESZipFile(place) as archive:
            archive.setpassword(password.encode())
            yield ((name, cast("BufferedReader", archive.open(name))) for name in archive.namelist())
        return
    import py7zr

    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".") as unpacked:
        with py7zr.SevenZipFile(place, password=password) as packed:
            packed.extractall(unpacked)
        files = (path for path in Path(unpacked).rglob("*") if path.is_file())
        yield ((path.relative_to(unpacked).as_posix(), path.open("rb")) for path in files)


_PACKERS: dict[str, Any] = {"zip": _zip, "7z": _7z}
