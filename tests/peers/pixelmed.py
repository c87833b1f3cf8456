"""PixelMed's DicomAndWebStorageServer (Java): C-FIND without relational queries, C-GET, C-MOVE and WADO-URI."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from peers.ports import LOOPBACK, answers, free_port
from peers.process import Server, program
from peers.storing import store_each

JAR = Path("/usr/share/java/pixelmed.jar")
_SETTINGS = """\
Dicom.ListeningPort={port}
Dicom.CalledAETitle={aet}
Dicom.CallingAETitle={aet}
Dicom.PrimaryDeviceType=ARCHIVE
Dicom.RemoteAEs=us
Dicom.RemoteAEs.us.CalledAETitle=PACSFLOW
Dicom.RemoteAEs.us.HostNameOrIPAddress={host}
Dicom.RemoteAEs.us.Port={move_port}
Dicom.RemoteAEs.us.QueryModel=STUDYROOT
Dicom.RemoteAEs.us.PrimaryDeviceType=WSD
Application.DatabaseFileName={folder}/database
Application.SavedImagesFolderName={folder}/images
WebServer.ListeningPort={http_port}
"""


class PixelMed(Server):
    """`host`, `port`, `aet`; `url` of its WADO-URI; `move_port` is where it sends what is moved to AE `PACSFLOW`."""

    host = LOOPBACK
    aet = "PIXELMED"

    def __init__(self, folder: Path) -> None:
        if not JAR.exists():
            pytest.skip("pixelmed-apps is not installed: a real PACS is needed for this test")
        self.port, self.http_port, self.move_port = free_port(), free_port(), free_port()
        self.url = f"http://{self.host}:{self.http_port}/"
        (folder / "images").mkdir()
        settings = folder / "pixelmed.properties"
        settings.write_text(
            _SETTINGS.format(
                port=self.port, http_port=self.http_port, move_port=self.move_port, aet=self.aet, host=self.host,
                folder=folder,
            )
        )  # fmt: skip
        java = [program("java"), "-Djava.awt.headless=true", "-Xmx256m", "-cp", str(JAR)]
        super().__init__(folder, [*java, "com.pixelmed.server.DicomAndWebStorageServer", str(settings)])

    def ready(self) -> bool:
        return answers(self.port) and answers(self.http_port)

    def load(self, paths: Iterable[Path]) -> int:
        """Store DICOM files by C-STORE, as they are encoded."""
        return store_each(paths, aet=self.aet, host=self.host, port=self.port)
