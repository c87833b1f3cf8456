"""Destination `karnak`: a Karnak gateway, by C-STORE. It cannot be asked back: only its statuses show what arrived."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from pacsflow.errors import ProjectError, TargetError
from pacsflow.export.contract import Delivered, SeriesFiles, StudyFolder
from pacsflow.export.disk import own_words
from pacsflow.export.karnak_codes import Codes, read_codes
from pacsflow.export.karnak_tags import Tags, write_tagged
from pacsflow.export.storing import OutgoingInstance, instance, send
from schemas.export import Dicom, Karnak

_AT_ONCE = 100
"""Copies with tags that are on disk at once, at most."""


class GatewayTarget:
    """Studies handed to a gateway. A path of a delivery is study/series/instance, by UID.

    Raises TargetError for files of codes with mistakes.
    """

    def __init__(self, settings: Karnak) -> None:
        self._settings = settings
        self._codes = _codes(settings)
        same = settings.model_dump(include={"host", "port", "called_aet", "calling_aet", "tls", "megabytes_per_second"})
        self._node = Dicom(kind="dicom", query_back=False, **same)

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`. All that the gateway needs is known before anything is sent."""
        if not study.instances:
            return Delivered(())
        told = [(series, self._tags(series)) for series in study.series]
        for series, tags in told:
            paths = [path for _, path in series.dicom]
            for start in range(0, len(paths), _AT_ONCE):
                self._send(paths[start : start + _AT_ONCE], tags)
        return Delivered.of(study.instances)

    def verify(self, delivered: Delivered) -> Sequence[str]:  # noqa: ARG002 the contract
        """See `Target`. Nothing is missing: a gateway cannot be asked."""
        return []

    def present(self, paths: Sequence[str]) -> Sequence[str]:
        """See `Target`. All: what it passed on is elsewhere, and cannot be asked for."""
        return list(paths)

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`. A gateway keeps nothing; what it passed on is not ours to take back."""

    def _tags(self, series: SeriesFiles) -> Tags:
        if self._codes is None and not series.identity_removed:
            raise TargetError(
                "karnak: the Patient ID of images that are not de-identified would be their code",
                fix="name the codes by `new_ids` in export.yaml",
            )
        code = (series.patient, "0") if self._codes is None else self._codes.of([series.patient])
        if code is None or not code[0]:
            raise TargetError(
                "karnak: a patient has no code, or no day shift",
                fix="add the patient to `new_ids` and `day_shift`; for de-identified images, take these out",
            )
        return Tags(code[0], self._settings.album, code[1])

    def _send(self, paths: Sequence[Path], tags: Tags) -> None:
        with own_words("karnak"), tempfile.TemporaryDirectory() as folder:
            send(self._node, [_copy(path, tags, Path(folder, str(n))) for n, path in enumerate(paths)])


def _codes(settings: Karnak) -> Codes | None:
    if settings.new_ids is None:
        return None
    try:
        return read_codes(Path(settings.new_ids), Path(settings.day_shift) if settings.day_shift else None)
    except ProjectError as error:
        raise TargetError(f"karnak: {error}", fix="fix `new_ids` or `day_shift`") from None


def _copy(source: Path, tags: Tags, place: Path) -> OutgoingInstance:
    """The file with tags, as a copy; itself where it has them already."""
    with place.open("xb") as sink:
        written = write_tagged(source, tags, sink)
    return instance(place if written else source)
