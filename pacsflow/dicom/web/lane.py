"""What the lanes over HTTP share: a connection of their own, and an error for what their protocol cannot do."""

from collections.abc import Mapping
from typing import ClassVar

from pydicom import Dataset

from pacsflow.dicom.contract import Level
from pacsflow.dicom.web.connection import Connection
from pacsflow.errors import PacsPermanentError


class WebLane:
    """A lane over HTTP, as far as it is the same in all protocols."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Close the connection for good; a request that is under way ends with PacsTransientError."""
        self._connection.close()


class FetchingLane(WebLane):
    """A lane that fetches instances only."""

    name: ClassVar[str]

    def find(self, level: Level, keys: Mapping[str, str]) -> list[Dataset]:  # noqa: ARG002
        """Nothing: raises PacsPermanentError."""
        raise PacsPermanentError(f"{self.name} cannot be queried", fix="set `find` in pacs.yaml")
