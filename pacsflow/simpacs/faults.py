"""What goes wrong: one small rule per kind of fault, each in one table by the stage it acts at."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydicom import Dataset
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pacsflow.errors import Problem, ProjectError
from pacsflow.regular_files import read_regular
from pacsflow.simpacs.archive import Encoded, StoredStudy, StudyArchive
from pacsflow.simpacs.find import FindRequest
from pacsflow.simpacs.retrieve import PENDING, PLAIN, Retrieval, RetrievalPlan, SentInstance
from pacsflow.simpacs.spoilt import shortened
from pacsflow.simpacs.wire import Gone
from schemas.simpacs import Fault, Faults

COUNT_KEYS = ("NumberOfPatientRelated", "NumberOfStudyRelated", "NumberOfSeriesRelated", "ModalitiesInStudy")
HOLLOW = 0xFF01
"""Stands for a final success after a pending response that brings no answer."""
PER = {"query": "", "patient": "PatientID", "year": "StudyDate", "modality": "ModalitiesInStudy"}
FINAL = {"success": 0x0000, "nothing": 0x0000, "warning": 0xB001, "out-of-resources": 0xA700, "hollow": HOLLOW}


def load_faults(path: Path) -> Faults:
    """The faults of a YAML file. Raises ProjectError with every mistake in it."""
    try:
        return Faults.model_validate(YAML(typ="safe").load(read_regular(path).decode("utf-8")) or {})
    except YAMLError as error:
        raise ProjectError.at(path.name, str(error).splitlines()[0]) from error
    except ValidationError as error:
        found = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
        raise ProjectError([Problem(path.name, 0, field, message) for field, message in found]) from error


class FaultInjector:
    """The faults of one PACS, with the memory of what they have struck."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults.faults
        self._struck: Counter[tuple[int, str]] = Counter()
        self._lock = threading.Lock()

    def of(self, kind: str) -> list[Any]:
        """The faults of a kind."""
        return [fault for fault in self.faults if fault.kind == kind]

    def applies_now(self, fault: Fault, target: str) -> bool:
        """Whether `fault` strikes `target` now; each asking counts."""
        asked, times = self.nth(fault, target), getattr(fault, "times", None)
        return times is None or asked <= times

    def nth(self, fault: Fault, target: str) -> int:
        """How often this was asked about `target`, this time included."""
        with self._lock:
            self._struck[id(fault), target] += 1
            return self._struck[id(fault), target]

    def ask(self, query: FindRequest) -> FindRequest:
        """The query as the PACS takes it."""
        ignored = {key for fault in self.of("ignored-keys") for key in fault.keys}
        if query.finding and query.level == "IMAGE" and self.of("series-blind"):
            ignored.add("SeriesInstanceUID")
        return replace(query, keys={key: "" if key in ignored else value for key, value in query.keys.items()})

    def answer(self, query: FindRequest, answers: list[Dataset]) -> tuple[list[Dataset], int]:
        """The answers as the PACS gives them, and its final status."""
        status = 0
        for fault in self.faults:
            if rule := ANSWERS.get(fault.kind):
                answers, status = rule(self, fault, query, answers, status)
        return answers, status

    def plan(self, archive: StudyArchive, plan: RetrievalPlan) -> RetrievalPlan:
        """The plan as the PACS carries it out."""
        for fault in self.faults:
            if fault.kind in IMAGES:
                plan = self._images(fault, plan)
            elif (rule := PLANS.get(fault.kind)) and self._concerned(fault, archive, plan):
                plan = rule(fault, archive, plan)
        return plan

    def by_get(self, plan: RetrievalPlan) -> RetrievalPlan:
        """The plan as it is carried out by C-GET."""
        for fault in self.of("unable-by-get"):
            plan = _unable(fault, plan)
        return plan

    def available(self, archive: StudyArchive, uid: str) -> str:
        """Instance Availability (PS3.3 C.4.23.1.1) of a study."""
        for fault in self.of("offline"):
            recalled = fault.times is not None and self._struck[id(fault), uid] >= fault.times
            if _nth_study(archive, uid, fault.every) and not recalled:
                return str(fault.availability)
        return "ONLINE"

    def _concerned(self, fault: Fault, archive: StudyArchive, plan: RetrievalPlan) -> bool:
        if not plan.deliveries:
            return False
        if fault.kind == "offline" and not _nth_study(archive, plan.study, fault.every):
            return False
        return self.applies_now(fault, plan.study)

    def _images(self, fault: Any, plan: RetrievalPlan) -> RetrievalPlan:
        change = IMAGES[fault.kind]
        made = (
            change(fault, delivery)
            if delivery.instance.position % fault.every == 0 and self.applies_now(fault, delivery.instance.uid)
            else [delivery]
            for delivery in plan.deliveries
        )
        return replace(plan, deliveries=tuple(chain.from_iterable(made)))


def _nth_study(archive: StudyArchive, uid: str, every: int) -> bool:
    return (list(archive.studies).index(uid) + 1) % every == 0 if every > 1 else True


# Answers: (injector, fault, query, answers, status) -> (answers, status)


def _limit(
    injector: FaultInjector, fault: Any, query: FindRequest, answers: list[Dataset], status: int
) -> tuple[list[Dataset], int]:
    if query.level not in fault.levels:
        return answers, status
    most = fault.then if fault.then and injector.nth(fault, "") % 2 == 0 else fault.answers
    given, counts = [], Counter[str]()
    for answer in answers:
        counts[
            group := str(answer.get(PER[fault.per]) if PER[fault.per] else "")[: 4 if fault.per == "year" else None]
        ] += 1
        if counts[group] <= most:
            given.append(answer)
    if len(given) == len(answers):
        return answers, status
    return [] if fault.status == "nothing" else given, FINAL[fault.status]


def _folded(
    _: FaultInjector, __: Any, query: FindRequest, answers: list[Dataset], status: int
) -> tuple[list[Dataset], int]:
    counting = any(keyword.startswith("NumberOf") for keyword in query.keys)
    return (answers[:1] if counting else answers), status


def _higher(
    injector: FaultInjector, fault: Any, _: FindRequest, answers: list[Dataset], status: int
) -> tuple[list[Dataset], int]:
    for answer in answers:
        known = answer.get("NumberOfSeriesRelatedInstances")
        if known is not None and injector.applies_now(fault, str(answer.get("SeriesInstanceUID"))):
            answer.NumberOfSeriesRelatedInstances = int(known) + fault.more
    return answers, status


def _blind(
    _: FaultInjector, __: Any, query: FindRequest, answers: list[Dataset], status: int
) -> tuple[list[Dataset], int]:
    for answer in answers if query.level == "IMAGE" else ():
        answer.pop("SeriesInstanceUID", None)
    return answers, status


def _refused_level(
    _: FaultInjector, fault: Any, query: FindRequest, answers: list[Dataset], status: int
) -> tuple[list[Dataset], int]:
    return ([], int(fault.status, 16)) if query.level in fault.levels else (answers, status)


def _no_counts(
    _: FaultInjector, __: Any, ___: FindRequest, answers: list[Dataset], status: int
) -> tuple[list[Dataset], int]:
    for answer in answers:
        for keyword in [each.keyword for each in answer if each.keyword.startswith(COUNT_KEYS)]:
            delattr(answer, keyword)
    return answers, status


def _changing(
    injector: FaultInjector, fault: Any, query: FindRequest, answers: list[Dataset], status: int
) -> tuple[list[Dataset], int]:
    asked = injector.nth(fault, f"{query.level} {sorted(query.keys.items())}")
    return (answers[:-1] if asked % fault.every == 0 else answers), status


# Images: (fault, delivery) -> deliveries


def _drop(fault: Any, delivery: SentInstance) -> list[SentInstance]:
    lost = replace(delivery, hooks=(lambda _, __: fault.counted == "completed",))
    return [] if fault.counted == "never" else [lost]


def _twice(_: Any, delivery: SentInstance) -> list[SentInstance]:
    return [delivery, delivery]


def _truncated(_: Any, delivery: SentInstance) -> list[SentInstance]:
    return [replace(delivery, spoil=(*delivery.spoil, lambda data: data[: len(data) // 4 * 2]))]


def _short(fault: Any, delivery: SentInstance) -> list[SentInstance]:
    return [replace(delivery, spoil=(*delivery.spoil, partial(shortened, left=fault.left)))]


def _corrupt(_: Any, delivery: SentInstance) -> list[SentInstance]:
    return [replace(delivery, spoil=(*delivery.spoil, corrupted))]


def _mislabelled(_: Any, delivery: SentInstance) -> list[SentInstance]:
    return [replace(delivery, mislabelled=True)]


def corrupted(data: Encoded) -> bytes:
    """The dataset with bytes 12 to 24 overwritten: tags, VRs and lengths that cannot be."""
    return bytes(data[:12]) + b"\xff" * 12 + bytes(data[24:])


def _unable(fault: Any, plan: RetrievalPlan) -> RetrievalPlan:
    sent = [fault.images == "compressed" and one.instance.transfer_syntax in PLAIN for one in plan.deliveries]
    if any(sent):
        failing = (lambda _, __: False,)
        made = zip(plan.deliveries, sent, strict=True)
        return replace(plan, deliveries=tuple(one if fine else replace(one, hooks=failing) for one, fine in made))
    failed = len(plan.deliveries) if fault.counted else 0
    return replace(plan, deliveries=(), status=int(fault.status, 16), failed=failed) if plan.deliveries else plan


# Plans: (fault, archive, plan) -> plan


def _none_sent(_: Any, __: StudyArchive, plan: RetrievalPlan) -> RetrievalPlan:
    return replace(plan, deliveries=(), status=0)


def _all_failed(_: Any, __: StudyArchive, plan: RetrievalPlan) -> RetrievalPlan:
    return replace(plan, deliveries=(), status=0, failed=len(plan.deliveries))


def _refused(fault: Any, _: StudyArchive, plan: RetrievalPlan) -> RetrievalPlan:
    status = int(getattr(fault, "status", "A702"), 16)
    return replace(plan, deliveries=(), status=status, failed=len(plan.deliveries))


def _slow(fault: Any, _: StudyArchive, plan: RetrievalPlan) -> RetrievalPlan:
    def wait(retrieval: Retrieval, _: SentInstance) -> None:
        retrieval.pacs.wait(fault.image)

    made = (replace(each, hooks=(wait, *each.hooks)) for each in plan.deliveries)
    return replace(plan, deliveries=tuple(made))


def _stranger(_: Any, archive: StudyArchive, plan: RetrievalPlan) -> RetrievalPlan:
    own = archive.studies[plan.study].attributes.get("PatientID")
    others = (each for each in archive.studies.values() if each.attributes.get("PatientID") != own)
    slipped = [SentInstance(_middle_image(archive, study)) for study in islice(others, 1)]
    return replace(plan, deliveries=(*plan.deliveries, *slipped))


def _middle_image(archive: StudyArchive, study: StoredStudy) -> Any:
    images = archive.series(study.uid)[0].instances
    return images[len(images) // 2]


def _late(_: Any, __: StudyArchive, plan: RetrievalPlan) -> RetrievalPlan:
    *early, last = plan.deliveries
    return replace(plan, deliveries=tuple(early), late=(*plan.late, last))


def _no_final(_: Any, __: StudyArchive, plan: RetrievalPlan) -> RetrievalPlan:
    return replace(plan, silent=True)


def _at_image(
    deed: Callable[[Any, Retrieval, SentInstance], bool | None],
) -> Callable[[Any, StudyArchive, RetrievalPlan], RetrievalPlan]:
    """A rule that does `deed` at the fault's image, or at the last one of a shorter retrieval."""

    def rule(fault: Any, _: StudyArchive, plan: RetrievalPlan) -> RetrievalPlan:
        place = min(fault.image, len(plan.deliveries)) - 1
        hooks = (lambda retrieval, delivery: deed(fault, retrieval, delivery), *plan.deliveries[place].hooks)
        struck = replace(plan.deliveries[place], hooks=hooks)
        return replace(plan, deliveries=(*plan.deliveries[:place], struck, *plan.deliveries[place + 1 :]))

    return rule


def _stall(fault: Any, retrieval: Retrieval, delivery: SentInstance) -> bool:
    message = b"".join(retrieval.message(delivery) or ())
    retrieval.carrier.send(message[: len(message) // 2])
    retrieval.pacs.wait(fault.seconds)
    retrieval.carrier.send(message[len(message) // 2 :])
    retrieval.carrier.stored()
    return True


def _pend(fault: Any, retrieval: Retrieval, _: SentInstance) -> None:
    while True:
        retrieval.respond(PENDING, {0x1020: 1, 0x1021: 0, 0x1022: 0, 0x1023: 0})
        retrieval.pacs.wait(fault.seconds)


def _again(fault: Any, retrieval: Retrieval, delivery: SentInstance) -> None:
    for number in count(1):
        retrieval.pacs.wait(fault.seconds)
        name = f"{delivery.instance.uid}.{number}" if fault.renamed else ""
        retrieval.carrier.send(retrieval.message(delivery, name) or ())
        retrieval.carrier.stored()
        retrieval.respond(PENDING, {0x1020: 1, 0x1021: 0, 0x1022: 0, 0x1023: 0})


def _drip(fault: Any, retrieval: Retrieval, delivery: SentInstance) -> bool:
    message = b"".join(retrieval.message(delivery) or ())
    retrieval.carrier.send(message[: len(message) // 2])
    for begin in range(len(message) // 2, len(message)):
        retrieval.pacs.wait(fault.seconds)
        retrieval.carrier.send(message[begin : begin + 1])
    retrieval.carrier.stored()
    return True


def _abort(fault: Any, retrieval: Retrieval, _: SentInstance) -> None:
    for wire in {retrieval.asker, retrieval.carrier}:
        wire.cut() if fault.how == "close" else wire.abort()
    raise Gone


def _restart(fault: Any, retrieval: Retrieval, _: SentInstance) -> None:
    retrieval.pacs.restart(fault.seconds)  # first: a client that sees the cut cannot connect again yet
    retrieval.carrier.cut()
    raise Gone


ANSWERS: dict[str, Callable[..., tuple[list[Dataset], int]]] = {
    "result-limit": _limit,
    "refused-levels": _refused_level,
    "no-counts": _no_counts,
    "changing-answers": _changing,
    "folded-answers": _folded,
    "higher-counts": _higher,
    "series-blind": _blind,
}
IMAGES: dict[str, Callable[[Any, SentInstance], Iterable[SentInstance]]] = {
    "drop-images": _drop,
    "duplicate-images": _twice,
    "truncated-pixels": _truncated,
    "short-pixels": _short,
    "corrupt-header": _corrupt,
    "wrong-transfer-syntax": _mislabelled,
}
PLANS: dict[str, Callable[[Any, StudyArchive, RetrievalPlan], RetrievalPlan]] = {
    "success-none-sent": _none_sent,
    "all-failed-but-success": _all_failed,
    "offline": _refused,
    "busy": _refused,
    "slow": _slow,
    "wrong-patient": _stranger,
    "late-image": _late,
    "no-final-response": _no_final,
    "stall": _at_image(_stall),
    "endless-pending": _at_image(_pend),
    "same-image": _at_image(_again),
    "drip": _at_image(_drip),
    "abort": _at_image(_abort),
    "restart": _at_image(_restart),
}
ASSOCIATION = {
    *(
        "unable-by-get",
        "no-service",
        "reject-associations",
        "tls",
        "ignored-keys",
        "final-answer",
        "nul-titles",
        "endless-answers",
    ),
    *("web-pages", "web-refusal", "web-as-stored", "web-throttle", "web-hang-up", "web-log-in", "web-drip"),
    *("web-endless", "web-boundary"),
}
"""Kinds the server looks at itself, when it listens or is asked."""
