"""Files given to an archive by C-STORE, each in the transfer syntax it is encoded in."""

from collections.abc import Iterable
from pathlib import Path

import pydicom
from pynetdicom import AE


def store_each(paths: Iterable[Path], *, aet: str, host: str, port: int) -> int:
    """Store files one by one; fails where the archive does not take one. Says how many were sent."""
    files = [pydicom.dcmread(path) for path in paths]
    for file in files:
        ae = AE("LOADER")
        ae.add_requested_context(file.SOPClassUID, file.file_meta.TransferSyntaxUID)
        association = ae.associate(host, port, ae_title=aet)
        assert association.is_established, f"{aet} takes no association"
        assert association.accepted_contexts, f"{aet} does not take {file.file_meta.TransferSyntaxUID.name}"
        assert association.send_c_store(file).Status == 0
        association.release()
    return len(files)
