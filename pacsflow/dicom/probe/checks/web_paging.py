"""Whether QIDO-RS gives its answers page by page (PS3.18 8.3.4.4): `limit` and `offset`."""

from collections.abc import Iterator
from datetime import date

from pacsflow.dicom.probe.results import CheckResult
from pacsflow.dicom.probe.visit import Visit
from pacsflow.dicom.web import qido
from pacsflow.errors import PacsPermanentError

_NAME = "pages"
_TWO = 2


def check(visit: Visit) -> Iterator[CheckResult]:
    """`pages`: two queries for two studies each, of which one should be the same."""
    if visit.boundless:
        yield CheckResult(_NAME, "partly", "`limit` is ignored: all answers come at once", {"limit heeded": False})
        return
    try:
        first, second = _page(visit, 0), _page(visit, 1)
    except PacsPermanentError as error:
        yield CheckResult(_NAME, "unknown", f"not known: {error}")
        return
    yield _judge(first, second)


def _judge(first: list[str], second: list[str]) -> CheckResult:
    if len(first) < _TWO:
        return CheckResult(_NAME, "unknown", "not known: fewer than two studies are found by dates alone")
    if second[:1] == first[:1]:
        request = "have QIDO-RS heed `offset`: what stands behind the first page is out of reach"
        facts = {"limit heeded": True, "offset heeded": False}
        return CheckResult(_NAME, "partly", "`limit` is heeded, `offset` is ignored", facts, request=request)
    if second[:1] != first[1:2]:
        return CheckResult(_NAME, "unknown", "not known: the order of the answers changes", {"limit heeded": True})
    facts = {"limit heeded": True, "offset heeded": True}
    return CheckResult(_NAME, "ok", "`limit` and `offset` are heeded", facts)


def _page(visit: Visit, begin: int) -> list[str]:
    keys = {"StudyInstanceUID": "", "StudyDate": f"19000101-{date.today():%Y%m%d}"}  # noqa: DTZ011 - as ours
    answers, _ = qido.page(visit.connection("dicomweb"), "STUDY", keys, window=(begin, _TWO))
    return [str(answer.get("StudyInstanceUID") or "") for answer in answers]
