"""MINT: studies found by its search, asked and read with dicomtrolley's pieces; images come by another protocol."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import Any
from xml.etree import ElementTree as ET

from dicomtrolley.core import QueryLevels
from dicomtrolley.mint import MintQuery, MintStudy, get_valid_fields
from pydicom import Dataset

from pacsflow.dicom.advice import NARROWER
from pacsflow.dicom.budget import MOST_ANSWERS
from pacsflow.dicom.contract import Lane, Level, Outcome, Request, Sink
from pacsflow.dicom.web.connection import Connection, HttpRequest
from pacsflow.dicom.web.lane import WebLane
from pacsflow.errors import PacsPermanentError, PacsTransientError
from schemas.pacs import PacsNode

_LEVELS = {"STUDY": QueryLevels.STUDY, "SERIES": QueryLevels.SERIES, "IMAGE": QueryLevels.INSTANCE}
_SEARCHED = frozenset(
    [
        "StudyInstanceUID",
        "PatientID",
        "PatientName",
        "AccessionNumber",
        "StudyDescription",
        "PatientSex",
        "InstitutionName",
        "ModalitiesInStudy",
        "StudyDate",
    ]
)
"""Keys a search is narrowed by; by others the answers are filtered on our side."""
_ROOT = "studySearchResults"
_EARLIEST, _LATEST = "19000101", "99991231"
_UNIQUE = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def open_lane(node: PacsNode) -> Lane:
    """A lane to `node`; the connection is opened by the first request."""
    return MintLane(Connection(node, "mint"))


def greet(node: PacsNode) -> None:
    """Whether the service answers a query. Raises PacsError, SecretError."""
    with closing(Connection(node, "mint")) as connection:
        one(connection)


def one(connection: Connection) -> int:
    """Ask for a single study: how many a service that answers gives; more than one where it does not heed limits."""
    parameters = MintQuery(query_level=QueryLevels.STUDY, limit=1).as_parameters()
    return len(MintLane(connection).ask(parameters, "a query for any one study"))


class MintLane(WebLane):
    """A lane that finds only."""

    def find(self, level: Level, keys: Mapping[str, str], *, limit: int | None = None) -> list[Dataset]:
        """All answers to a query; of keys that MINT does not search by, the caller filters the answers.

        `limit`: of so many studies only. Raises PacsPermanentError, by their names, for keys that MINT neither
        searches by nor answers.
        """
        names = ", ".join(sorted(name for name, value in keys.items() if value)) or "nothing"
        most = {"limit": limit} if limit else {}
        studies: list[MintStudy] = []
        for uid in keys.get("StudyInstanceUID", "").split("\\"):  # it searches by a single one
            parameters = _parameters(level, {**keys, "StudyInstanceUID": uid})
            studies += self.ask({**parameters, **most}, f"a query of level {level} by {names}")
        answers = list(islice((one for one in _flat(level, studies) if _below(one, keys)), MOST_ANSWERS + 1))
        if len(answers) > MOST_ANSWERS:
            said = f"the service gives more than {MOST_ANSWERS} answers to one query"
            raise PacsPermanentError(said, fix=NARROWER, answers=MOST_ANSWERS)
        return answers

    def fetch(self, request: Request, sink: Sink) -> Outcome:  # noqa: ARG002
        """Nothing: raises PacsPermanentError."""
        raise PacsPermanentError("images do not come by MINT here", fix="set `fetch.method` in pacs.yaml")

    def ask(self, parameters: Mapping[str, Any], what: str) -> list[MintStudy]:
        """The studies that a search gives, with the series and instances asked for.

        Raises PacsTransientError where the answer is not MINT.
        """
        params = [(name, str(value)) for name, value in parameters.items()]
        _, content = self._connection.text(HttpRequest(what, "/studies", params, accept="text/xml, application/xml"))
        try:
            return _studies(content.decode("utf-8"))
        except Exception:  # noqa: BLE001 - what it stumbles over may hold a patient's data
            raise PacsTransientError(
                "the service's answer cannot be decoded as MINT", fix="check the address of `mint` in pacs.yaml"
            ) from None


def _studies(text: str) -> list[MintStudy]:
    """The studies in an answer. Raises ValueError where it is none of MINT, as a page that asks for a log-in."""
    answer = ET.fromstring(text)  # noqa: S314 - of the node that the project names
    if not answer.tag.endswith(_ROOT):
        raise ValueError
    return [MintStudy.init_from_element(study) for study in answer.findall(MintStudy.xml_element)]


def _parameters(level: Level, keys: Mapping[str, str]) -> dict[str, Any]:
    """A search's parameters. Raises PacsPermanentError where something would have to be left out."""
    if level not in _LEVELS:
        raise PacsPermanentError("MINT cannot be asked for patients", fix="ask for studies: `level: study`")
    asked = {name: value for name, value in keys.items() if value}
    if level != "STUDY" and "StudyInstanceUID" not in asked:
        raise PacsPermanentError(
            f"MINT finds no series by {', '.join(sorted(asked))} alone", fix="add a key of the study to the row"
        )
    answered = get_valid_fields(_LEVELS[level].value)
    if unknown := sorted(asked.keys() - answered - _SEARCHED):
        raise PacsPermanentError(
            f"MINT neither searches by {', '.join(unknown)} nor answers it", fix="take the column out of the rows"
        )
    if not asked.keys() & _SEARCHED:
        raise PacsPermanentError(
            f"MINT does not search by {', '.join(sorted(asked)) or 'nothing'}", fix="add a patient, number or date"
        )
    texts = {name: asked[name].replace("?", "*") for name in _SEARCHED - {"StudyDate"} if name in asked}
    uids = _UNIQUE[: 1 + [*_LEVELS].index(level)]
    included = sorted({*uids, *(name for name in keys if name in answered)})
    dates = _dates(asked["StudyDate"]) if "StudyDate" in asked else {}
    query = MintQuery(**texts, **dates, query_level=_LEVELS[level], include_fields=included)
    return dict(query.as_parameters())


def _dates(asked: str) -> dict[str, dt.datetime]:
    """A date, or a range open at one end, as MINT takes it: from, and to."""
    begin, dash, end = asked.partition("-")
    ends = (begin or _EARLIEST, (end or _LATEST) if dash else begin)
    first, last = (dt.datetime.strptime(day, "%Y%m%d").replace(tzinfo=dt.UTC) for day in ends)
    return {"min_study_date": first, "max_study_date": last}


def _flat(level: Level, studies: Iterable[MintStudy]) -> Iterator[Dataset]:
    """Answers of one level, with the UIDs of what they belong to."""
    for study in studies:
        above = {"StudyInstanceUID": study.uid}
        if level == "STUDY":
            yield _with(study.data, above)
        for series in study.series if level != "STUDY" else ():
            own = {**above, "SeriesInstanceUID": series.uid}
            if level == "SERIES":
                yield _with(series.data, own)
            else:
                yield from (_with(one.data, {**own, "SOPInstanceUID": one.uid}) for one in series.instances)


def _with(answer: Dataset, uids: Mapping[str, str]) -> Dataset:
    for keyword, uid in uids.items():
        setattr(answer, keyword, uid)
    return answer


def _below(answer: Dataset, keys: Mapping[str, str]) -> bool:
    """Whether an answer belongs to what the query names by UID: MINT searches by the study's only."""
    named = {name: keys[name].split("\\") for name in _UNIQUE if keys.get(name)}
    return all(str(answer.get(name) or "") in uids for name, uids in named.items())


over = MintLane
