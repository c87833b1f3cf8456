"""Destination `bids`: a BIDS dataset of the converted series that have a name.

Sessions are written whole when they are delivered; what belongs to all (participants.tsv and the like) is written
under a lock that ends with the process.
"""

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pacsflow.errors import TargetError
from pacsflow.export.bids_names import Image, images_of, place_of
from pacsflow.export.bids_people import COLUMNS, DESCRIBED, acquired, merged, person_of, read_table, table
from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.disk import opened, own_words, put, sweep
from pacsflow.export.names import short_digest
from pacsflow.export.parcels import Parcels, alone, facts
from pacsflow.export.placing import claimed, claims_below, released
from pacsflow.version import __version__
from schemas.export import BidsDataset

VERSION = "1.10.0"
"""Of the BIDS specification."""
_README = """{name}

A BIDS dataset written by pacsflow {version} from DICOM images.

Participants are called by pseudonyms, sessions by the date and time of the study as the images have them after
de-identification. Dates, where there are any, are those of the de-identified images: moved, unless the profile keeps
them.
"""
_NOT_OF_EVENTS = ("echo", "part", "rec")
"""Entities that tell apart images of one presentation of a task."""
_TIMES = {
    "acq_time": {
        "Description": "When the first data point was acquired, as the de-identified images have it: moved by a number "
        "of days that is the patient's own, or without its date, unless the profile keeps dates. Times between images "
        "of a session are true."
    }
}
Facts = tuple[str, str, int]
T = TypeVar("T")


class BidsTarget(Parcels):
    """Studies as sessions of one dataset. Any number of processes may deliver at once."""

    kind = "bids"

    def __init__(self, settings: BidsDataset) -> None:
        super().__init__(settings)
        self._settings = settings
        self._written: frozenset[str] = frozenset()

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`. A study without a named image is not a session."""
        if not any(series.bids for series in study.series):
            return Delivered(())
        self._written = study.written
        with own_words(self.kind):
            self._root.mkdir(parents=True, exist_ok=True)
            subject, session = self._names(study)
            files = list(self._put_session(study, subject, session))
            self._tell({"participant_id": f"sub-{subject}", **person_of(study.series)})
        return Delivered(tuple(sorted(files)))

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`. Participants without a session left go, too; free labels may be others' then."""
        super().remove(paths)
        with own_words(self.kind):
            if paths and self._root.is_dir():
                for subject, session in {tuple(path.split("/")[:2]) for path in paths if path.count("/") > 1}:
                    if not (self._root / subject / session).is_dir():
                        released(self._root, ("bids", subject.removeprefix("sub-"), session.removeprefix("ses-")))
                self._tell(None, gone={path.partition("/")[0] for path in paths})

    def _names(self, study: StudyFolder) -> tuple[str, str]:
        """Labels of subject and session, letters and digits, each with one owner only."""
        first, is_owner = study.first, claims_below(self._root)
        patient = ("bids", _label(first.patient) or "unknown")
        _, subject = claimed(patient, first.patient, is_owner, joint="")
        visit = ("bids", subject, self._session(study))
        *_, session = claimed(visit, first.study_uid, is_owner, joint="")
        return subject, session

    def _session(self, study: StudyFolder) -> str:
        if self._settings.sessions == "date":
            return _label(study.first.session) or short_digest(study.first.study_uid, 8)
        if label := _label(study.session):
            return label
        fix = "fill `session_column` for each row, the same in all rows of a study, with nothing that identifies"
        raise TargetError("bids: nothing says what the session of the study is called", fix=fix)

    def _put_session(self, study: StudyFolder, subject: str, session: str) -> Iterator[Facts]:
        below, start = f"sub-{subject}/ses-{session}", f"sub-{subject}_ses-{session}"
        images = images_of(study.series, start)
        for image in images:
            yield from self._put_image(image, below)
        lines = [{"filename": f"{image.place}.nii.gz", "acq_time": acquired(image.series)} for image in images]
        yield self._write(f"{below}/{start}_scans.tsv", table(("filename", "acq_time"), lines))
        yield self._write(f"{below}/{start}_scans.json", _json(_TIMES))

    def _put_image(self, image: Image, below: str) -> Iterator[Facts]:
        wanted = [f"bids::{below}/{place}.nii.gz" for place in image.intended]
        for ending, source in image.files.items():
            path = f"{below}/{image.place}{ending}"
            if ending == ".json":
                facts = json.loads(source.read_text("utf-8")) | image.name.sidecar
                yield self._write(path, _json(facts | ({"IntendedFor": wanted} if wanted else {})))
            else:
                yield self._put(path, source)
        if image.name.asl_context:
            context = "\n".join(["volume_type", *image.name.asl_context, ""]).encode()
            yield self._write(f"{below}/{image.place.removesuffix('_asl')}_aslcontext.tsv", context)
        yield from self._events(image, below)

    def _events(self, image: Image, below: str) -> Iterator[Facts]:
        """An empty table of events beside a task's images, where it is asked for and none is there."""
        task = image.name.entities.get("task", "").casefold()
        if not self._settings.events or image.name.suffix != "bold" or task.startswith("rest"):
            return
        entities = {key: value for key, value in image.name.entities.items() if key not in _NOT_OF_EVENTS}
        of_all = place_of(image.name.model_copy(update={"entities": entities, "suffix": "events"}), image.session)
        path = f"{below}/{of_all}.tsv"
        stub = b"onset\tduration\ttrial_type\n"
        known = facts(self._root, path)
        if known is None or known == (hashlib.sha256(stub).hexdigest(), len(stub)):
            yield self._write(path, stub)

    def _put(self, path: str, source: Path) -> Facts:
        *parts, name = path.split("/")
        ours = self._written if parts else None  # what the dataset says of itself is merged with what others wrote
        with opened(self._root, tuple(parts)) as folder:
            sweep(folder)
            digest, size = put(folder, name, source, ours=ours)
            os.fsync(folder)
        return path, digest, size

    def _write(self, path: str, content: bytes) -> Facts:
        with tempfile.TemporaryDirectory(prefix="pacsflow-") as scratch:
            source = Path(scratch, "content")
            source.write_bytes(content)
            return self._put(path, source)

    def _tell(self, person: Mapping[str, str] | None, *, gone: Collection[str] = ()) -> None:
        """What the dataset says of itself and of its participants, `person` among them; what others added stays.

        `gone`: names of those whose line goes where no folder of theirs is left.
        """
        with alone(self._root, "bids.lock"):
            lines = self._read("participants.tsv", _people)
            columns = tuple(
                dict.fromkeys([*COLUMNS, *(heading for line in lines.values() for heading in line if heading)])
            )
            if person:
                name = person["participant_id"]
                before = lines.get(name, {})
                lines[name] = {**before, "participant_id": name, **merged(before, person)}
            present = [line for name, line in lines.items() if name not in gone or (self._root / name).is_dir()]
            self._write("participants.tsv", table(columns, present))
            for file, ours in (("participants.json", DESCRIBED), ("dataset_description.json", self._description())):
                self._write(file, _json(self._read(file, _facts) | ours))
            for pattern, text in self._texts().items():
                if text and not any(self._root.glob(f"{pattern}*")):
                    self._write(pattern, text.encode())

    def _texts(self) -> dict[str, str]:
        """Files of plain text, written where there is none of the name."""
        today, licence = datetime.now(tz=UTC).date().isoformat(), self._settings.license
        return {
            "README": _README.format(name=self._settings.name, version=__version__),
            "CHANGES": f"1.0.0 {today}\n  - First version, by pacsflow {__version__}.\n",
            "LICENSE": f"The licence of this dataset: {licence}\n" if licence else "",
            ".bidsignore": ".pacsflow\n*.kept-*\n",
        }

    def _read(self, name: str, read: Callable[[Path], T]) -> T:
        try:
            return read(self._root / name)
        except (KeyError, TypeError, ValueError, csv.Error):
            fix = "fix it, or delete it: what pacsflow knows is written again"
            raise TargetError(f"bids: {name} cannot be read", fix=fix) from None

    def _description(self) -> dict[str, Any]:
        said = {"Authors": self._settings.authors, "License": self._settings.license}
        return {
            "Name": self._settings.name,
            "BIDSVersion": VERSION,
            "DatasetType": "raw",
            **{key: value for key, value in said.items() if value},
            "GeneratedBy": [{"Name": "pacsflow", "Version": __version__}],
        }


def _people(file: Path) -> dict[str, dict[str, str]]:
    return {line["participant_id"]: line for line in read_table(file)}


def _facts(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text("utf-8-sig"))) if file.exists() else {}


def _label(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isalnum())


def _json(facts: Mapping[str, Any]) -> bytes:
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
