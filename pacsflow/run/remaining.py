"""What is left to do of the planned studies: to be fetched, or to be brought to a target that has it not."""

import json
import threading
from collections.abc import Sequence

from pacsflow.ledger import Ledger, outcomes, signatures, studies
from pacsflow.ledger.outcomes import Delivery
from pacsflow.ledger.referrals import image_contents
from pacsflow.ledger.studies import Planned
from pacsflow.projects.elsewhere import third_party
from pacsflow.projects.project import Project
from pacsflow.run.session_order import by_order, ordinals
from schemas.export import Target


class Remaining:
    """The studies that are left to do, for a whole run: the ledger is read once, and again only after `changed`.

    The plan, each node's turn and the report ask for the same list. It is out of date once rows were asked, and once
    a fetch or a delivery of this run ended, however it did: then another run on the same ledger may have worked,
    too. So a run with nothing to do reads the ledger once, and one that fetches reads it before and after.
    Thread-safe: a change that is told of while the ledger is read counts for the next question.
    """

    def __init__(self, ledger: Ledger, project: Project) -> None:
        self._ledger, self._project = ledger, project
        self._lock, self._changes, self._read_at = threading.Lock(), 0, -1
        self._plans: list[Planned] = []

    def changed(self) -> None:
        """Say that studies in the ledger are not what they were."""
        self._changes += 1  # without the lock: who worked need not wait for the reading, and wrote before

    def plans(self) -> list[Planned]:
        """The planned studies that are not complete, or not at all targets, as of the last change."""
        with self._lock:
            changes = self._changes
            if self._read_at != changes:
                self._plans, self._read_at = left_to_do(self._ledger, self._project), changes
            return list(self._plans)


def left_to_do(ledger: Ledger, project: Project) -> list[Planned]:
    """The planned studies that are not complete, or not at all targets."""
    done = outcomes.done(ledger)
    orders = ordinals(ledger) if by_order(project) else {}
    contents = image_contents(ledger) if project.export.masks else {}
    return [
        p
        for p in studies.planned(ledger)
        if not p.complete or not _everywhere(project, p, done, [orders.get(p.key, ""), *contents.get(p.key, ())])
    ]


PERSONS = {"none": 0, "one": 1, "two": 2}
"""How many persons `sign_off` in project.yaml asks for."""


def unsigned_studies(ledger: Ledger, project: Project, only: str = "") -> list[Planned]:
    """The complete studies that may not go to a target yet, as persons must sign them off; or `only` one of them."""
    people = PERSONS[project.settings.sign_off]
    if not people:
        return []
    known = signatures.signed(ledger)
    plans = studies.planned(ledger, only)
    return [plan for plan in plans if plan.complete and not signatures.released(plan, known, people)]


def target_names(project: Project) -> list[str]:
    """Names of the project's targets in ledger and report: kind and position."""
    return [f"{target.kind} {n}" for n, target in enumerate(project.export.targets, 1)]


def elsewhere(project: Project, plan: Planned) -> Delivery | None:
    """What the ledger is to hold of a study that another application entity receives; None where we do."""
    to = third_party(project.pacs)
    if to is None:
        return None
    return Delivery(f"{outcomes.ELSEWHERE}{to.aet}", "done", studies.digest_of([plan.content, plan.wanted, to.aet]))


def _everywhere(project: Project, plan: Planned, done: dict[tuple[str, str], str], beside: Sequence[str]) -> bool:
    if sent := elsewhere(project, plan):
        return done.get((plan.key, sent.target)) == sent.digest
    named = zip(target_names(project), project.export.targets, strict=True)
    return all(done.get((plan.key, name)) == delivery_digest(project, plan, target, beside) for name, target in named)


def delivery_digest(project: Project, plan: Planned, target: Target, beside: Sequence[str] = ()) -> str:
    """Digest of what a target is to hold of a study; another one means: deliver again.

    `beside`: what of other studies counts: the order of its session, digests of what its masks lie on.
    """
    rules = project.export.model_dump_json(exclude={"targets", "header_table"})
    names = [rules.model_dump_json() for rules in project.bids.values()] if target.kind == "bids" else []
    said = target.model_dump_json()
    if project.settings.workers > 1:  # each has a workdir of its own, and none delivers again what another did
        said = said.replace(json.dumps(str(project.workdir))[1:-1], "${project.workdir}")
    names += sorted(project.programs.values())  # another program under the same name makes other files
    return studies.digest_of([plan.content, plan.wanted, rules, said, *names, *filter(None, beside)])
