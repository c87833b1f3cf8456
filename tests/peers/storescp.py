"""DCMTK's storescp: a node that takes images and cannot be asked what it has, as a gateway."""

from pathlib import Path

from peers.ports import LOOPBACK, answers, free_port
from peers.process import Server, program


class Storescp(Server):
    """`host`, `port`, `aet`; what it was sent lies in `held`. It takes uncompressed transfer syntaxes."""

    host = LOOPBACK
    aet = "GATEWAY"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        (held := folder / "held").mkdir(parents=True)
        self.held = held
        super().__init__(folder, [program("/usr/bin/storescp"), "-aet", self.aet, "-od", str(held), str(self.port)])

    def ready(self) -> bool:
        return answers(self.port)
