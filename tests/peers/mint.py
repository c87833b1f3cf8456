"""A small MINT server, written from the protocol's description: the search for studies of an archive."""

from fnmatch import fnmatchcase
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import quoteattr

from pydicom.datadict import dictionary_VR, tag_for_keyword

from peers.web import Handler, Service

SEARCHED = [
    "StudyInstanceUID",
    "PatientID",
    "PatientName",
    "AccessionNumber",
    "StudyDescription",
    "PatientSex",
    "InstitutionName",
    "ModalitiesInStudy",
]
OTHERS = {"min_study_date", "max_study_date", "QueryLevel", "IncludeFields", "limit"}
LEVELS = ["STUDY", "SERIES", "INSTANCE"]


class Mint(Service):
    """Answers `GET /studies` about `archive`; a parameter that MINT does not have is refused."""

    def __init__(self, archive, authority=None):
        super().__init__(_Search, authority)
        self.archive = archive
        self.most = None
        """Answers to one search, at most."""


class _Search(Handler):
    def do_GET(self):  # noqa: N802
        if not self.admitted():
            return
        place = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(place.query).items()}
        if place.path != "/studies" or asked.keys() - {*SEARCHED, *OTHERS}:
            self.answer(400)
            return
        found = [study for study in self.server.archive.studies.values() if _fits(study.attributes, asked)]
        text = "".join(
            _study(study, asked) for study in found[: int(asked.get("limit") or 0) or None][: self.server.most]
        )
        content = (
            f'<?xml version="1.0"?><studySearchResults xmlns="http://medical.nema.org/mint">{text}</studySearchResults>'
        )
        self.stream(200, "text/xml", [content.encode()])


def _fits(attributes, asked):
    texts = all(fnmatchcase(attributes[name], asked[name]) for name in SEARCHED if name in asked)
    first, last = asked.get("min_study_date", ""), asked.get("max_study_date", "9")
    return texts and first <= attributes["StudyDate"] <= last


def _study(study, asked):
    depth = LEVELS.index(asked.get("QueryLevel", "STUDY"))
    series = "".join(_series(one, asked, depth) for one in study.make_series()) if depth else ""
    own = _attributes({"StudyInstanceUID": study.uid, **study.attributes}, asked)
    return f'<study studyUUID="{study.uid}" lastModified="2026-01-01T00:00:00Z">{own}{series}</study>'


def _series(series, asked, depth):
    below = "".join(f"<instance>{_attributes(one.attributes, asked)}</instance>" for one in series.instances)
    return f"<series>{_attributes(series.attributes, asked)}{below if depth == 2 else ''}</series>"


def _attributes(attributes, asked):
    wanted = asked.get("IncludeFields", "StudyInstanceUID").split(",")
    return "".join(
        f'<attr tag="{tag_for_keyword(name):08x}" vr="{dictionary_VR(name)}" val={quoteattr(attributes[name])}/>'
        for name in wanted
        if name in attributes
    )
