"""What the node makes of a query: relational ones, keys it does not look at, letters beyond A to Z."""

from collections.abc import Iterator

from pacsflow.attributes import tag_for_keyword, vr_of_tag
from pacsflow.dicom.contract import Level
from pacsflow.dicom.probe.results import CheckResult, Sample, Verdict
from pacsflow.dicom.probe.visit import Visit
from pacsflow.errors import PacsPermanentError

_USUAL: dict[Level, tuple[str, ...]] = {
    "STUDY": ("PatientID", "AccessionNumber", "StudyDate", "ModalitiesInStudy"),
    "SERIES": ("Modality", "SeriesDescription"),
}
_MOST_KEYS = 12
_NOBODY = {"AS": "999Y", "CS": "ZZ", "DA": "29991231", "DS": "99999", "DT": "29991231", "IS": "99999", "TM": "235959.9"}
"""Values, by VR, that no study has."""
_NOBODYS_NAME = "ZZPACSFLOW"
_LETTERS = ("Ωü山", "Ωü", "ü", "Ω", "Я", "山")
_FEW = 5


def relational(visit: Visit) -> Iterator[CheckResult]:
    """`relational queries`: a series without its study (PS3.4 C.4.1.2.2.1 forbids what C.4.1.3.2 may permit)."""
    sample = visit.sample
    if sample is None:
        return
    name, keys = "relational queries", {"StudyInstanceUID": "", "SeriesInstanceUID": sample.series_uid}
    answers = visit.ask("SERIES", keys, most=_FEW)
    if any(answer.get("SeriesInstanceUID") == sample.series_uid for answer in answers.found):
        yield CheckResult(name, "ok", "a series is found without its study", {"possible": True})
        return
    fix = "give rows that name only attributes of series also a PatientID, AccessionNumber or StudyDate"
    ended = f" (it ended with {answers.refusal})" if answers.cut else ""
    said = f"a series is not found without its study{ended}"
    yield CheckResult(name, "no", said, {"possible": False}, fix=fix if _series_only(visit) else "")


def _series_only(visit: Visit) -> bool:
    """Whether a row of the project needs relational queries."""
    return any(not any(row.get("STUDY", {}).values()) for row in visit.rows)


def keys(visit: Visit) -> Iterator[CheckResult]:
    """`keys`: which of the usual keys, and of those that the rows use, the node does not look at.

    Each is asked for with a value that no patient has, together with the UIDs of the sample: one answer at most.
    """
    sample = visit.sample
    if sample is None:
        return
    heeded: list[str] = []
    ignored: list[str] = []
    refused: list[str] = []
    for level, keyword in _asked(visit):
        answers = visit.ask(level, {**_of(sample, level), keyword: _nobodys(keyword)}, most=_FEW)
        (ignored if answers.found else refused if answers.cut else heeded).append(keyword)
    visit.ignored.update(ignored)
    facts = {"heeded": heeded, "ignored": ignored, "refused": refused}
    parts = [("matches by", heeded), ("ignores", ignored), ("refuses", refused)]
    said = "; ".join(f"{what} {', '.join(words)}" for what, words in parts if words)
    verdict: Verdict = "ok" if not (ignored or refused) else "partly" if heeded else "no"
    yield CheckResult("keys", verdict, said, facts)


def _asked(visit: Visit) -> list[tuple[Level, str]]:
    levels: tuple[Level, ...] = ("STUDY", "SERIES")
    used = [
        (level, keyword) for row in visit.rows for level in levels for keyword, v in row.get(level, {}).items() if v
    ]
    usual = [(level, keyword) for level in levels for keyword in _USUAL[level]]
    fit = (pair for pair in (*usual, *used) if _vr(pair[1]) not in ("UI", "SQ"))
    return list(dict.fromkeys(fit))[:_MOST_KEYS]


def _of(sample: Sample, level: Level) -> dict[str, str]:
    keys = {"StudyInstanceUID": sample.study_uid}
    return keys | ({"SeriesInstanceUID": sample.series_uid} if level == "SERIES" else {})


def _vr(keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    return vr_of_tag(tag) if tag is not None else "SQ"


def _nobodys(keyword: str) -> str:
    return _NOBODY.get(_vr(keyword), _NOBODYS_NAME)


def character_sets(visit: Visit) -> Iterator[CheckResult]:
    """`character sets`: of the answers, and whether a name in other letters is taken (PS3.3 C.12.1.1.2)."""
    if visit.sample is None:
        return
    asked_in = visit.node.character_set
    taken, how = _takes_letters(visit)
    answered = sorted(filter(None, visit.character_sets))
    said = f"answers are in {', '.join(answered) or 'the default character set'}; {how}"
    fix = "" if taken is not False else f"try another `character_set`: {asked_in} is not taken"
    verdict: Verdict = "unknown" if taken is None else "ok" if taken else "no"
    yield CheckResult("character sets", verdict, said, {"asked": asked_in, "answered": answered}, fix=fix)


def _takes_letters(visit: Visit) -> tuple[bool | None, str]:
    sample, asked_in = visit.sample, visit.node.character_set
    assert sample is not None  # noqa: S101 - seen to by the caller
    for letters in _LETTERS:
        try:
            answers = visit.ask("STUDY", {**_of(sample, "STUDY"), "PatientName": f"{letters}*"}, most=_FEW)
        except PacsPermanentError as error:
            if error.status is None:
                continue  # these letters are not in the character set
            raise
        if not answers.refusal:
            return True, f"names in {asked_in} are taken"
        return False, f"a name in {asked_in} ended with {answers.refusal}"
    return None, f"{asked_in} has no letters beyond A to Z"
