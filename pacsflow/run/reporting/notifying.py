"""Tell people how a run ended, by e-mail and webhook: numbers only, never a row, a patient or a path."""

import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import httpx

from pacsflow.errors import SecretError
from pacsflow.run.reporting.ending import Ending
from pacsflow.secrets import resolve, resolve_address
from pacsflow.web import bounded
from schemas.project import Notification, Smtp

SECONDS = 30.0
_MOST = 1 << 20
"""Bytes of what a webhook answers."""


def notify(told: Sequence[Notification], project: str, ending: Ending, *, link: str = "") -> list[str]:
    """Tell everybody who asked for such an ending; what went wrong, in words without addresses and secrets.

    That somebody could not be told never ends a run. `link`: the run's page in Prefect.
    """
    faults = []
    for number, one in enumerate(told, 1):
        if ending.kinds & set(one.on):
            try:
                _tell(one, facts(project, ending, link))
            except Exception as error:  # noqa: BLE001, whatever a peer or a secret leads to
                way = "e-mail" if one.email else "webhook"
                faults.append(f"notify entry {number} ({way}) was not told: {_reason(error)}")
    return faults


def facts(project: str, ending: Ending, link: str) -> dict[str, Any]:
    """What is told."""
    return {
        "project": project,
        "outcome": ending.name,
        "needs a person": ending.red,
        "rows": dict(ending.rows),
        "message": ending.message,
        "link": link,
    }


def _tell(one: Notification, what: Mapping[str, Any]) -> None:
    if one.email and one.smtp:
        _mail(one.smtp, one.email, what)
    elif one.webhook:
        url = resolve_address(one.webhook) if one.webhook.startswith("${") else one.webhook
        with httpx.Client(timeout=SECONDS, event_hooks={"response": [bounded(_MOST)]}) as client:
            client.post(url, json=dict(what)).raise_for_status()


def _mail(smtp: Smtp, to: str, what: Mapping[str, Any]) -> None:
    message = EmailMessage()
    message["From"], message["To"] = smtp.sender, to
    message["Subject"] = f"pacsflow {what['project']}: {what['outcome']}"
    rows = [f"{number:>8} {status}" for status, number in what["rows"].items()]
    message.set_content("\n".join([str(what["message"]), "", *rows, "", str(what["link"])]).rstrip() + "\n")
    with _connected(smtp) as server:
        if smtp.user and smtp.password:
            server.login(smtp.user, resolve(smtp.password))
        server.send_message(message)


@contextmanager
def _connected(smtp: Smtp) -> Iterator[smtplib.SMTP]:
    try:
        context = ssl.create_default_context(cafile=smtp.ca)
    except OSError:
        raise SecretError("the file of `smtp.ca` cannot be read as PEM", fix="check its path") from None
    if smtp.security == "tls":
        with smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=SECONDS, context=context) as server:
            yield server
        return
    with smtplib.SMTP(smtp.host, smtp.port, timeout=SECONDS) as server:
        if smtp.security == "starttls":
            server.starttls(context=context)
        yield server


def _reason(error: Exception) -> str:
    match error:
        case SecretError():
            return str(error)
        case httpx.HTTPStatusError():
            return f"HTTP {error.response.status_code}"
        case smtplib.SMTPResponseException():
            return f"SMTP {error.smtp_code}"
    return type(error).__name__
