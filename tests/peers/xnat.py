"""A service that speaks as much of XNAT's REST interface as a delivery needs.

It cannot be told from its answers what a real XNAT does beyond that: merging, anonymization scripts, rights.
"""

import base64
import io
import json
import re
import zipfile
from collections import defaultdict
from urllib.parse import parse_qs, urlsplit

from pydicom import dcmread

from peers.secured import Quiet, Secured

ROUTES = [
    "/JSESSION",
    "/services/import",
    "/prearchive/projects/{PROJECT_ID}",
    "/prearchive/projects/{PROJECT_ID}/{SESSION_TIMESTAMP}/{SESSION_LABEL}/scans",
    "/prearchive/projects/{PROJECT_ID}/{SESSION_TIMESTAMP}/{SESSION_LABEL}/scans/{SCAN_ID}/resources",
    "/prearchive/projects/{PROJECT_ID}/{SESSION_TIMESTAMP}/{SESSION_LABEL}/scans/{SCAN_ID}/resources/{RESOURCE_ID}/files",
    "/projects/{PROJECT_ID}/experiments/{EXPT_ID}",
    "/projects/{PROJECT_ID}/subjects/{SUBJECT_ID}/experiments/{ASSESSED_ID}/scans",
    "/projects/{PROJECT_ID}/subjects/{SUBJECT_ID}/experiments/{ASSESSED_ID}/scans/{SCAN_ID}/files",
]
"""Those of the routes that xnat-web attaches (XNATApplication) which this answers: anything else is a stray request."""
_ROUTES = [re.compile("/data" + re.sub(r"\{\w+\}", "[^/]+", route)) for route in ROUTES]
USER, PASSWORD, TOKEN = "reader", "Zug-um-Zug-77", "0A1B2C"


class Xnat(Secured):
    """`sessions`: place (prearchive or archive) -> (subject, session) -> {SOP Instance UID: header}.

    Faults: `cut` breaks the connection of that many imports midway, `lose` drops that many images, `status` is what
    imports are answered with.
    """

    def __init__(self, authority):
        super().__init__(_Handler, authority)
        self.sessions = {"archive": defaultdict(dict), "prearchive": defaultdict(dict)}
        self.open, self.imports, self.strays = set(), [], []
        self.cut, self.lose, self.status, self.headers_of_imports = 0, 0, 200, {}


class _Handler(Quiet):
    def do_POST(self):  # noqa: N802
        place = self._place()
        if place.path == "/data/JSESSION":
            wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if self.headers["Authorization"] != f"Basic {wanted}":
                return self.answer(401, b"wrong password for reader")
            self.server.open.add(TOKEN)
            return self.answer(200, TOKEN.encode(), Set_Cookie=f"JSESSIONID={TOKEN}; Path=/; Secure; HttpOnly")
        if not self._known():
            return self.answer(401)
        if self.server.cut:
            self.server.cut -= 1
            self.rfile.read(100)
            self.close_connection = True
            return None
        return self._import({name: values[0] for name, values in parse_qs(place.query).items()})

    def _import(self, asked):
        content = self.body()
        self.server.imports.append(asked)
        if self.server.status != 200:
            return self.answer(self.server.status, b"<html>no</html>", **self.server.headers_of_imports)
        place = asked["dest"].strip("/")
        session = self.server.sessions[place][asked["subject"], asked["session"]]
        if session and asked["overwrite"] == "none":
            return self.answer(409)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist()[self.server.lose :]:
                header = dcmread(io.BytesIO(archive.read(name)), stop_before_pixels=True)
                session[str(header.SOPInstanceUID)] = header
        self.server.lose = 0
        return self.answer(200, f"/data/{place}/projects/{asked['project']}\r\n".encode())

    def do_DELETE(self):  # noqa: N802
        self._place()
        self.server.open.discard(TOKEN)
        self.answer(200)

    def do_GET(self):  # noqa: N802
        if not self._known():
            return self.answer(401)
        told = self._told(self._place().path.split("/")[2:])
        return self.answer(404) if told is None else self.answer(200, json.dumps(told).encode())

    def _told(self, parts):
        archive, prearchive = self.server.sessions["archive"], self.server.sessions["prearchive"]
        match parts:
            case ["prearchive", "projects", _]:
                rows = [{"subject": s, "name": e, "timestamp": "20260101_1", "folderName": e} for s, e in prearchive]
                return {"ResultSet": {"Result": rows}}
            case ["prearchive", "projects", _, _, folder, *rest]:
                return _waiting({e: session for (_, e), session in prearchive.items()}.get(folder), rest)
            case ["projects", _, "experiments", label]:
                session = {e: session for (_, e), session in archive.items()}.get(label)
                uid = next(iter(session.values())).StudyInstanceUID if session else ""
                return {"items": [{"data_fields": {"UID": uid}}]} if session else None
            case ["projects", _, "subjects", subject, "experiments", label, *rest]:
                return _listing(archive.get((subject, label)), rest)
        return None

    def _place(self):
        place = urlsplit(self.path)
        if not any(route.fullmatch(place.path) for route in _ROUTES):
            self.server.strays.append(place.path)
        return place

    def _known(self):
        return TOKEN in self.server.open and f"JSESSIONID={TOKEN}" in (self.headers["Cookie"] or "")


def _waiting(session, rest):
    """What XNATApplication attaches below a session of the prearchive: no list of files but that of a resource."""
    if not session:
        return None
    scans = sorted({str(header.SeriesNumber) for header in session.values()})
    match rest:
        case ["scans"]:
            rows = [{"ID": scan, "xsiType": "xnat:mrScanData"} for scan in scans]
        case ["scans", scan, "resources"] if scan in scans:
            rows = [{"label": "DICOM", "file_count": "1", "file_size": "1"}, {"label": "SNAPSHOTS", "file_count": "2"}]
        case ["scans", scan, "resources", "DICOM", "files"] if scan in scans:
            names = [uid for uid, header in session.items() if str(header.SeriesNumber) == scan]
            rows = [{"Name": f"{name}.dcm", "Size": "1", "URI": f"/prearchive/{name}.dcm"} for name in names]
        case ["scans", scan, "resources", "SNAPSHOTS", "files"] if scan in scans:
            rows = [{"Name": "1.gif", "Size": "1", "URI": "/prearchive/1.gif"}]
        case _:
            return None
    return {"ResultSet": {"Result": rows}}


def _listing(session, rest):
    if not session:
        return None
    scans = {str(header.SeriesNumber) for header in session.values()}
    if rest == ["scans"]:
        return {"ResultSet": {"Result": [{"ID": scan} for scan in sorted(scans)]}}
    _, scan, _ = rest
    names = [uid for uid, header in session.items() if str(header.SeriesNumber) == scan]
    files = [{"Name": f"{name}.dcm", "collection": "DICOM"} for name in names]
    return {"ResultSet": {"Result": [*files, {"Name": "1.gif", "collection": "SNAPSHOTS"}]}}
