"""Destination `storage`: files below an address of any fsspec storage, each read back and compared."""

import hashlib
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from pacsflow.errors import SecretError, TargetError
from pacsflow.export.bandwidth import Bandwidth
from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.disk import aside, unmarked
from pacsflow.export.placing import CLAIMS, named_files, places
from pacsflow.export.stores import WHOLE, opened_store
from schemas.export import Storage

_PIECE = 1 << 20
_OWNER = re.compile(rb"[0-9a-f]{32}")
"""What a claim holds: the digest of its owner."""
_CHANGED = (
    "s3: leave `checksums` out of `options`, or say `when_required`; else look "
    "at what stands between here and the server"
)
_HALF = re.compile(r"\.[0-9a-f]{32}\.part")
_FOR_GOOD = ("Permission", "Auth", "Credential", "SSL", "Certificate", "HostKey", "Forbidden", "NoSuchBucket", "perm")
"""Parts of the names of errors that do not pass by themselves."""
_REFUSALS = frozenset({400, 401, 403, 405})
"""HTTP statuses after which a later attempt may succeed."""
Facts = tuple[str, int]


class StorageTarget:
    """Studies below one address. A connection is opened for each call."""

    def __init__(self, settings: Storage) -> None:
        self._settings = settings

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`."""
        done = []
        with self._opened() as (store, root):
            settings = self._settings
            for series, place in places(study, settings.layout, partial(_is_owner, store, root)):
                folder = "/".join((root, *place))
                store.makedirs(folder, exist_ok=True)
                _sweep(store, folder)
                for name, source in named_files(series, place[-1], settings):
                    facts = self._put(store, f"{folder}/{name}", source, study.written)
                    done.append(("/".join((*place, name)), *facts))
        return Delivered(tuple(sorted(done)))

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`."""
        with self._opened() as (store, root):
            return [path for path, *facts in delivered.files if _facts(store, f"{root}/{path}") != tuple(facts)]

    def present(self, paths: Sequence[str]) -> Sequence[str]:
        """See `Target`."""
        with self._opened() as (store, root):
            found = [path for path in paths if _size(store, f"{root}/{path}") is not None]
            if paths and not found and not _is_marked(store, root):
                raise unmarked("storage")
            return found

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`."""
        if not paths:
            return
        with self._opened() as (store, root):
            for path in paths:
                if _size(store, f"{root}/{path}") is not None:
                    store.rm_file(f"{root}/{path}")

    def _put(self, store: AbstractFileSystem, path: str, source: Path, ours: frozenset[str]) -> Facts:
        """Have `source` at `path`, whole: under a temporary name first where the storage shows halves.

        What stands there and is none of `ours` (SHA-256) is kept under another name.
        """
        with source.open("rb") as stream:
            wanted = hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()
        if _size(store, path) == wanted[1] and _facts(store, path) == wanted:
            return wanted
        if (there := _facts(store, path)) and there[0] not in ours:
            store.mv(path, aside(path))
        at = path if _appears_whole(store) else f"{path.rpartition('/')[0]}/.{uuid.uuid4().hex}.part"
        _send(store, source, at, self._settings.megabytes_per_second)
        if _facts(store, at) != wanted:
            store.rm_file(at)
            raise TargetError("storage: a file read back differs from what was written", fix=_CHANGED, transient=True)
        if at != path:
            if _size(store, path) is not None:
                store.rm_file(path)
            store.mv(at, path)
        return wanted

    @contextmanager
    def _opened(self) -> Iterator[tuple[AbstractFileSystem, str]]:
        """The storage; its errors without their texts, which may hold addresses, names and answers."""
        try:
            with opened_store(self._settings.url, self._settings.options) as opened:
                yield opened
        except (TargetError, SecretError):
            raise
        except Exception as error:  # noqa: BLE001 every storage has errors of its own
            status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", 0)
            kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
            lasting = status in _REFUSALS or any(word in kinds for word in _FOR_GOOD)
            raise TargetError(
                f"storage: {type(error).__name__}{f' {status}' if status else ''}",
                fix="look at address, options and rights in export.yaml",
                transient=not lasting,
            ) from None


def _appears_whole(store: AbstractFileSystem) -> bool:
    return not WHOLE.isdisjoint((store.protocol,) if isinstance(store.protocol, str) else store.protocol)


def _sweep(store: AbstractFileSystem, folder: str) -> None:
    """Remove what a killed process, or a cut connection, left half-written in a folder."""
    if not _appears_whole(store):
        store.invalidate_cache()
        for entry in store.ls(folder, detail=True):
            name = entry["name"].rpartition("/")[2]
            if _HALF.fullmatch(name):
                store.rm_file(f"{folder}/{name}")


def _send(store: AbstractFileSystem, source: Path, path: str, limit: float | None) -> None:
    """Copy, no faster than `limit` MB/s."""
    bandwidth = Bandwidth(limit)
    with source.open("rb") as stream:
        sink = store.open(path, "wb")
        try:
            while piece := stream.read(_PIECE):
                sink.write(piece)
                bandwidth.spend(len(piece))
            sink.close()
        except BaseException:
            _discard(sink)
            raise


def _discard(sink: Any) -> None:
    """Close a file that is not whole: where its storage would give it its name on closing, without closing it."""
    with suppress(Exception):
        sink.discard()
    if isinstance(sink, AbstractBufferedFile):
        sink.closed = True
    else:
        with suppress(Exception):
            sink.close()


def _size(store: AbstractFileSystem, path: str) -> int | None:
    store.invalidate_cache()
    try:
        return int(store.size(path))
    except FileNotFoundError:
        return None


def _facts(store: AbstractFileSystem, path: str) -> Facts | None:
    """SHA-256 and size of the file at `path`; None where there is none."""
    digest, size = hashlib.sha256(), 0
    store.invalidate_cache()
    try:
        with store.open(path, "rb") as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
                size += len(piece)
    except FileNotFoundError:
        return None
    return digest.hexdigest(), size


def _is_marked(store: AbstractFileSystem, root: str) -> bool:
    """Whether anything was delivered below `root`, by the claims there: a server may hide their folder, not them."""
    store.invalidate_cache()
    try:
        return bool(store.ls("/".join((root, *CLAIMS)), detail=False))
    except FileNotFoundError:
        return False


def _is_owner(store: AbstractFileSystem, root: str, claim: str, owner: str) -> bool:
    """Whether `owner` wrote the first complete claim. Of two in the same moment the last has it."""
    folder = "/".join((root, *CLAIMS))
    path = f"{folder}/{claim}"
    if _size(store, path) != len(owner):
        store.makedirs(folder, exist_ok=True)
        store.pipe_file(path, owner.encode())
    store.invalidate_cache()
    found = bytes(store.cat_file(path))
    if found != owner.encode() and not _OWNER.fullmatch(found):
        raise _changed()
    return found == owner.encode()


def _changed() -> TargetError:
    return TargetError("storage: the server holds something else than it was sent", fix=_CHANGED)
