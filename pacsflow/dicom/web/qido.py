"""QIDO-RS: keys to a request, pages of JSON to answers (PS3.18 10.6, F.2)."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword

from pacsflow.dicom.contract import Level
from pacsflow.dicom.status import NARROWER
from pacsflow.dicom.web.connection import PLAIN, Ask, Connection
from pacsflow.errors import PacsPermanentError, PacsTransientError

PAGE = 1000
"""Answers asked for at once; a service may give fewer."""
_FEW = 25
"""A page of fewer answers than this is the last: no service cuts its answers so short."""
_UNIQUE = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
_MORE = "additional results"
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_ESCAPED = re.compile(rf"[^A-Za-z0-9_.~{re.escape(PLAIN)}-]")
_TELLING = 3
"""Letters that a value with wildcards must have left, so that it does not ask for everybody."""
_JSON = "application/dicom+json"
_NEEDLESS = "SOPClassesInStudy"
"""Asked for by those who propose presentation contexts. Services need not know it (PS3.18 10.6.3.3.1), and may have to
read every image for it."""


def find(connection: Connection, level: Level, keys: Mapping[str, str]) -> list[Dataset]:
    """All answers to a query, page by page until a page brings nothing new. Raises as `page` does.

    Where there are none, it is asked once more, and wider: some services (Orthanc 1.10) find nothing by values that a
    request has to escape. The caller compares the answers with what it wanted.
    """
    answers = [answer for new in pages(connection, level, keys) for answer in new]
    if not answers and (wider := _wider(keys)) != dict(keys):
        return [answer for new in pages(connection, level, wider) for answer in new]
    return answers


def _wider(keys: Mapping[str, str]) -> dict[str, str]:
    """Keys with wildcards for what needs an escape (PS3.4 C.2.2.2.4); unchanged where that would ask for too much."""
    wide = {name: _open(value) if _takes_wildcards(name) else value for name, value in keys.items()}
    within = bool(keys.get("StudyInstanceUID"))
    kept = [len(value) - sum(map(value.count, "*?")) for name, value in wide.items() if value != keys[name]]
    return wide if within or min(kept, default=0) >= _TELLING else dict(keys)


def _open(value: str) -> str:
    return _ESCAPED.sub("?", _BEYOND_ASCII.sub("*", value))


def _takes_wildcards(keyword: str) -> bool:
    tag = tag_for_keyword(keyword)
    return tag is not None and dictionary_VR(tag) in {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"}


def pages(
    connection: Connection, level: Level, keys: Mapping[str, str], *, size: int = PAGE
) -> Iterator[list[Dataset]]:
    """What each page of `size` answers brings that is new, until one brings nothing more. Raises as `page` does.

    Raises PacsPermanentError where the service says of answers that there are more, and does not give them.
    """
    found: set[str] = set()
    while True:
        given, more = page(connection, level, keys, window=(len(found), size))
        new = {str(answer.get(_UNIQUE[level]) or ""): answer for answer in given}
        fresh = [answer for uid, answer in new.items() if uid not in found]
        found |= new.keys()
        yield fresh
        if more and not fresh:
            raise PacsPermanentError(
                f"the service has more than the {len(found)} answers it gives", remedy=NARROWER, answers=len(found)
            )
        if not fresh or (len(given) < min(_FEW, size) and not more):
            return


def page(
    connection: Connection, level: Level, keys: Mapping[str, str], *, window: tuple[int, int]
) -> tuple[list[Dataset], bool]:
    """One page of the answers to a query, and whether the service says that there are more (PS3.18 8.3.4.4).

    `window` is the number of answers before it, and how many are asked for.

    Raises PacsPermanentError for the level PATIENT, which QIDO-RS does not have, and where the service refuses
    the query, by the names of its keys.
    """
    if level not in _UNIQUE:
        raise PacsPermanentError("DICOMweb cannot be asked for patients", remedy="ask for studies: `level: study`")
    path, params = _request(level, keys)
    names = ", ".join(sorted(name for name, value in keys.items() if value)) or "nothing"
    begin, size = window
    params += [("limit", str(size)), ("offset", str(begin))]
    return _page(connection, Ask(f"a query of level {level} by {names}", path, params, accept=_JSON), keys)


def one(connection: Connection) -> int:
    """Ask for a single study: how many a service that answers gives; more than one where it does not heed limits."""
    given, _ = _page(connection, Ask("a query for any one study", "/studies", [("limit", "1")], accept=_JSON), ())
    return len(given)


def _request(level: Level, keys: Mapping[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """Path and parameters. A study's and a series' UID stand in the path where they can (PS3.18 10.6.1)."""
    path, left = "", {name: value for name, value in keys.items() if name != "QueryRetrieveLevel"}
    for below, name, upper in (
        ("SERIES IMAGE", "StudyInstanceUID", "studies"),
        ("IMAGE", "SeriesInstanceUID", "series"),
    ):
        single = left.get(name) and "\\" not in left[name] and (path or upper == "studies")
        if level in below and single:
            path += f"/{upper}/{left.pop(name)}"
    path += {"STUDY": "/studies", "SERIES": "/series"}.get(level, "/instances")
    params = [(name, _value(name, value)) for name, value in left.items() if value]
    params += [("includefield", name) for name in left if name != _NEEDLESS]
    return path, [*params, ("fuzzymatching", "false")]


def _value(keyword: str, value: str) -> str:
    """A value as QIDO-RS writes it: lists of UIDs have commas (PS3.18 8.3.4.1)."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise PacsPermanentError(
            f"{keyword} is not a keyword of the DICOM dictionary", remedy="mend the query's columns"
        )
    return value.replace("\\", ",") if dictionary_VR(tag) == "UI" else value


def _page(connection: Connection, ask: Ask, keys: Iterable[str]) -> tuple[list[Dataset], bool]:
    """Answers without what nobody asked for: many services always tell the patient, and addresses."""
    headers, content = connection.text(ask)
    more = _MORE in headers.get("Warning", "").lower()
    if not content.strip():
        return [], more
    try:
        wanted = {f"{tag_for_keyword(name):08X}" for name in (*keys, *_UNIQUE.values())}
        return [_dataset(answer, wanted) for answer in _listed(content)], more
    except Exception:  # noqa: BLE001 - whatever pydicom stumbles over may hold a patient's data
        raise PacsTransientError(
            "the service's answer cannot be decoded as DICOM JSON",
            remedy="check that `url` is the address of DICOMweb, before /studies",
        ) from None


def _listed(content: bytes) -> list[dict[str, Any]]:
    answers = json.loads(content)
    if not isinstance(answers, list):
        raise TypeError
    return answers


def _dataset(answer: dict[str, Any], wanted: set[str]) -> Dataset:
    """The `wanted` elements of an answer, by their tags, decoded to the last (PS3.18 F.2)."""
    dataset = Dataset.from_json({tag: element for tag, element in answer.items() if tag.upper() in wanted})
    for _ in dataset.iterall():
        pass
    return dataset
