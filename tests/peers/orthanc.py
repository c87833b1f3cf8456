"""Orthanc as a PACS: DICOM, REST and (where the plug-in is installed) DICOMweb, on free loopback ports."""

import json
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from peers.ports import LOOPBACK, answers, free_port
from peers.process import Server, program

DICOMWEB_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


class Orthanc(Server):
    """`host`, `port`, `aet`, `url`; `move_port` is where it sends what is moved to AE `PACSFLOW`.

    `settings` are added to its configuration file: `Orthanc(folder, LimitFindResults=10)`.
    `mover` names the AE whose C-STORE SCP is `move_port`.
    """

    host = LOOPBACK
    aet = "ORTHANC"

    def __init__(self, folder: Path, *, mover: str = "PACSFLOW", **settings: Any) -> None:
        self.port, self.http_port, self.move_port = free_port(), free_port(), free_port()
        self.url = f"http://{self.host}:{self.http_port}"
        self._settings = self._configuration_of(folder, mover)
        super().__init__(folder, [program("Orthanc", "/usr/sbin/Orthanc"), str(folder / "orthanc.json")])
        self.configure(**settings)

    def configure(self, **settings: Any) -> None:
        """Change its configuration file; holds from the next start."""
        self._settings |= settings
        (self.folder / "orthanc.json").write_text(json.dumps(self._settings, indent=1))

    def _configuration_of(self, folder: Path, mover: str) -> dict[str, Any]:
        plugins = [str(DICOMWEB_PLUGIN)] if DICOMWEB_PLUGIN.exists() else []
        return {
            "Name": "test",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "HttpPort": self.http_port,
            "DicomPort": self.port,
            "DicomAet": self.aet,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DefaultEncoding": "Utf8",
            "DicomCheckCalledAet": False,
            "DicomAlwaysAllowEcho": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "DicomAlwaysAllowStore": True,
            "UnknownSopClassAccepted": True,
            "DicomModalities": {"us": [mover, LOOPBACK, self.move_port]},
            "Plugins": plugins,
            "DicomWeb": {"Enable": True},
            "StableAge": 1,
            "SaveJobs": False,
        }

    def ready(self) -> bool:
        return answers(self.http_port) and answers(self.port) and bool(self.get("/system"))

    def get(self, path: str) -> Any:
        """The JSON at `path` of its REST interface."""
        with urllib.request.urlopen(self.url + path, timeout=30) as response:
            return json.load(response)

    def raw(self, path: str) -> bytes:
        """The bytes at `path` of its REST interface."""
        with urllib.request.urlopen(self.url + path, timeout=30) as response:
            return response.read()

    def post(self, path: str, body: bytes) -> Any:
        """What it answers, as JSON, to `body` posted to `path`."""
        with urllib.request.urlopen(self.url + path, data=body, timeout=60) as response:
            return json.load(response)

    def load(self, paths: Iterable[Path]) -> int:
        """Store DICOM files, and say how many it holds that it did not hold before."""
        answers_ = [self.post("/instances", path.read_bytes()) for path in paths]
        return sum(answer["Status"] == "Success" for answer in answers_)

    def clear(self) -> None:
        """Forget everything."""
        for patient in self.get("/patients"):
            request = urllib.request.Request(f"{self.url}/patients/{patient}", method="DELETE")
            urllib.request.urlopen(request, timeout=60).close()
