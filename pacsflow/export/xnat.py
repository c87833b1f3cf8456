"""Destination `xnat`: a session of an XNAT project per study, imported as one zip; its instances are counted back."""

import re
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.disk import own_words
from pacsflow.export.names import short_digest
from pacsflow.export.xnat_rest import Server, logged_in
from pacsflow.wording import counted
from schemas.export import Xnat

_FORBIDDEN = re.compile(r"[^0-9A-Za-z_-]+")


class ProjectTarget:
    """Studies as sessions of one XNAT project. A path of a delivery is subject/session/instance."""

    def __init__(self, settings: Xnat) -> None:
        self._settings = settings

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`. A session that holds as many instances as the study is left.

        Raises TargetError where it cannot be delivered.
        """
        if not study.instances:
            return Delivered(())
        files = {uid: path for series in study.series for uid, path in series.dicom}
        with own_words("xnat"), logged_in(self._settings) as server:
            subject, session = _labels(study, server)
            if server.held(subject, session) != len(files):
                self._bring(server, files, (subject, session))
                if (there := server.held(subject, session)) != len(files):
                    raise TargetError(
                        f"xnat: {counted(len(files), 'instance was', 'instances were')} sent, and the session "
                        f"holds {there}",
                        fix="look at the session; where it holds more, delete it there",
                        transient=there < len(files),
                    )
            return Delivered.of({f"{subject}/{session}/{uid}": path for uid, path in files.items()})

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`. Sessions are compared by number of instances: XNAT gives files names of its own."""
        wanted: dict[tuple[str, str], list[str]] = {}
        for path, *_ in delivered.files:
            subject, session, _ = path.split("/")
            wanted.setdefault((subject, session), []).append(path)
        with logged_in(self._settings) as server:
            short = [paths for labels, paths in wanted.items() if server.held(*labels) != len(paths)]
        return [path for paths in short for path in paths]

    def present(self, paths: Sequence[str]) -> Sequence[str]:
        """See `Target`. All of a session that holds any instance."""
        with logged_in(self._settings) as server:
            held = {labels: server.held(*labels) for labels in {_session_of(path) for path in paths}}
        return [path for path in paths if held[_session_of(path)]]

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`. A session that holds more than its study was refused when it was delivered."""

    def _bring(self, server: Server, files: dict[str, Path], labels: tuple[str, str]) -> None:
        with tempfile.NamedTemporaryFile(suffix=".zip") as place:
            with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
                for number, path in enumerate(files.values(), 1):
                    archive.write(path, f"{number:06d}.dcm")
            place.flush()
            server.bring(Path(place.name), *labels)


def _session_of(path: str) -> tuple[str, str]:
    subject, session, _ = path.split("/")
    return subject, session


def _labels(study: StudyFolder, server: Server) -> tuple[str, str]:
    """Subject and session: pseudonym, and pseudonym with date and time; with a digest where another study may have it.

    The archive says which study a session is of; the prearchive does not.
    """
    series = study.first
    subject = _FORBIDDEN.sub("_", series.patient) or "unknown"
    session = f"{subject}_{series.session or short_digest(series.study_uid, 8)}"
    if server.waits or server.study_uid(session) not in {None, series.study_uid}:
        session = f"{session}_{short_digest(series.study_uid)}"
    return subject, session
