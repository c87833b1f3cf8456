"""Storages on loopback: S3, SFTP, FTPS and WebDAV, each with TLS or host keys of its own, for a test run."""

import os
import signal
import ssl
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers.certificates import Authority
from peers.ports import LOOPBACK, answers, free_port
from peers.process import Server, program

USER, PASSWORD, REFERENCE = "reader", "Zug-um-Zug-77", "${env:STORAGE_WORD}"


@dataclass
class Storage:
    """A running storage: its address, the options of `kind: storage` to reach it, and the same with faults."""

    server: Server
    url: str
    options: dict[str, Any]
    refused: dict[str, Any] = field(default_factory=dict)
    """Options whose log-in is refused."""
    distrusted: dict[str, Any] = field(default_factory=dict)
    """Options that do not trust the server."""


class _Listening(Server):
    def __init__(self, folder: Path, command: list[str], port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, command)
        self._port = port

    def ready(self) -> bool:
        return answers(self._port)

    def kill(self) -> None:
        """End the program, and the processes that it made for its connections (sshd's are groups of their own)."""
        made = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        super().kill()
        for process in made:
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)


def _python(folder: Path, port: int, code: str) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "serve.py").write_text(textwrap.dedent(code))
    return _Listening(folder, [sys.executable, "serve.py"], port)


def s3(folder: Path, authority: Authority, stranger: Authority) -> Storage:
    """moto's S3 server; the bucket `images` is there once it was asked for."""
    port = free_port()
    certificate, key = authority.issue("s3")
    code = f"""
        from moto.server import main
        main(["-H", "{LOOPBACK}", "-p", "{port}", "-c", {str(certificate)!r}, "-k", {str(key)!r}])
    """
    options = {"key": USER, "secret": REFERENCE, "endpoint_url": f"https://{LOOPBACK}:{port}", "ca": str(authority.ca)}
    return Storage(
        _python(folder, port, code),
        "s3://images/lung-ct",
        options,
        distrusted={**options, "ca": str(stranger.ca)},
    )


def ftps(folder: Path, authority: Authority, stranger: Authority) -> Storage:
    """pyftpdlib with TLS on both channels."""
    port = free_port()
    certificate, key = authority.issue("ftps")
    (folder / "held").mkdir(parents=True)
    code = f"""
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.handlers import TLS_FTPHandler
        from pyftpdlib.servers import FTPServer

        people = DummyAuthorizer()
        people.add_user("{USER}", "{PASSWORD}", "held", perm="elradfmwMT")

        class Handler(TLS_FTPHandler):
            authorizer = people
            certfile, keyfile = {str(certificate)!r}, {str(key)!r}
            tls_control_required = tls_data_required = True

        FTPServer(("{LOOPBACK}", {port}), Handler).serve_forever()
    """
    options = {"username": USER, "password": REFERENCE, "ca": str(authority.ca)}
    return Storage(
        _python(folder, port, code),
        f"ftps://{LOOPBACK}:{port}/lung-ct",
        options,
        refused={**options, "password": "${env:STORAGE_WRONG}"},
        distrusted={**options, "ca": str(stranger.ca)},
    )


def webdav(folder: Path, authority: Authority, stranger: Authority) -> Storage:
    """WsgiDAV behind cheroot with TLS."""
    port = free_port()
    certificate, key = authority.issue("webdav")
    (folder / "held").mkdir(parents=True)
    code = f"""
        from cheroot import wsgi
        from cheroot.ssl.builtin import BuiltinSSLAdapter
        from wsgidav.wsgidav_app import WsgiDAVApp

        app = WsgiDAVApp({{
            "provider_mapping": {{"/": "held"}},
            "simple_dc": {{"user_mapping": {{"*": {{"{USER}": {{"password": "{PASSWORD}"}}}}}}}},
            "http_authenticator": {{"accept_basic": True, "accept_digest": False, "default_to_digest": False}},
            "logging": {{"enable": False}},
        }})
        server = wsgi.Server(("{LOOPBACK}", {port}), app)
        server.ssl_adapter = BuiltinSSLAdapter({str(certificate)!r}, {str(key)!r})
        server.start()
    """
    options = {"username": USER, "password": REFERENCE, "ca": str(authority.ca)}
    return Storage(
        _python(folder, port, code),
        f"webdavs://{LOOPBACK}:{port}/lung-ct",
        options,
        refused={**options, "password": "${env:STORAGE_WRONG}"},
        distrusted={**options, "ca": str(stranger.ca)},
    )


def sftp(folder: Path, *_: Authority) -> Storage:
    """OpenSSH's own server, with a host key and a user key made for it."""
    sshd = program("/usr/sbin/sshd")
    port = free_port()
    folder.mkdir(parents=True)
    for name in ("host", "user", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "known_hosts").write_text(f"[{LOOPBACK}]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "strangers").write_text(f"[{LOOPBACK}]:{port} {(folder / 'other.pub').read_text()}")
    (folder / "held").mkdir()
    settings = f"""
        Port {port}
        ListenAddress {LOOPBACK}
        HostKey {folder}/host
        AuthorizedKeysFile {folder}/user.pub
        PidFile none
        StrictModes no
        UsePAM no
        PasswordAuthentication no
        PermitRootLogin yes
        Subsystem sftp internal-sftp
    """
    (folder / "sshd_config").write_text(textwrap.dedent(settings))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    options = {
        "username": subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip(),
        "key_filename": str(folder / "user"),
        "known_hosts": str(folder / "known_hosts"),
    }
    return Storage(
        _Listening(folder, [sshd, "-D", "-e", "-f", str(folder / "sshd_config")], port),
        f"sftp://{LOOPBACK}:{port}{folder}/held/lung-ct",
        options,
        refused={**options, "key_filename": str(folder / "other")},
        distrusted={**options, "known_hosts": str(folder / "strangers")},
    )


def make_bucket(storage: Storage) -> None:
    """The bucket of an S3 address."""
    _ask_moto(storage, "images", "PUT")


def look_at_log_ins(storage: Storage, *, from_request: float) -> None:
    """Have moto refuse keys that it does not know, all of them, from so many requests on."""
    _ask_moto(storage, "moto-api/reset-auth", "POST", str(from_request).encode())


def _ask_moto(storage: Storage, path: str, method: str, body: bytes | None = None) -> None:
    trusted = ssl.create_default_context(cafile=storage.options["ca"])
    address, plain = f"{storage.options['endpoint_url']}/{path}", {"Content-Type": "text/plain"}
    request = urllib.request.Request(address, data=body, headers=plain, method=method)
    urllib.request.urlopen(request, context=trusted).close()


KINDS = {"s3": s3, "sftp": sftp, "ftps": ftps, "webdav": webdav}
