"""pynetdicom's own Query/Retrieve SCP: comes with the library, cannot send compressed images by C-GET."""

import sys
from collections.abc import Iterable
from pathlib import Path

from peers.ports import LOOPBACK, answers, free_port
from peers.process import Server
from peers.storing import store_each

_SETTINGS = """[DEFAULT]
ae_title: {aet}
port: {port}
max_pdu: 16382
acse_timeout: 30
dimse_timeout: 30
network_timeout: 30
bind_address: {host}
instance_location: {folder}/instances
database_location: {folder}/instances.sqlite
log_identifier: False

[PACSFLOW]
address: {host}
port: {move_port}
"""


class Qrscp(Server):
    """`host`, `port`, `aet`; `move_port` is where it sends what is moved to AE `PACSFLOW`."""

    aet = "QRSCP"
    host = LOOPBACK

    def __init__(self, folder: Path) -> None:
        self.port, self.move_port = free_port(), free_port()
        (folder / "instances").mkdir()
        settings = folder / "qrscp.ini"
        settings.write_text(
            _SETTINGS.format(aet=self.aet, host=self.host, port=self.port, move_port=self.move_port, folder=folder)
        )
        super().__init__(folder, [sys.executable, "-P", "-m", "pynetdicom", "qrscp", "-c", str(settings)])

    def ready(self) -> bool:
        return answers(self.port)

    def load(self, paths: Iterable[Path]) -> int:
        """Store DICOM files by C-STORE, as they are encoded."""
        return store_each(paths, aet=self.aet, host=self.host, port=self.port)
