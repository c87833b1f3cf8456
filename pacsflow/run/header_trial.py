"""A header before and after: one image of a found series is asked of the node, cleaned, compared, and let go.

Nothing of it is written anywhere: not the image, not its header, no pseudonym in the vault.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from pydicom import DataElement, Dataset, dcmread

from pacsflow.deid import compile_profile
from pacsflow.deid.contract import Cleaner, Source
from pacsflow.dicom.contract import Received, Request
from pacsflow.errors import PacsPermanentError, ProjectError
from pacsflow.ledger import Ledger, traffic
from pacsflow.ledger import tables as t
from pacsflow.projects import read_project
from pacsflow.projects.project import Project
from pacsflow.projects.trial import model_tried
from pacsflow.pseudonyms.contract import Assigned
from pacsflow.run.lanes.pool import LanePool
from pacsflow.run.stores import key_of
from pacsflow.secrets import KEY_BYTES
from pacsflow.wording import counted
from schemas.deid import DeidProfile
from schemas.sources import SOURCES

FILE: Final = "deid.yaml"
MOST_BYTES: Final = 256 << 20
"""Larger images are not looked at: this is a page, and they are held in memory."""
_SHOWN: Final = 120
"""Letters of a value that are shown."""
_SUCCESS, _OUT_OF_RESOURCES = 0x0000, 0xA700
_PIXELS: Final = 0x7FE0
_Flat = tuple[tuple[tuple[int, int], ...], tuple[str, str]]
PSEUDONYM: Final = "PSEUDONYM"
"""Stands for the pseudonym where a table, a column or a service gives it, in a run."""


@dataclass(frozen=True)
class HeaderLine:
    """An element before and after; `after` is None where it was removed, `before` where it was added. IDENTIFYING."""

    name: str
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)

    @property
    def changed(self) -> bool:
        """Whether it is not as it was."""
        return self.before != self.after


@dataclass(frozen=True)
class ShownKind:
    """A series that can be looked at: its key, and what the node calls it. IDENTIFYING."""

    key: str
    told: str = field(repr=False)


def series_to_look_at(ledger: Ledger, number: int = 50) -> list[ShownKind]:
    """Series that rows found, one for each description and modality."""
    query = sa.select(t.series.c.key, t.series.c.attributes).order_by(t.series.c.study_key, t.series.c.key).limit(5000)
    kinds: dict[str, str] = {}
    for row in ledger.all(query):
        told = " · ".join(filter(None, (row.attributes.get(name, "") for name in ("Modality", "SeriesDescription"))))
        kinds.setdefault(told or row.key, row.key)
    return [ShownKind(key, told) for told, key in list(kinds.items())[:number]]


def header_lines(folder: Path, ledger: Ledger, series: str, text: str) -> list[HeaderLine]:
    """The header of an image of a series before and after, with `text` as deid.yaml.

    Raises ProjectError, SecretError; PacsError where the node does not give the image; RefusalError where the profile
    would not let it leave.
    """
    project, named = read_project(folder), lambda _id, _issuer, days: Assigned(PSEUDONYM, days)
    with model_tried(folder, FILE, text, DeidProfile) as profile:
        source = _image(project, ledger, series)
        given = named if SOURCES[profile.patient.source].module else None
        as_it_came = compile_profile(DeidProfile(base="none"), b"")
        cleaner = compile_profile(profile, key_of(project) or bytes(KEY_BYTES), pseudonyms=given)
        return list(_compared(_read(as_it_came, source), _read(cleaner, source)))


def _image(project: Project, ledger: Ledger, key: str) -> Source:
    """One image of a series, in memory. Raises ProjectError where the series is not known, PacsError."""
    columns = (t.series.c.uid, t.studies.c.uid.label("study"), t.studies.c.patient_id, t.studies.c.node)
    query = sa.select(*columns).join(t.studies, t.studies.c.key == t.series.c.study_key).where(t.series.c.key == key)
    if not (known := ledger.all(query)):
        raise ProjectError.at("deid", "no row found that series", "plan again, and choose another one")
    [row] = known
    node = next((one for one in (project.pacs, *project.fallback) if one.name == row.node), project.pacs)
    came: list[Source] = []

    def take(one: Received) -> int:
        rest = b"".join(map(bytes, one.rest)) if one.rest is not None and not came else b""
        whole = bytes(one.dataset) + rest
        if came or len(whole) > MOST_BYTES:
            return _OUT_OF_RESOURCES
        came.append(Source(one.sop_class_uid, one.sop_instance_uid, one.transfer_syntax_uid, whole))
        return _SUCCESS

    above = {"StudyInstanceUID": row.study, "SeriesInstanceUID": row.uid, "SOPInstanceUID": "", "SOPClassUID": ""}
    with closing(LanePool(node)) as pool:
        pool.allow(1)
        with pool.borrow() as lane:
            listed = lane.find("IMAGE", above)
            uids = sorted(str(one.SOPInstanceUID) for one in listed if one.get("SOPInstanceUID"))
            classes = frozenset(str(one.SOPClassUID) for one in listed if one.get("SOPClassUID"))
            if uids:
                wanted = (uids[len(uids) // 2],)
                lane.fetch(Request(row.study, (row.uid,), wanted, classes, row.patient_id), take)
    size = sum(len(one.dataset) for one in came)
    traffic.count(ledger, node.name, {"find": 1, "retrievals": bool(uids), "images": len(came), "bytes": size})
    if not came:
        raise PacsPermanentError("the node gave no image of that series", fix="choose another series")
    return came[0]


def _read(cleaner: Cleaner, source: Source) -> Dataset:
    cleaned = cleaner.clean(source)
    return dcmread(BytesIO(b"".join(map(bytes, (*cleaned.parts, *cleaned.rest)))), stop_before_pixels=True)


def _compared(before: Dataset, after: Dataset) -> Iterator[HeaderLine]:
    """Element by element, those of sequences within them, in the order of tags; the pixels are left out."""
    old, new = dict(_flat(before)), dict(_flat(after))
    for place in sorted(old.keys() | new.keys()):
        name, _ = old.get(place) or new[place]
        yield HeaderLine(name, old.get(place, (name, None))[1], new.get(place, (name, None))[1])


def _flat(dataset: Dataset, above: tuple[tuple[int, int], ...] = (), names: str = "") -> Iterator[_Flat]:
    for element in dataset:
        if element.tag.group == _PIXELS:
            continue
        place, name = (*above, (int(element.tag), 0)), f"{names}{element.tag} {element.name}"
        if element.VR != "SQ":
            yield place, (name, _text(element))
            continue
        for number, item in enumerate(element.value):
            yield from _flat(item, (*above, (int(element.tag), number + 1)), f"{name} {number + 1} > ")


def _text(element: DataElement) -> str:
    value = element.value
    if isinstance(value, bytes):
        return f"({counted(len(value), 'byte')})" if value else ""
    told = "" if value is None else str(value)
    return told if len(told) <= _SHOWN else f"{told[:_SHOWN]}…"
