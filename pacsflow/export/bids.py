"""Destination `bids`: a BIDS dataset of the converted series that have a name.

Sessions are written whole by whoever delivers them; what belongs to all (participants.tsv and the like) is written
under a lock that ends with the process.
"""

import csv
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pacsflow import __version__
from pacsflow.errors import TargetError
from pacsflow.export.bids_names import Image, images_of, intended
from pacsflow.export.bids_people import COLUMNS, DESCRIBED, acquired, merged, person_of, read_table, table
from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.disk import opened, own_words, put, sweep
from pacsflow.export.names import short_digest
from pacsflow.export.parcels import Parcels
from pacsflow.export.placing import claimed, claims_below
from schemas.export import BidsDataset

VERSION = "1.10.0"
"""Of the BIDS specification."""
_OURS = (".pacsflow",)
_README = """{name}

A BIDS dataset written by pacsflow {version} from DICOM images.

Participants are called by pseudonyms, sessions by the date and time of the study as the images have them after
de-identification. Dates, where there are any, are those of the de-identified images: moved, unless the profile keeps
them.
"""
Facts = tuple[str, str, int]
T = TypeVar("T")


class BidsTarget(Parcels):
    """Studies as sessions of one dataset. Any number of processes may deliver at once."""

    kind = "bids"

    def __init__(self, settings: BidsDataset) -> None:
        super().__init__(settings)
        self._settings = settings

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`. A study without a named image is no session."""
        if not any(series.bids for series in study.series):
            return Delivered(())
        with own_words(self.kind):
            self._root.mkdir(parents=True, exist_ok=True)
            subject, session = self._names(study)
            files = list(self._put_session(study, subject, session))
            self._tell({"participant_id": f"sub-{subject}", **person_of(study.series)})
        return Delivered(tuple(sorted(files)))

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`. Participants without a session left are no participants any more."""
        super().remove(paths)
        with own_words(self.kind):
            if paths and self._root.is_dir():
                self._tell(None)

    def _names(self, study: StudyFolder) -> tuple[str, str]:
        """Labels of subject and session, letters and digits, each with one owner only."""
        first, is_owner = study.first, claims_below(self._root)
        patient = ("bids", _label(first.patient) or "unknown")
        _, subject = claimed(patient, first.patient, is_owner, joint="")
        visit = ("bids", subject, _label(first.session) or short_digest(first.study_uid, 8))
        *_, session = claimed(visit, first.study_uid, is_owner, joint="")
        return subject, session

    def _put_session(self, study: StudyFolder, subject: str, session: str) -> Iterator[Facts]:
        below, start = f"sub-{subject}/ses-{session}", f"sub-{subject}_ses-{session}"
        images = images_of(study.series, start)
        for image in images:
            yield from self._put_image(image, below, intended(image, images, below))
        lines = [{"filename": f"{image.place}.nii.gz", "acq_time": acquired(image.series)} for image in images]
        yield self._write(f"{below}/{start}_scans.tsv", table(("filename", "acq_time"), lines))

    def _put_image(self, image: Image, below: str, wanted: list[str]) -> Iterator[Facts]:
        for ending, source in image.files.items():
            path = f"{below}/{image.place}{ending}"
            if ending == ".json":
                facts = json.loads(source.read_text("utf-8")) | image.name.sidecar
                yield self._write(path, _json(facts | ({"IntendedFor": wanted} if wanted else {})))
            else:
                yield self._put(path, source)

    def _put(self, path: str, source: Path) -> Facts:
        *parts, name = path.split("/")
        with opened(self._root, tuple(parts)) as folder:
            sweep(folder)
            digest, size = put(folder, name, source)
            os.fsync(folder)
        return path, digest, size

    def _write(self, path: str, content: bytes) -> Facts:
        with tempfile.TemporaryDirectory(prefix="pacsflow-") as scratch:
            source = Path(scratch, "content")
            source.write_bytes(content)
            return self._put(path, source)

    def _tell(self, person: Mapping[str, str] | None) -> None:
        """What the dataset says of itself and of its participants, `person` among them; what others added stays."""
        with self._alone():
            lines = self._read("participants.tsv", _people)
            columns = tuple(
                dict.fromkeys([*COLUMNS, *(heading for line in lines.values() for heading in line if heading)])
            )
            if person:
                name = person["participant_id"]
                before = lines.get(name, {})
                lines[name] = {**before, "participant_id": name, **merged(before, person)}
            present = [line for name, line in lines.items() if (self._root / name).is_dir()]
            self._write("participants.tsv", table(columns, present))
            for file, ours in (("participants.json", DESCRIBED), ("dataset_description.json", self._description())):
                self._write(file, _json(self._read(file, _facts) | ours))
            if not any(self._root.glob("README*")):
                self._write("README", _README.format(name=self._settings.name, version=__version__).encode())

    def _read(self, name: str, read: Callable[[Path], T]) -> T:
        try:
            return read(self._root / name)
        except (KeyError, TypeError, ValueError, csv.Error):
            remedy = "mend it, or take it away: what pacsflow knows is written anew"
            raise TargetError(f"bids: {name} cannot be read", remedy=remedy) from None

    def _description(self) -> dict[str, Any]:
        said = {"Authors": self._settings.authors, "License": self._settings.license}
        return {
            "Name": self._settings.name,
            "BIDSVersion": VERSION,
            "DatasetType": "raw",
            **{key: value for key, value in said.items() if value},
            "GeneratedBy": [{"Name": "pacsflow", "Version": __version__}],
        }

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with opened(self._root, _OURS) as folder:
            lock = os.open("bids.lock", os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600, dir_fd=folder)
            with os.fdopen(lock, "r+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                yield


def _people(file: Path) -> dict[str, dict[str, str]]:
    return {line["participant_id"]: line for line in read_table(file)}


def _facts(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text("utf-8-sig"))) if file.exists() else {}


def _label(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isalnum())


def _json(facts: Mapping[str, Any]) -> bytes:
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
