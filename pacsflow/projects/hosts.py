"""Hosts are names or addresses: a port or a whole address behind `host` is told apart, with the lines to write."""

import ipaddress
import re
from typing import Any

from pydantic import BaseModel

from pacsflow.projects.source import Document, FieldPath

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)")
_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:/\s]+):(?P<port>[0-9]{1,5})")
_NAME = re.compile(r"[A-Za-z0-9._%-]+|[0-9A-Fa-f:.%]+", re.ASCII)


def check_hosts(document: Document, model: BaseModel, at: FieldPath = ()) -> None:
    """A problem for each `host` of `model`, and of what is within it, that is more or other than a host."""
    for name, value in model:
        _check(document, value, (*at, name))


def _check(document: Document, value: Any, path: FieldPath) -> None:
    if isinstance(value, BaseModel):
        check_hosts(document, value, path)
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            _check(document, item, (*path, position))
    elif path[-1] == "host" and isinstance(value, str) and (fault := host_fault(value)):
        document.problem(path, *fault)


def host_fault(text: str) -> tuple[str, str] | None:
    """What is wrong with a host, and what to write; None for a name, an IPv4 or an IPv6 address."""
    if not text or _is_address(text):
        return None
    found = _URL.fullmatch(text)
    if found:
        host, port = _parts(found["rest"].partition("/")[0].rpartition("@")[2])
        web = found["scheme"].lower() in {"http", "https"}
        more = "; a web service is named by `protocol: dicomweb` and `url:`" if web else ""
        return "is an address of the web, not a host", f"write {_lines(host, port)}{more}"
    return _more_than_a_host(text)


def _more_than_a_host(text: str) -> tuple[str, str] | None:
    called, at, rest = text.rpartition("@")
    host, port = _parts(rest.partition("/")[0])
    if at:
        return "holds an AE title too", f"write `called_aet: {called}` and {_lines(host, port)}"
    if port:
        return "holds the port too", f"write {_lines(host, port)}: the port goes to `port`"
    if host != text:
        return "is more than a host", f"write {_lines(host, '')}"
    if not _NAME.fullmatch(text):
        return "is neither a name nor an address", "write a name as pacs.example.org, or an address as 192.0.2.7"
    return None


def _parts(text: str) -> tuple[str, str]:
    """Host and port, '' where there is none."""
    if found := _PORT.fullmatch(text):
        return found["host"].strip("[]"), found["port"]
    return text.strip("[]"), ""


def _lines(host: str, port: str) -> str:
    host = f"'{host}'" if ":" in host else host
    return f"`host: {host}`" + (f" and `port: {port}`" if port else "")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
