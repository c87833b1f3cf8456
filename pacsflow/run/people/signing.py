"""Sign-off: samples of what lies ready are looked at, and one person or two let it go to the targets, or do not."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread

from pacsflow.errors import ProjectError
from pacsflow.ledger import Ledger, signatures, studies
from pacsflow.ledger.signatures import Signature, releasing
from pacsflow.ledger.studies import Instance, Planned
from pacsflow.projects.project import Project
from pacsflow.run.remaining import PERSONS, unsigned_studies
from pacsflow.run.reporting.ending import DIGITS

SAMPLES = 12
"""So many series are shown at most, of as many studies as can be."""
HEADER = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyDate", "StudyDescription",
    "SeriesDescription", "Modality", "InstitutionName", "ReferringPhysicianName", "BodyPartExamined",
)  # fmt: skip
"""Attributes that are shown of a sample before and after, as far as the node answered them."""


@dataclass(frozen=True)
class SignOff:
    """What waits for a sign-off: studies, images, and what was decided of them so far.

    `digest` names exactly these studies as they are now. `asked`: how many persons. `said`: decisions on all or some.
    """

    digest: str
    asked: int
    studies: tuple[str, ...]
    images: int
    said: tuple[Signature, ...] = ()

    @property
    def lacking(self) -> int:
        """How many persons must still look at them."""
        return max(self.asked - releasing(self.said), 0)

    @property
    def withheld(self) -> bool:
        """Whether a person does not let them go."""
        return any(not one.release for one in self.said)


@dataclass(frozen=True)
class Sample:
    """A series to look at: its middle image in staging, and lines (keyword, before, after) of its header.

    `before` is what the node answered, and identifies; '' where it was not asked. The original is not kept.
    """

    study: str
    series: str
    modality: str
    images: int
    file: Path
    header: tuple[tuple[str, str, str], ...]


def waiting(ledger: Ledger, project: Project) -> SignOff:
    """What waits for a sign-off now; nothing where the project asks for none."""
    plans = unsigned_studies(ledger, project)
    known = signatures.signed(ledger)
    by: dict[str, list[Signature]] = {}
    for plan in plans:
        for one in known.get((plan.key, plan.content), ()):
            by.setdefault(one.by, []).append(one)
    told = (_together(each, len(plans)) for _, each in sorted(by.items()))
    said = tuple(decision for decision in told if decision)
    images = sum(len(studies.instances(ledger, plan.key, "held")) for plan in plans)
    asked = PERSONS[project.settings.sign_off]
    return SignOff(_digest(plans), asked, tuple(plan.key for plan in plans), images, said)


def _together(said: Sequence[Signature], number: int) -> Signature | None:
    """What one person's decisions come to: withheld where any study is, released where all are, else nothing yet."""
    if withheld := [one for one in said if not one.release]:
        return max(withheld, key=lambda one: one.at)
    return max(said, key=lambda one: one.at) if len(said) == number else None


def _digest(plans: Sequence[Planned]) -> str:
    return studies.digest_of(f"{plan.key} {plan.content}" for plan in plans)[:DIGITS] if plans else ""


def decide(ledger: Ledger, project: Project, digest: str, said: Signature) -> SignOff:
    """Record what a person decided of exactly what a digest names; what waits afterwards.

    Raises ProjectError where nothing waits, or something else does by now.
    """
    plans = unsigned_studies(ledger, project)
    if not plans:
        raise _mistake("nothing waits for a sign-off", "pacsflow status PROJECT")
    if digest.strip().casefold() != _digest(plans):
        raise _mistake("the digest names other studies than those that wait now", "look at the present ones first")
    signatures.sign(ledger, plans, said, digest=_digest(plans))
    return waiting(ledger, project)


def samples(ledger: Ledger, project: Project, number: int = SAMPLES) -> list[Sample]:
    """Series to look at: the same ones as long as the same studies wait; one of each study before two of any."""
    plans = unsigned_studies(ledger, project)
    chance = random.Random(_digest(plans))  # noqa: S311 - a sample, and the same one for both persons
    chance.shuffle(plans)
    turns = [_series(ledger, plan.key) for plan in plans[:number]]
    for each in turns:
        chance.shuffle(each)
    found: list[Sample] = []
    for turn in range(max(map(len, turns), default=0)):
        for plan, each in zip(plans, turns, strict=False):
            if turn < len(each) and len(found) < number:
                found.append(_sample(ledger, project, plan.key, each[turn]))
    return found


def _series(ledger: Ledger, study: str) -> list[list[Instance]]:
    """The images held of a study, a list per series."""
    held: dict[str, list[Instance]] = {}
    for instance in studies.instances(ledger, study, "held"):
        held.setdefault(instance.series_key, []).append(instance)
    return list(held.values())


def _sample(ledger: Ledger, project: Project, key: str, images: Sequence[Instance]) -> Sample:
    study, series = studies.study(ledger, key), images[0].series_key
    known = next((one.attributes for one in study.series if one.key == series), {})
    file = project.workdir / "staging" / sorted(one.path for one in images)[len(images) // 2]
    header = _header(file)
    before = {**study.attributes, **known}
    lines = ((name, str(before.get(name, "")), str(header.get(name, ""))) for name in HEADER)
    told = tuple(line for line in lines if line[1] or line[2])
    return Sample(key, series, str(header.get("Modality", "")), len(images), file, told)


def _header(file: Path) -> Dataset:
    """The header of a cleaned image; an empty one where its file is missing: `pacsflow check` says so."""
    try:
        return dcmread(file, stop_before_pixels=True, specific_tags=list(HEADER))
    except Exception:  # noqa: BLE001 - what is wrong with a file does not end the account of the others
        return Dataset()


def _mistake(message: str, fix: str) -> ProjectError:
    return ProjectError.at("sign-off", message, fix)
