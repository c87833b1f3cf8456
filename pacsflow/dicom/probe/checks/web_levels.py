"""At which levels a web service answers queries; known from what was asked for the sample."""

from collections.abc import Iterator

from pacsflow.dicom.contract import Level
from pacsflow.dicom.probe.results import CheckResult, Verdict
from pacsflow.dicom.probe.visit import Visit
from pacsflow.dicom.probe.words import as_whom

_WORDS: dict[Level, str] = {"STUDY": "studies", "SERIES": "series", "IMAGE": "instances"}


def check(visit: Visit, service: str) -> Iterator[CheckResult]:
    """`queries`. Without instances the node's word on numbers must do; without series nothing can be planned."""
    known = {"STUDY": "", **visit.levels}  # the greeting was answered
    answered = [word for level, word in _WORDS.items() if known.get(level) == ""]
    refused = {word: known[level] for level, word in _WORDS.items() if known.get(level)}
    unknown = [word for level, word in _WORDS.items() if level not in known]
    parts = [f"{service} for {', '.join(answered)}"] if answered else []
    parts += [f"not for {word}: {why}" for word, why in refused.items()]
    parts += [f"for {', '.join(unknown)} it was not tried"] if unknown else []
    facts = {"service": service, "answered": answered, "refused": [*refused]}
    request = f"permit {service} for {', '.join(refused)}, {as_whom(visit.node)}" if refused else ""
    needed = {"studies", "series"} & refused.keys()
    verdict: Verdict = "no" if needed else "partly" if refused else "unknown" if unknown else "ok"
    yield CheckResult("queries", verdict, "; ".join(parts), facts, request=request)
