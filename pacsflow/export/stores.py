"""The storages of `kind: storage`: an address and options -> an fsspec file system whose other end is verified."""

import ftplib
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from fsspec import AbstractFileSystem, filesystem
from fsspec.implementations.ftp import FTPFileSystem
from fsspec.implementations.sftp import SFTPFileSystem

from pacsflow.errors import TargetError
from pacsflow.extras import install
from pacsflow.secrets import resolve
from pacsflow.web import at_home_only
from schemas.export import Storage
from schemas.storages import S3Options

WHOLE = frozenset({"s3", "gs", "abfs"})
"""Storages whose objects appear whole or not at all: no temporary name is needed."""
_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "abfs": "adlfs"}
"""What storages need that does not come with every pacsflow."""
_REFERENCE = re.compile(r"^\$\{[^}]+\}$")
_TIMEOUT = 60
_CHECKSUMS = ("request_checksum_calculation", "response_checksum_validation")
"""Servers that do not know the trailers with checksums store them inside the object; all is read back anyway."""


class _Sftp(SFTPFileSystem):  # type: ignore[misc]
    """SFTP to a host whose key is known, in the file given or in the user's own known_hosts."""

    cachable = False

    def __init__(self, host: str, *, known_hosts: str = "", **options: Any) -> None:
        self._known_hosts = known_hosts
        super().__init__(host, host_key_policy="reject", timeout=_TIMEOUT, **options)

    def _connect(self) -> None:
        import paramiko

        self.client = paramiko.SSHClient()
        if self._known_hosts:
            self.client.load_host_keys(self._known_hosts)
        else:
            self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        options = {name: value for name, value in self.ssh_kwargs.items() if name != "protocol"}
        self.client.connect(self.host, **options)
        self.ftp = self.client.open_sftp()

    def close(self) -> None:
        self.client.close()


class _Sessions(ftplib.FTP_TLS):
    """FTP over TLS whose data connections go on in the TLS session of the control connection, as servers demand."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[Any, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 it is wrapped at once
        assert isinstance(self.sock, ssl.SSLSocket)  # noqa: S101 prot_p was said
        return self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session), size


class _Ftps(FTPFileSystem):  # type: ignore[misc]
    """FTP with explicit TLS (RFC 4217), the server's certificate verified, data protected too."""

    def __init__(self, host: str, *, ca: str = "", **options: Any) -> None:
        self._context = ssl.create_default_context(cafile=ca or None)
        super().__init__(host, timeout=_TIMEOUT, tls=True, **options)

    def _connect(self) -> None:
        self.ftp = _Sessions(timeout=self.timeout, encoding=self.encoding, context=self._context)
        self.ftp.connect(self.host, self.port)
        self.ftp.login(*self.cred)

    def close(self) -> None:
        self.ftp.close()


def _sftp(url: str, options: Mapping[str, Any]) -> tuple[AbstractFileSystem, str]:
    place = urlsplit(url)
    own = not (options.get("key_filename") or options.get("password"))  # what is named is used, and nothing else
    store = _Sftp(place.hostname or "", port=place.port or 22, allow_agent=own, look_for_keys=own, **options)
    return store, place.path


def _ftps(url: str, options: Mapping[str, Any]) -> tuple[AbstractFileSystem, str]:
    place = urlsplit(url)
    return _Ftps(place.hostname or "", port=place.port or 21, **options), place.path


def _webdav(url: str, options: Mapping[str, Any]) -> tuple[AbstractFileSystem, str]:
    from webdav4.fsspec import WebdavFileSystem

    given = dict(options)
    user, password = given.pop("username", ""), given.pop("password", "")
    trusted = ssl.create_default_context(cafile=given.pop("ca", "") or None)
    given |= {"auth": (user, password) if user else None, "verify": trusted, "timeout": _TIMEOUT}
    given["event_hooks"] = {"response": [at_home_only]}  # webdav4 follows redirections where it lists and reads

    def below(base: str) -> AbstractFileSystem:
        """The collection `base`, made with those above it where they are missing."""
        store = WebdavFileSystem(base, **given)
        above, _, leaf = base.rpartition("/")
        if "//" in above and not store.client.exists("/"):
            below(above).client.mkdir(leaf)
        return store

    return below(url.replace("webdavs://", "https://", 1).rstrip("/")), ""


def _s3(url: str, options: Mapping[str, Any]) -> tuple[AbstractFileSystem, str]:
    said = S3Options.model_construct(**options)
    client = {"verify": said.ca or True, **({"region_name": said.region} if said.region else {})}
    config = dict.fromkeys(_CHECKSUMS, said.checksums) | {"s3": {"addressing_style": said.addressing}}
    store = filesystem(
        "s3",
        key=said.key,
        secret=said.secret,
        token=said.token,
        anon=said.anon,
        endpoint_url=said.endpoint_url,
        use_ssl=True,
        client_kwargs=client,
        config_kwargs=config,
        skip_instance_cache=True,
    )
    return store, url.partition("://")[2]


def _cloud(url: str, options: Mapping[str, Any]) -> tuple[AbstractFileSystem, str]:
    scheme, _, path = url.partition("://")
    return filesystem(scheme, **options), path


_OPENERS: dict[str, Callable[[str, Mapping[str, Any]], tuple[AbstractFileSystem, str]]] = {
    "sftp": _sftp,
    "ftps": _ftps,
    "webdavs": _webdav,
    "s3": _s3,
    "gs": _cloud,
    "abfs": _cloud,
}


@contextmanager
def opened_store(url: str, options: Mapping[str, Any]) -> Iterator[tuple[AbstractFileSystem, str]]:
    """The file system behind an address, and the path of the address in it; closed in the end.

    Raises TargetError for an address that is not protected on its way, or of a kind that is not known.
    """
    for mistake in Storage(kind="storage", url=url, options=dict(options)).mistakes():
        raise TargetError(f"storage: {'.'.join(mistake.at)} {mistake.message}", fix=mistake.fix)
    scheme = url.partition("://")[0]
    try:
        store, path = _OPENERS[scheme](url, _resolved(options))
    except ImportError as error:
        package = _PACKAGES.get(scheme) or error.name or "what fsspec names for it"
        raise TargetError(f"storage: {scheme}:// needs a package", fix=install(package)) from None
    try:
        yield store, path.rstrip("/")
    finally:
        if isinstance(store, _Sftp | _Ftps):
            store.close()


def _resolved(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with their secrets, looked up as late as possible."""
    return {name: _secret(value) for name, value in options.items()}


def _secret(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _resolved(value)
    return resolve(value) if isinstance(value, str) and _REFERENCE.match(value) else value
