"""Images that carry another patient id than their study: held until a person says that it is the same patient."""

import json
import time
from collections.abc import Iterable
from dataclasses import replace

from pacsflow.ledger import Ledger, setting
from pacsflow.ledger.acts import Act, deciding
from pacsflow.ledger.book import remember
from pacsflow.ledger.studies import Instance, Study
from schemas.query import Guard

GUARD = "patient_differs_in_images"
DIFFERS = f"another patient id than the node answers for the study ({GUARD})"
"""Reason of instances that came and were refused so; they stay expected, and are not asked for again."""


def fix(study_key: str) -> str:
    """What a person can do about them."""
    return (
        f"where the patient was merged or renamed in the PACS: pacsflow settle PROJECT --same-patient {study_key}, or "
        f"`guards: {{{GUARD}: accept}}` in query.yaml for all studies; else tell the PACS administrator"
    )


def settle(ledger: Ledger, key: str, *, by: str) -> None:
    """Record that the images of a study are of its patient, whatever they say."""
    with deciding(ledger, Act("settle", by, f"study {key}: its images are of the same patient")) as connection:
        remember(ledger, connection, _name(key), json.dumps({"by": by, "at": time.time()}))


def same_patient(ledger: Ledger, study: Study, guard: Guard) -> tuple[str, str] | None:
    """Patient id and issuer that hold for all images of a study; None where its images must say so themselves.

    `guard`: the project's `patient_differs_in_images`.
    """
    if not study.patient_id.strip() or not (guard == "accept" or setting(ledger, _name(study.key))):
        return None
    return study.patient_id.strip(), study.attributes.get("IssuerOfPatientID", "").strip()


def left_alone(ledger: Ledger, study: Study, guard: Guard, known: Iterable[Instance]) -> list[Instance]:
    """The instances, those that were refused for their patient id as refused: they are not asked for again."""
    if same_patient(ledger, study, guard):
        return list(known)
    return [replace(one, status="refused") if one.reason == DIFFERS else one for one in known]


def _name(key: str) -> str:
    return f"same patient {key}"
