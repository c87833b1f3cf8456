"""tiny_pacs on pynetdicom2: AE titles padded with NUL, one answer where counts are asked for; and its DICOMweb."""

import json
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest

from peers.ports import LOOPBACK, answers, free_port
from peers.process import Server
from peers.storing import store_each


class TinyPacs(Server):
    """`host`, `port`, `aet`; `url` of its DICOMweb; `move_port` is where it sends what is moved to AE `PACSFLOW`."""

    host = LOOPBACK
    aet = "TINY"

    def __init__(self, folder: Path) -> None:
        if not find_spec("tiny_pacs_dicomweb"):
            pytest.skip("tiny_pacs[dicomweb] is not installed: a real PACS is needed for this test")
        self.port, self.http_port, self.move_port = free_port(), free_port(), free_port()
        self.url = f"http://{self.host}:{self.http_port}/dicomweb"
        (folder / "files").mkdir()
        settings = folder / "tiny.json"
        settings.write_text(json.dumps(self._settings(folder)))
        super().__init__(folder, [sys.executable, "-P", "-m", "tiny_pacs", "run", "-c", str(settings)])

    def _settings(self, folder: Path) -> dict:
        us = {"aet": "PACSFLOW", "address": self.host, "port": self.move_port}
        return {
            "ae": {"ae_title": [self.aet], "port": self.port, "dump_ds": False},
            "log": {"version": 1},
            "components": {
                "Database": {"on": True, "driver": "sqlite", "db_name": str(folder / "pacs.db"), "mode": "rwc"},
                "Devices": {"on": True, "auto_add": True, "default_port": self.move_port, "devices": {"PACSFLOW": us}},
                "PACS": {"on": True},
                "InMemoryStorage": {"on": False},
                "FileStorage": {"on": True, "storage_dir": str(folder / "files")},
                "HttpServer": {"on": True, "host": self.host, "port": self.http_port},
                "DICOMWeb": {"on": True},
            },
        }

    def ready(self) -> bool:
        return answers(self.port) and answers(self.http_port)

    def load(self, paths: Iterable[Path]) -> int:
        """Store DICOM files by C-STORE, as they are encoded."""
        return store_each(paths, aet=self.aet, host=self.host, port=self.port)
