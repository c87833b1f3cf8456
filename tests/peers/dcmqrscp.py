"""DCMTK's dcmqrscp as a PACS of another make: no related-instance counts, 500 studies at most."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from peers.ports import LOOPBACK, answers, free_port
from peers.process import Server, program

CONFIGURATION = """\
NetworkTCPPort  = {port}
MaxPDUSize      = 131072
MaxAssociations = 16
HostTable BEGIN
us = ({mover}, {host}, {move_port})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
{aet}  {archive}  RW (500, 1gb) ANY
AETable END
"""


class Dcmqrscp(Server):
    """`host`, `port`, `aet`; `move_port` is where it sends what is moved to AE `PACSFLOW`.

    It takes uncompressed transfer syntaxes, and those that `options` add (`"+xv"`: JPEG 2000).
    """

    host = LOOPBACK
    aet = "ARCHIVE"

    def __init__(self, folder: Path, *options: str, mover: str = "PACSFLOW") -> None:
        self.port, self.move_port = free_port(), free_port()
        (archive := folder / "archive").mkdir()
        config = folder / "dcmqrscp.cfg"
        config.write_text(
            CONFIGURATION.format(
                port=self.port, mover=mover, host=self.host, move_port=self.move_port, aet=self.aet, archive=archive
            )
        )
        binary = program("/usr/bin/dcmqrscp")
        super().__init__(folder, [binary, "--verbose", *options, "--config", str(config)])

    def ready(self) -> bool:
        return answers(self.port)

    def load(self, paths: Iterable[Path]) -> int:
        """Store DICOM files by C-STORE; fails where it does not take one. Says how many were sent."""
        files = [str(path) for path in paths]
        sent = subprocess.run(
            [program("/usr/bin/storescu"), "-R", "-aec", self.aet, self.host, str(self.port), *files],
            env=os.environ | {"TCP_NODELAY": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert sent.returncode == 0, sent.stderr[-2000:]
        return len(files)
