"""QIDO-RS: keys to a request, pages of JSON to answers (PS3.18 10.6, F.2)."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from pydicom import Dataset

from pacsflow.attributes import tag_for_keyword, vr_of_tag
from pacsflow.dicom.contract import Level
from pacsflow.dicom.web.connection import PLAIN, Connection, HttpRequest
from pacsflow.dicom.web.paging import Page, Paging
from pacsflow.dicom.web.refusal import named_type
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from pacsflow.whole_numbers import whole_number

PAGE = 1000
"""Answers asked for at once; a service may give fewer."""
_SMALLER = (200, 100, 50, 20, 10, 1)
"""Limits tried where a service refuses a larger one; then none at all."""
SIZES: dict[str, int] = {}
"""Address -> largest limit that its service takes, where it refused a larger one; 0: none at all."""
_TOO_MUCH = frozenset({400, 413, 414, 422})
_NOTHING_THERE = frozenset({404, 416})
"""What some services answer to an offset behind the last answer."""
_PARTIAL = 206
_UNIQUE = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
_MORE = re.compile(r"additional results|more results|exceed|truncated", re.IGNORECASE)
_LEFT = re.compile(r"(\d+)\s+(?:additional|more) results", re.IGNORECASE)
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
    return tag is not None and vr_of_tag(tag) in {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"}


def pages(
    connection: Connection, level: Level, keys: Mapping[str, str], *, size: int = PAGE
) -> Iterator[list[Dataset]]:
    """What each page of `size` answers, or as many as the service takes for a limit, brings that is new.

    Raises as `page` does, and as `Paging.pages`.
    """

    def get(begin: int) -> Page:
        return _sized(connection, level, keys, window=(begin, size))

    return Paging(get, _UNIQUE.get(level, ""), enough=_enough(level, keys)).pages()


def _enough(level: Level, keys: Mapping[str, str]) -> int:
    """The number of UIDs asked for, where a query names what is to be found; else 0."""
    named = keys.get(_UNIQUE.get(level, ""), "").strip()
    return len(set(named.split("\\"))) if named else 0


def _sized(connection: Connection, level: Level, keys: Mapping[str, str], *, window: tuple[int, int]) -> Page:
    """A page, asked for with a smaller limit where the service refuses a larger one; it is remembered which it takes.

    Raises what the service said to the largest where it takes none.
    """
    begin, wanted = window
    known = connection.address in SIZES
    sizes = [SIZES[connection.address]] if known else [wanted, *(size for size in _SMALLER if size < wanted), 0]
    refusal: PacsError | None = None
    for size in sizes:
        try:
            found = _asked(connection, level, keys, window=(begin, min(wanted, size)))
        except PacsPermanentError as error:
            if begin and error.http in _NOTHING_THERE:
                return Page([])
            if error.http not in _TOO_MUCH:
                raise
            refusal = refusal or error
        else:
            if not known and size != wanted:
                SIZES[connection.address] = size
            return found
    assert refusal is not None  # noqa: S101 - there is one size at least
    raise refusal


def page(
    connection: Connection, level: Level, keys: Mapping[str, str], *, window: tuple[int, int]
) -> tuple[list[Dataset], bool]:
    """One page of the answers to a query, and whether the service says that there are more (PS3.18 8.3.4.4).

    `window` is the number of answers before it, and how many are asked for.

    Raises PacsPermanentError for the level PATIENT, which QIDO-RS does not have, and where the service refuses
    the query, by the names of its keys.
    """
    found = _asked(connection, level, keys, window=window)
    return found.answers, found.more


def _asked(connection: Connection, level: Level, keys: Mapping[str, str], *, window: tuple[int, int]) -> Page:
    """One page; without a limit where it is 0."""
    if level not in _UNIQUE:
        raise PacsPermanentError("DICOMweb cannot be asked for patients", fix="ask for studies: `level: study`")
    path, params = _request(level, keys)
    names = ", ".join(sorted(name for name, value in keys.items() if value)) or "nothing"
    begin, size = window
    params += [("limit", str(size))] if size else []
    params += [("offset", str(begin))] if size or begin else []
    return _page(
        connection, HttpRequest(f"a query of level {level} by {names}", path, params, accept=_JSON), keys, begin
    )


def metadata(connection: Connection, keys: Mapping[str, str]) -> list[Dataset]:
    """The instances of one series by their headers (PS3.18 10.4.1.1.2), those attributes that `keys` name.

    For services that answer no query for instances. Raises PacsError.
    """
    path = f"/studies/{keys['StudyInstanceUID']}/series/{keys['SeriesInstanceUID']}/metadata"
    return _page(connection, HttpRequest("the headers of a series", path, [], accept=_JSON), keys).answers


def of_one_series(level: Level, keys: Mapping[str, str]) -> bool:
    """Whether a query asks for all instances of one series."""
    named = {name: value for name, value in keys.items() if value.strip() and name != "QueryRetrieveLevel"}
    series = {"StudyInstanceUID", "SeriesInstanceUID"}
    return level == "IMAGE" and named.keys() == series and not any("\\" in value for value in named.values())


def one(connection: Connection) -> int:
    """Ask for a single study: how many a service that answers gives; more than one where it does not heed limits."""
    what = "a query for any one study"
    try:
        return len(_page(connection, HttpRequest(what, "/studies", [("limit", "1")], accept=_JSON), ()).answers)
    except PacsPermanentError as error:
        if error.http not in _TOO_MUCH:
            raise
        today = f"{date.today():%Y%m%d}"  # noqa: DTZ011 - the hospital's calendar, as ours
        try:  # a service that takes no limit is asked for what is few
            return len(
                _page(connection, HttpRequest(what, "/studies", [("StudyDate", today)], accept=_JSON), ()).answers
            )
        except PacsPermanentError:
            raise error from None


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
        raise PacsPermanentError(f"{keyword} is not a keyword of the DICOM dictionary", fix="fix the query's columns")
    return value.replace("\\", ",") if vr_of_tag(tag) == "UI" else value


def _page(connection: Connection, ask: HttpRequest, keys: Iterable[str], begin: int = 0) -> Page:
    """Answers without attributes that were not asked for: many services always send the patient, and addresses."""
    status, headers, content = connection.content(ask)
    wanted = {f"{tag_for_keyword(name):08X}" for name in (*keys, *_UNIQUE.values())}
    try:
        answers = [_dataset(answer, wanted) for answer in _listed(content)] if content.strip() else []
    except Exception:  # noqa: BLE001 - whatever pydicom stumbles over may hold a patient's data
        raise PacsTransientError(
            f"the service's answer cannot be decoded as DICOM JSON{named_type(headers)}",
            fix="check that `url` is the address of DICOMweb, before /studies, and `auth`",
        ) from None
    left = _left(headers.get("Warning", ""))
    more = status == _PARTIAL if left is None else left > 0
    total = begin + len(answers) + left if left and left > 1 else whole_number(headers.get("X-Total-Count", ""))
    return Page(answers, more, total, len(content))


def _left(warning: str) -> int | None:
    """The number of answers that a warning says are left (PS3.18 8.3.4.4), 1 where it says no number; None: no word."""
    if not _MORE.search(warning):
        return None
    told = _LEFT.search(warning)
    return (whole_number(told[1]) if told else None) or 1


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
