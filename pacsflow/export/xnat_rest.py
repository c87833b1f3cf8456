"""XNAT's REST interface, as far as a delivery needs it: log in, import a zip of DICOM files, ask what is there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from pacsflow.errors import TargetError
from pacsflow.export.web import SECONDS, Sent, own_words, refused
from pacsflow.secrets import resolve
from pacsflow.web import web_client
from schemas.export import Xnat

_LOGIN = "/data/JSESSION"
_COOKIE = "JSESSIONID"
_HELD = frozenset({"DICOM", "secondary"})
"""Where XNAT puts images, and instances that are none."""
_NOT_FOUND = 404


@contextmanager
def logged_in(settings: Xnat) -> Iterator["Server"]:
    """A session at the server, which is ended whatever happens. Raises TargetError."""
    password = resolve(settings.password)
    with own_words("xnat"), web_client(settings.url, auth=None, ca=settings.ca, seconds=SECONDS) as client:
        answer = client.post(_LOGIN, auth=(settings.username, password))
        if not answer.is_success:
            raise refused("xnat", answer)
        if _COOKIE not in client.cookies:
            client.cookies.set(_COOKIE, answer.text.strip())
        try:
            yield Server(client, settings)
        finally:
            with suppress(httpx.HTTPError):
                client.delete(_LOGIN)


class Server:
    """An XNAT server that knows us."""

    def __init__(self, client: httpx.Client, settings: Xnat) -> None:
        self._client, self._settings = client, settings
        self.waits = settings.destination == "prearchive"
        """Whether a session waits for a person to archive it."""

    def study_uid(self, session: str) -> str | None:
        """Study Instance UID of an archived session; empty where it has none, None where there is no such session."""
        told = self._asked(f"/data/projects/{self._settings.project}/experiments/{session}")
        items = told.get("items") if told is not None else None
        if told is None or not isinstance(items, list) or not items:
            return None
        return str(items[0].get("data_fields", {}).get("UID", ""))

    def held(self, subject: str, session: str) -> int:
        """How many instances the session holds, in the archive or the prearchive, as the settings say."""
        project = self._settings.project
        if not self.waits:
            return self._instances(f"/data/projects/{project}/subjects/{subject}/experiments/{session}")
        waiting = self._rows(f"/data/prearchive/projects/{project}")
        return sum(
            self._waiting(f"/data/prearchive/projects/{project}/{row.get('timestamp')}/{row.get('folderName')}")
            for row in waiting
            if (row.get("subject"), row.get("name")) == (subject, session)
        )

    def bring(self, archive: Path, subject: str, session: str) -> None:
        """Import a zip of DICOM files. Raises TargetError where the server does not take it."""
        settings = self._settings
        body = Sent([archive], settings.megabytes_per_second)
        asked = {
            "import-handler": "DICOM-zip",
            "inbody": "true",
            "project": settings.project,
            "subject": subject,
            "session": session,
            "overwrite": settings.overwrite,
            "dest": f"/{settings.destination}",
        }
        headers = {"Content-Type": "application/zip", "Content-Length": str(body.size)}
        answer = self._client.post("/data/services/import", params=asked, content=body, headers=headers)
        if not answer.is_success:
            raise refused("xnat", answer)

    def _instances(self, place: str) -> int:
        scans = [str(row.get("ID")) for row in self._rows(f"{place}/scans")]
        files = (row for scan in scans for row in self._rows(f"{place}/scans/{scan}/files"))
        return sum(row.get("collection") in _HELD for row in files)

    def _waiting(self, place: str) -> int:
        """As `_instances`, in the prearchive: there files are listed by resource only, and a row names none."""
        scans = [str(row.get("ID")) for row in self._rows(f"{place}/scans")]
        held = [
            f"{place}/scans/{scan}/resources/{label}/files"
            for scan in scans
            for row in self._rows(f"{place}/scans/{scan}/resources")
            if (label := row.get("label")) in _HELD
        ]
        return sum(len(self._rows(files)) for files in held)

    def _rows(self, place: str) -> list[dict[str, Any]]:
        told = self._asked(place)
        result = told.get("ResultSet") if told is not None else None
        rows = result.get("Result") if isinstance(result, dict) else []
        return [row for row in rows or [] if isinstance(row, dict)]

    def _asked(self, place: str) -> dict[str, Any] | None:
        """The JSON at a place; None where there is nothing."""
        answer = self._client.get(place, params={"format": "json"})
        if answer.status_code == _NOT_FOUND:
            return None
        if not answer.is_success:
            raise refused("xnat", answer)
        try:
            told = json.loads(answer.content)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise TargetError("xnat: the server does not answer in JSON", fix="check the address")
        return told
