"""Which queries and retrievals a DIMSE node accepts when an association is opened (PS3.4 C.6)."""

from collections.abc import Iterator

from pacsflow.dicom.dimse.contexts import PATIENT_ROOT, STUDY_ROOT
from pacsflow.dicom.probe.results import CheckResult, Verdict, failure
from pacsflow.dicom.probe.visit import Visit
from pacsflow.errors import PacsError

_ROOTS = {"Study Root": STUDY_ROOT, "Patient Root": PATIENT_ROOT}


def queries(visit: Visit) -> Iterator[CheckResult]:
    """`queries`."""
    try:
        yield _queries(visit, _accepted(visit, "find"))
    except PacsError as error:
        yield failure("queries", error)


def retrievals(visit: Visit) -> Iterator[CheckResult]:
    """`retrievals`."""
    try:
        yield _retrievals(visit, _accepted(visit, "get"), _accepted(visit, "move"))
    except PacsError as error:
        yield failure("retrievals", error)


def _accepted(visit: Visit, service: str) -> list[str]:
    channel = visit.channel()
    return [root for root, model in _ROOTS.items() if channel.context(getattr(model, service))]


def _queries(visit: Visit, roots: list[str]) -> CheckResult:
    aet = visit.node.calling_aet
    if not roots:
        return CheckResult(
            "queries", "no", "no C-FIND is accepted", {"roots": []}, request=f"permit C-FIND (Study Root) to {aet}"
        )
    verdict: Verdict = "ok" if "Study Root" in roots else "partly"
    request = "" if verdict == "ok" else f"permit C-FIND by the Study Root to {aet}"
    return CheckResult("queries", verdict, f"C-FIND by {' and '.join(roots)}", {"roots": roots}, request=request)


def _retrievals(visit: Visit, get: list[str], move: list[str]) -> CheckResult:
    accepted = {name: roots for name, roots in {"C-GET": get, "C-MOVE": move}.items() if roots}
    facts = {"c-get": bool(get), "c-move": bool(move)}
    if not accepted:
        request = f"permit {visit.node.calling_aet} to retrieve: C-GET, or C-MOVE to an AE title of this computer"
        return CheckResult("retrievals", "no", "neither C-GET nor C-MOVE is accepted", facts, request=request)
    said = ", ".join(f"{name} by {' and '.join(roots)}" for name, roots in accepted.items())
    missing = [name for name in ("C-GET", "C-MOVE") if name not in accepted]
    but = f"; {missing[0]} is not accepted" if missing else ""
    return CheckResult("retrievals", "partly" if missing else "ok", f"{said}{but}", facts)
