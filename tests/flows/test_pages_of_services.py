"""Projects at QIDO-RS services that page, cut and order their answers in ways of their own: all is found, or held."""

import json
import random
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from pacsflow.simpacs.find import FindRequest, answer_dataset, answers
from peers.web import Handler, Service
from project_folder import write_project
from whole_run import find_only

STUDIES = 60
WIDE = {"id": "all", "StudyDate": "20000101-20301231"}
LEVELS = {"studies": "STUDY", "series": "SERIES", "instances": "IMAGE"}


class Qido(Handler):
    """Answers from an archive. `page`: most answers per page; `limit`: most answers in all; see `serving`."""

    def do_GET(self):  # noqa: N802
        if not self.admitted():
            return
        url = urlsplit(self.path)
        asked = dict(pair for pair in parse_qsl(url.query) if pair[0] not in ("includefield", "fuzzymatching"))
        size, begin = int(asked.pop("limit", 10**6)), int(asked.pop("offset", 0))
        returned = {value: "" for name, value in parse_qsl(url.query) if name == "includefield"}
        steps = url.path.strip("/").split("/")
        above = zip(("StudyInstanceUID", "SeriesInstanceUID"), steps[1::2], strict=False)
        query = FindRequest(LEVELS[steps[-1]], {**returned, **asked, **dict(above)})
        self.give(query, list(answers(self.server.archive, query))[: self.server.limit], begin, size)

    def give(self, query, found, begin, size):
        told = self.server
        if size > told.largest:
            self.answer(400)
            return
        if told.shuffled:
            told.dice.shuffle(found)
        begin = begin if told.pages else 0
        page = found[begin : begin + min(size, told.page)]
        left = len(found) - begin - len(page)
        headers = {"Warning": f"299 pacs: There are {left} additional results"} if told.warns and left > 0 else {}
        body = json.dumps([answer_dataset(query, one).to_json_dict() for one in page]).encode()
        self.answer(206 if told.partial and left > 0 else 200, body, Content_Type="application/dicom+json", **headers)


@contextmanager
def serving(**how):
    with Service(Qido) as service:
        service.archive = phantom_archive(STUDIES, matrix=16, images=1)
        service.dice = random.Random(1)
        known = {"page": 1000, "limit": 10**6, "largest": 10**6, "pages": True}
        for name, value in (known | dict.fromkeys(("shuffled", "warns", "partial"), False) | how).items():
            setattr(service, name, value)
        yield service


def found(tmp_path, service, *rows):
    node = {"name": "web", "protocol": "dicomweb", "url": service.url, "retries": {"attempts": 1}}
    query = {"guards": {"several_patients_per_row": "accept"}}
    folder = write_project(tmp_path / "p", pacs=node, rows=list(rows) or [WIDE], query=query)
    return [(one.status, one.reason, len(one.studies)) for one in find_only(folder)]


@pytest.mark.parametrize(
    "how",
    [
        {"page": 1},
        {"page": 7},
        {"page": 12},
        {"page": 59},
        {"page": 60},
        {"page": 12, "partial": True},
        {"page": 12, "warns": True},
        {"page": 25, "shuffled": True},
        {"largest": 200},
        {"largest": 30, "page": 20},
        {"pages": False},
        {"pages": False, "page": 33},
        {"pages": False, "page": 33, "partial": True},
        {"pages": False, "page": 33, "warns": True},
        {"limit": 10},
        {"limit": 33},
        {"limit": 59},
        {"limit": 59, "page": 12},
    ],
    ids=str,
)
def test_all_studies_are_found_whatever_a_service_makes_of_pages(tmp_path, how):
    with serving(**how) as service:
        assert found(tmp_path, service) == [("found", "", STUDIES)]


def test_a_service_that_ignores_offsets_and_changes_its_order_is_asked_in_pieces_or_doubted(tmp_path):
    with serving(pages=False, page=33, shuffled=True) as service:
        [(status, reason, number)] = found(tmp_path, service)
    assert (status, number) == ("found", STUDIES) or (status == "held" and "cut_answers" in reason)


@pytest.mark.parametrize(("limit", "status"), [(10**6, "found"), (12, "held")])
def test_a_person_without_dates_is_found_whole_or_held(tmp_path, limit, status):
    with serving(limit=limit) as service:
        blank = dict.fromkeys(("StudyDate", "StudyTime", "PatientBirthDate"), "")
        facts = [blank | {"PatientID": "SUBJECT-07" if n < 14 else f"SUBJECT-{n}"} for n in range(STUDIES)]
        made = zip(service.archive.studies.values(), facts, strict=True)
        service.archive = StudyArchive([replace(one, attributes={**one.attributes, **new}) for one, new in made])
        [(found_as, reason, _)] = found(tmp_path, service, {"id": "person", "PatientID": "SUBJECT-07"})
    assert (found_as, "cut_answers" in reason) == (status, status == "held")
