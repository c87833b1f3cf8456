"""What goes wrong: one small rule per kind of fault, each in one table by the stage it acts at."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydicom import Dataset
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pacsflow.errors import Problem, ProjectError
from pacsflow.simpacs.archive import Archive, Encoded, Study
from pacsflow.simpacs.find import Query
from pacsflow.simpacs.retrieve import Delivery, Plan, Retrieval
from pacsflow.simpacs.wire import Gone
from schemas.simpacs import Fault, Faults

COUNT_KEYS = ("NumberOfPatientRelated", "NumberOfStudyRelated", "NumberOfSeriesRelated", "ModalitiesInStudy")
FINAL = {"success": 0x0000, "warning": 0xB001, "out-of-resources": 0xA700}


def load_faults(path: Path) -> Faults:
    """The faults of a YAML file. Raises ProjectError with every mistake in it."""
    try:
        return Faults.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {})
    except YAMLError as error:
        raise ProjectError.at(path.name, str(error).splitlines()[0]) from error
    except ValidationError as error:
        found = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
        raise ProjectError([Problem(path.name, 0, field, message) for field, message in found]) from error


class Mischief:
    """The faults of one PACS, with the memory of what they have struck."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults.faults
        self._struck: Counter[tuple[int, str]] = Counter()
        self._lock = threading.Lock()

    def of(self, kind: str) -> list[Any]:
        """The faults of a kind."""
        return [fault for fault in self.faults if fault.kind == kind]

    def strikes(self, fault: Fault, target: str) -> bool:
        """Whether `fault` strikes `target` now; each asking counts."""
        asked, times = self.nth(fault, target), getattr(fault, "times", None)
        return times is None or asked <= times

    def nth(self, fault: Fault, target: str) -> int:
        """How often this was asked about `target`, this time included."""
        with self._lock:
            self._struck[id(fault), target] += 1
            return self._struck[id(fault), target]

    def ask(self, query: Query) -> Query:
        """The query as the PACS takes it."""
        ignored = {key for fault in self.of("ignored-keys") for key in fault.keys}
        return replace(query, keys={key: "" if key in ignored else value for key, value in query.keys.items()})

    def answer(self, query: Query, answers: list[Dataset]) -> tuple[list[Dataset], int]:
        """The answers as the PACS gives them, and its final status."""
        status = 0
        for fault in self.faults:
            if rule := ANSWERS.get(fault.kind):
                answers, status = rule(self, fault, query, answers, status)
        return answers, status

    def plan(self, archive: Archive, plan: Plan) -> Plan:
        """The plan as the PACS carries it out."""
        for fault in self.faults:
            if fault.kind in IMAGES:
                plan = self._images(fault, plan)
            elif (rule := PLANS.get(fault.kind)) and self._concerned(fault, archive, plan):
                plan = rule(fault, archive, plan)
        return plan

    def available(self, archive: Archive, uid: str) -> str:
        """Instance Availability (PS3.3 C.4.23.1.1) of a study."""
        for fault in self.of("offline"):
            recalled = fault.times is not None and self._struck[id(fault), uid] >= fault.times
            if _nth_study(archive, uid, fault.every) and not recalled:
                return str(fault.availability)
        return "ONLINE"

    def _concerned(self, fault: Fault, archive: Archive, plan: Plan) -> bool:
        if not plan.deliveries:
            return False
        if fault.kind == "offline" and not _nth_study(archive, plan.study, fault.every):
            return False
        return self.strikes(fault, plan.study)

    def _images(self, fault: Any, plan: Plan) -> Plan:
        change = IMAGES[fault.kind]
        made = (
            change(fault, delivery)
            if delivery.instance.position % fault.every == 0 and self.strikes(fault, delivery.instance.uid)
            else [delivery]
            for delivery in plan.deliveries
        )
        return replace(plan, deliveries=tuple(chain.from_iterable(made)))


def _nth_study(archive: Archive, uid: str, every: int) -> bool:
    return (list(archive.studies).index(uid) + 1) % every == 0 if every > 1 else True


# Answers: (mischief, fault, query, answers, status) -> (answers, status)


def _limit(_: Mischief, fault: Any, __: Query, answers: list[Dataset], status: int) -> tuple[list[Dataset], int]:
    return (answers[: fault.answers], FINAL[fault.status]) if len(answers) > fault.answers else (answers, status)


def _refused_level(
    _: Mischief, fault: Any, query: Query, answers: list[Dataset], status: int
) -> tuple[list[Dataset], int]:
    return ([], int(fault.status, 16)) if query.level in fault.levels else (answers, status)


def _no_counts(_: Mischief, __: Any, ___: Query, answers: list[Dataset], status: int) -> tuple[list[Dataset], int]:
    for answer in answers:
        for keyword in [each.keyword for each in answer if each.keyword.startswith(COUNT_KEYS)]:
            delattr(answer, keyword)
    return answers, status


def _changing(
    mischief: Mischief, fault: Any, query: Query, answers: list[Dataset], status: int
) -> tuple[list[Dataset], int]:
    asked = mischief.nth(fault, f"{query.level} {sorted(query.keys.items())}")
    return (answers[:-1] if asked % fault.every == 0 else answers), status


# Images: (fault, delivery) -> deliveries


def _drop(fault: Any, delivery: Delivery) -> list[Delivery]:
    lost = replace(delivery, deeds=(lambda _, __: fault.counted == "completed",))
    return [] if fault.counted == "never" else [lost]


def _twice(_: Any, delivery: Delivery) -> list[Delivery]:
    return [delivery, delivery]


def _truncated(_: Any, delivery: Delivery) -> list[Delivery]:
    return [replace(delivery, spoil=(*delivery.spoil, lambda data: data[: len(data) // 4 * 2]))]


def _corrupt(_: Any, delivery: Delivery) -> list[Delivery]:
    return [replace(delivery, spoil=(*delivery.spoil, corrupted))]


def _mislabelled(_: Any, delivery: Delivery) -> list[Delivery]:
    return [replace(delivery, mislabelled=True)]


def corrupted(data: Encoded) -> bytes:
    """The dataset with bytes 12 to 24 overwritten: tags, VRs and lengths that cannot be."""
    return bytes(data[:12]) + b"\xff" * 12 + bytes(data[24:])


# Plans: (fault, archive, plan) -> plan


def _none_sent(_: Any, __: Archive, plan: Plan) -> Plan:
    return replace(plan, deliveries=(), status=0)


def _all_failed(_: Any, __: Archive, plan: Plan) -> Plan:
    return replace(plan, deliveries=(), status=0, failed=len(plan.deliveries))


def _refused(fault: Any, _: Archive, plan: Plan) -> Plan:
    status = int(getattr(fault, "status", "A702"), 16)
    return replace(plan, deliveries=(), status=status, failed=len(plan.deliveries))


def _slow(fault: Any, _: Archive, plan: Plan) -> Plan:
    def wait(retrieval: Retrieval, _: Delivery) -> None:
        retrieval.pacs.wait(fault.image)

    made = (replace(each, deeds=(wait, *each.deeds)) for each in plan.deliveries)
    return replace(plan, deliveries=tuple(made))


def _stranger(_: Any, archive: Archive, plan: Plan) -> Plan:
    own = archive.studies[plan.study].attributes.get("PatientID")
    others = (each for each in archive.studies.values() if each.attributes.get("PatientID") != own)
    slipped = [Delivery(_middle_image(archive, study)) for study in islice(others, 1)]
    return replace(plan, deliveries=(*plan.deliveries, *slipped))


def _middle_image(archive: Archive, study: Study) -> Any:
    images = archive.series(study.uid)[0].instances
    return images[len(images) // 2]


def _late(_: Any, __: Archive, plan: Plan) -> Plan:
    *early, last = plan.deliveries
    return replace(plan, deliveries=tuple(early), late=(*plan.late, last))


def _no_final(_: Any, __: Archive, plan: Plan) -> Plan:
    return replace(plan, silent=True)


def _at_image(deed: Callable[[Any, Retrieval, Delivery], bool | None]) -> Callable[[Any, Archive, Plan], Plan]:
    """A rule that does `deed` at the fault's image, or at the last one of a shorter retrieval."""

    def rule(fault: Any, _: Archive, plan: Plan) -> Plan:
        place = min(fault.image, len(plan.deliveries)) - 1
        deeds = (lambda retrieval, delivery: deed(fault, retrieval, delivery), *plan.deliveries[place].deeds)
        struck = replace(plan.deliveries[place], deeds=deeds)
        return replace(plan, deliveries=(*plan.deliveries[:place], struck, *plan.deliveries[place + 1 :]))

    return rule


def _stall(fault: Any, retrieval: Retrieval, delivery: Delivery) -> bool:
    message = b"".join(retrieval.message(delivery) or ())
    retrieval.carrier.send(message[: len(message) // 2])
    retrieval.pacs.wait(fault.seconds)
    retrieval.carrier.send(message[len(message) // 2 :])
    retrieval.carrier.stored()
    return True


def _abort(fault: Any, retrieval: Retrieval, _: Delivery) -> None:
    for wire in {retrieval.asker, retrieval.carrier}:
        wire.cut() if fault.how == "close" else wire.abort()
    raise Gone


def _restart(fault: Any, retrieval: Retrieval, _: Delivery) -> None:
    retrieval.pacs.restart(fault.seconds)  # first: who sees the cut finds nobody listening
    retrieval.carrier.cut()
    raise Gone


ANSWERS: dict[str, Callable[..., tuple[list[Dataset], int]]] = {
    "result-limit": _limit,
    "refused-levels": _refused_level,
    "no-counts": _no_counts,
    "changing-answers": _changing,
}
IMAGES: dict[str, Callable[[Any, Delivery], Iterable[Delivery]]] = {
    "drop-images": _drop,
    "duplicate-images": _twice,
    "truncated-pixels": _truncated,
    "corrupt-header": _corrupt,
    "wrong-transfer-syntax": _mislabelled,
}
PLANS: dict[str, Callable[[Any, Archive, Plan], Plan]] = {
    "success-none-sent": _none_sent,
    "all-failed-but-success": _all_failed,
    "offline": _refused,
    "busy": _refused,
    "slow": _slow,
    "wrong-patient": _stranger,
    "late-image": _late,
    "no-final-response": _no_final,
    "stall": _at_image(_stall),
    "abort": _at_image(_abort),
    "restart": _at_image(_restart),
}
ASSOCIATION = {"no-service", "reject-associations", "tls", "ignored-keys"}
"""Kinds the server looks at itself, when it listens or is asked."""
