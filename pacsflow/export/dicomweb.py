"""Destination `dicomweb`: a DICOMweb server, by STOW-RS (PS3.18 10.5); asked back by QIDO-RS (PS3.18 10.6)."""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.leftovers import refuse_leftovers
from pacsflow.export.web import SECONDS, Sent, own_words, refused
from pacsflow.web import web_client
from pacsflow.wording import counted
from schemas.export import Dicomweb

_JSON = {"Accept": "application/dicom+json"}
_MOST = 500
"""Instances of one request, at most."""
_SOP_INSTANCE_UID, _REFERENCED_UID = "00080018", "00081155"
_REFERENCED, _FAILED, _REASON = "00081199", "00081198", "00081197"
_OUT_OF_RESOURCES, _PROCESSING_FAILURE = range(0xA700, 0xA800), 0x0110
_ACCEPTED, _CONFLICT, _NOTHING = 202, 409, {204, 404}
_MOST_LISTED = 1_000_000
Files = dict[str, Path]


class _RefusedError(TargetError):
    """Instances that the server did not take, of those of one request."""


class ServerTarget:
    """Studies at a DICOMweb server. A path of a delivery is study/series/instance, by UID."""

    def __init__(self, settings: Dicomweb) -> None:
        self._settings = settings

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`. What the server has already is not sent again, where it can be asked.

        Raises TargetError where it cannot be delivered.
        """
        if not study.instances:
            return Delivered(())
        files = study.instances
        delivered = Delivered.of(files)
        with own_words("dicomweb"), self._client() as client:
            asks = self._settings.query_back
            absent = _lacks(client, files) if asks else list(files)
            self._store_all(client, {name: files[name] for name in absent})
            if asks and absent and (missing := _lacks(client, files)):
                raise TargetError(
                    f"dicomweb: {len(missing)} of {counted(len(files), 'instance was', 'instances were')} sent, "
                    f"and the server does not list them",
                    fix="look at the server's log; `query_back: false` where it cannot be asked",
                    transient=True,
                )
        return delivered

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`. Compared by UID; nothing is missing where the server cannot be asked."""
        if not self._settings.query_back:
            return []
        with own_words("dicomweb"), self._client() as client:
            return _lacks(client, [path for path, *_ in delivered.files])

    def present(self, paths: Sequence[str]) -> Sequence[str]:
        """See `Target`. Compared by UID."""
        absent = set(self.verify(Delivered(tuple((path, "", 0) for path in paths))))
        return [path for path in paths if path not in absent]

    def remove(self, paths: Sequence[str]) -> None:
        """Raises TargetError where some are still there: DICOMweb (PS3.18 10) has no way to take an instance back."""
        if paths and self._settings.query_back:
            refuse_leftovers(self, paths)

    def _client(self) -> httpx.Client:
        settings = self._settings
        return web_client(settings.url, auth=settings.auth, ca=settings.ca, seconds=SECONDS)

    def _store_all(self, client: httpx.Client, files: Files) -> None:
        """Store what there is; an instance that is refused for good keeps no other back. Raises TargetError then."""
        refused: list[_RefusedError] = []
        for group in _groups(files, self._settings.megabytes_per_request):
            try:
                self._store(client, group)
            except _RefusedError as fault:
                if fault.transient:
                    raise
                refused.append(fault)
        if refused:
            raise TargetError("; ".join(dict.fromkeys(map(str, refused))), fix=refused[0].fix)

    def _store(self, client: httpx.Client, group: Files) -> None:
        boundary = uuid.uuid4().hex
        head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        pieces = [piece for path in group.values() for piece in (head, path, b"\r\n")]
        body = Sent([*pieces, f"--{boundary}--\r\n".encode()], self._settings.megabytes_per_second)
        kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
        headers = {**_JSON, "Content-Type": kind, "Content-Length": str(body.size)}
        answer = client.post("/studies", content=body, headers=headers)
        if not answer.is_success and answer.status_code != _CONFLICT:
            raise refused("dicomweb", answer)
        _check_stored(answer, {name.rpartition("/")[2] for name in group}, silence=self._settings.query_back)


def _groups(files: Files, megabytes: float) -> Iterator[Files]:
    """The files, as many at a time as one request may hold; a file that is larger than that goes alone."""
    group: Files = {}
    size = 0
    for name, path in sorted(files.items()):
        more = path.stat().st_size
        if group and (size + more > megabytes * 1e6 or len(group) == _MOST):
            yield group
            group, size = {}, 0
        group[name] = path
        size += more
    if group:
        yield group


def _check_stored(answer: httpx.Response, sent: set[str], *, silence: bool) -> None:
    """Raises TargetError unless all that was sent is stored (PS3.18 10.5.3); `silence` on it may be borne."""
    told = _object(answer)
    failed = _items(told, _FAILED)
    if failed or answer.status_code == _CONFLICT:
        reasons = {_first(item, _REASON) for item in failed}
        numbers = {reason for reason in reasons if isinstance(reason, int)}
        codes = ", ".join(f"0x{number:04X}" for number in sorted(numbers)) or "not said"
        passing = numbers and all(n in _OUT_OF_RESOURCES or n == _PROCESSING_FAILURE for n in numbers)
        raise _RefusedError(
            f"dicomweb: the server refused {len(failed) or len(sent)} of {counted(len(sent), 'instance')}: "
            f"reason {codes}",
            fix="look up the reason in PS3.18 annex I.2, and at the server's log",
            transient=bool(passing),
        )
    stored = {_first(item, _REFERENCED_UID) for item in _items(told, _REFERENCED)}
    if not silence and not sent <= stored:
        raise TargetError(
            f"dicomweb: the server does not say that it stored {len(sent - stored)} of "
            f"{counted(len(sent), 'instance')}",
            fix="look at the server's log; where it can be asked, take `query_back: false` out",
            transient=True,
        )


def _lacks(client: httpx.Client, names: Iterable[str]) -> list[str]:
    """Those of the names, each study/series/instance, that the server does not list."""
    wanted: dict[str, set[str]] = {}
    for name in names:
        series, _, uid = name.rpartition("/")
        wanted.setdefault(series, set()).add(uid)
    return [
        f"{series}/{uid}"
        for series, uids in sorted(wanted.items())
        for uid in sorted(uids - _held(client, series, uids))
    ]


def _held(client: httpx.Client, series: str, wanted: set[str]) -> set[str]:
    """Which instances of a series the server lists, page by page where it gives pages."""
    study, _, series_uid = series.partition("/")
    found: set[str] = set()
    while not wanted <= found:
        if len(found) > _MOST_LISTED:
            raise TargetError(f"dicomweb: the server lists more than {_MOST_LISTED:,} instances of one series")
        page = {"offset": len(found)} if found else {}
        answer = client.get(f"/studies/{study}/series/{series_uid}/instances", params=page, headers=_JSON)
        if answer.status_code in _NOTHING:
            break
        if not answer.is_success:
            raise refused("dicomweb", answer)
        more = {str(_first(item, _SOP_INSTANCE_UID)) for item in _list(answer)}
        if more <= found:
            break
        found |= more
    return found


def _list(answer: httpx.Response) -> list[dict[str, Any]]:
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, list):
        raise TargetError(
            "dicomweb: the server's list is no DICOM JSON", fix="check the address: it is the DICOMweb base address"
        )
    return [item for item in told if isinstance(item, dict)]


def _object(answer: httpx.Response) -> dict[str, Any]:
    """The Store Instances Response Module (PS3.18 I); empty where it is not in JSON."""
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    first = told[0] if isinstance(told, list) and told else told
    return first if isinstance(first, dict) else {}


def _items(told: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    element = told.get(tag)
    values = element.get("Value", []) if isinstance(element, dict) else []
    return [item for item in values if isinstance(item, dict)]


def _first(item: dict[str, Any], tag: str) -> Any:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None
