"""Pseudonyms from the GPCR De-ID API: asked once for each patient over verified TLS, kept in the vault."""

import json
import ssl
from threading import Lock
from typing import Any
from weakref import finalize

import httpx

from pacsflow.errors import RefusalError, SecretError, ServiceError
from pacsflow.pseudonyms.contract import Assigned, PseudonymContext, Pseudonyms
from pacsflow.pseudonyms.legal import moved_by, pseudonym_fault, shift_fault
from pacsflow.pseudonyms.table import FARTHEST
from pacsflow.secrets import resolve
from pacsflow.vault import Link
from pacsflow.web import bounded

SECONDS = 60
LARGEST = 1 << 20
_OK, _BUSY, _FAULT = 200, 429, 500


def source(means: PseudonymContext) -> Pseudonyms:
    """Pseudonyms, and day shifts where the profile says so, that the service gives. Raises SecretError."""
    if means.vault is None or means.patient.token is None:
        raise SecretError("a service of pseudonyms needs a vault and a token", fix="use it in a project")
    service, vault, lock = _service(means), means.vault, Lock()

    def given(patient_id: str, issuer: str, shift_days: int) -> Assigned | None:
        with lock:
            link = vault.find(patient_id, issuer)
            if link is None:
                pseudonym = service.pseudonym(patient_id)
                if pseudonym is None:
                    return None
                days = _days(service, patient_id, means) if means.service_shifts else shift_days
                link = vault.settle(patient_id, issuer, lambda _: Link(patient_id, issuer, pseudonym, days))
        return Assigned(link.pseudonym, link.shift_days)

    return given


def _days(service: "PseudonymService", patient_id: str, means: PseudonymContext) -> int:
    """Days that are added to the patient's dates. Raises RefusalError where they would stay true."""
    days = moved_by(service.shift_days(patient_id), means.direction)
    if fault := shift_fault(days):
        raise RefusalError(fault, fix="have whoever runs the service give the patient another one")
    return days


def look(means: PseudonymContext) -> Pseudonyms:
    """The same, but only looked up: the vault learns nothing, and day shifts are not asked for."""
    service = _service(means)

    def found(patient_id: str, _issuer: str, shift_days: int) -> Assigned | None:
        pseudonym = means.vault.pseudonym(patient_id) if means.vault else None
        pseudonym = pseudonym or service.pseudonym(patient_id)
        return Assigned(pseudonym, shift_days) if pseudonym else None

    return found


def _service(means: PseudonymContext) -> "PseudonymService":
    return PseudonymService(means.patient.url or "", means.project, resolve(means.patient.token or ""))


class PseudonymService:
    """The service at one address. What it raises holds neither patients, nor the token, nor what was answered."""

    def __init__(self, url: str, project: str, token: str) -> None:
        self._url, self._project = url, project
        head = {"Authorization": f"token {token}"}
        hooks = {"response": [bounded(LARGEST)]}
        self._client = httpx.Client(
            verify=ssl.create_default_context(), headers=head, timeout=SECONDS, event_hooks=hooks
        )
        finalize(self, self._client.close)

    def pseudonym(self, patient_id: str) -> str | None:
        """The patient's pseudonym; None where the service has none. Raises RefusalError."""
        answer = self._ask(self._url, patient_id)
        if answer is None:
            return None
        if not isinstance(answer, str) or pseudonym_fault(answer):
            raise RefusalError("pseudonym: the service gave none that can be used", fix="tell whoever runs it")
        return answer

    def shift_days(self, patient_id: str) -> int:
        """The patient's day shift, as the service gives it. Raises RefusalError."""
        answer = self._ask(f"{self._url}_shift", patient_id)
        if not isinstance(answer, int) or isinstance(answer, bool) or abs(answer) > FARTHEST:
            raise RefusalError("pseudonym: the service gave no day shift", fix="tell whoever runs it")
        return answer

    def _ask(self, url: str, patient_id: str) -> Any:
        body = {"project": self._project, "PatientIDList": [{"PatientID": patient_id}]}
        try:
            reply = self._client.post(url, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"the service of pseudonyms cannot be asked ({type(error).__name__})"
            raise ServiceError(what, fix="look at its address and its certificate", transient=True) from None
        if reply.status_code != _OK:
            again = reply.status_code == _BUSY or reply.status_code >= _FAULT
            what = f"the service of pseudonyms answers with HTTP {reply.status_code}"
            raise ServiceError(what, fix="look at its address and token", transient=again)
        answers = _object(reply)
        return answers.get(patient_id, answers.get(f"sub-{patient_id}"))


def _object(reply: httpx.Response) -> dict[str, Any]:
    try:
        answers = json.loads(reply.content) if len(reply.content) <= LARGEST else None
    except (ValueError, RecursionError):
        answers = None
    if not isinstance(answers, dict):
        fix = "look at its address: it must answer with an object of patient ids and pseudonyms"
        raise ServiceError("the service of pseudonyms answers in another form", fix=fix)
    return answers
