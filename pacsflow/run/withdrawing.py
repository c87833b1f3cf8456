"""Take away what was delivered: from each target that can, and say which cannot and what to do there."""

import json
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pacsflow.errors import ProjectError
from pacsflow.ledger import acts, outcomes, rows, summary, withdrawals
from pacsflow.query.excluded import comparable
from pacsflow.run.barring import WITHDRAWN, barred, patient_digest
from pacsflow.run.delivering import finish
from pacsflow.run.people.held_pictures import kept_pictures
from pacsflow.run.removal import STAGING, Removal, forget, taken_away
from pacsflow.run.session import Session
from pacsflow.run.stores import key_of
from pacsflow.staging import PRIVATE, write_text
from pacsflow.version import __version__
from pacsflow.wording import counted


@dataclass
class Withdrawal:
    """What was asked, and what became of each study, by its keyed digest."""

    what: str
    by: str
    began: float = field(default_factory=time.time)
    studies: dict[str, list[Removal]] = field(default_factory=dict)
    links: int = 0
    notes: list[str] = field(default_factory=list)
    certificate: Path | None = None

    @property
    def stays(self) -> list[tuple[str, Removal]]:
        """(study, removal) of all that is left somewhere."""
        return [(key, one) for key, all_of in self.studies.items() for one in all_of if one.kept]


@dataclass(frozen=True)
class WithdrawRequest:
    """What is to be withdrawn: one of a row (by id or number), a patient, a study, all that no row wants.

    `gone`: names of targets of which a person says that everything was deleted there by hand.
    """

    row: str = ""
    patient: str = ""
    study: str = ""
    unwanted: bool = False
    gone: tuple[str, ...] = ()


def withdraw(run: Session, wish: WithdrawRequest, *, by: str) -> Withdrawal:
    """Take away what a wish names, and remember that it is not to come back. Raises ProjectError for nothing named."""
    if unknown := set(wish.gone) - {delivery.target for _, delivery in outcomes.everywhere(run.ledger)}:
        known = sorted({delivery.target for _, delivery in outcomes.everywhere(run.ledger)})
        raise _mistake(f"no target is called {', '.join(sorted(unknown))}", f"delivered was to {', '.join(known)}")
    done = Withdrawal(_named(wish), by)
    for key in _let_go(run, wish, done):
        done.studies[key] = taken_away(run, key, wish.gone)
    return _ended(run, done)


def withdraw_excluded(run: Session) -> Withdrawal | None:
    """Take away what is here and at targets of excluded patients; None where there is nothing of them.

    What rows found of them before they were excluded is let go, so that it is not fetched either.
    """
    held = {key for key, _ in outcomes.everywhere(run.ledger)} | _held(run)
    free = withdrawals.unwanted(run.ledger)
    known = summary.studies(run.ledger)
    people = withdrawals.patients(run.ledger)
    found = {
        key: why
        for key, patient in people.items()
        if (key in held or key not in free) and (why := barred(run.ledger, run.exclusions, patient, _uid(known, key)))
    }
    for key in found.keys() - held:
        withdrawals.let_go(run.ledger, key, found[key])
    _forget_pictures(run, found.keys() - held)
    if not found.keys() & held:
        return None
    done = Withdrawal("exclusions", "the project's exclusions")
    for key in sorted(found.keys() & held):
        finish(run, key)
        why = found[key]
        withdrawals.let_go(run.ledger, key, why)
        done.studies[key] = taken_away(run, key)
    return _ended(run, done)


def _ended(run: Session, done: Withdrawal) -> Withdrawal:
    """The withdrawal, its patients forgotten, its certificate written, its line in the audit trail.

    What was taken away stands in the certificate before the ledger forgets it: a killed withdrawal leaves both or one.
    """
    write_certificate(run, done, under_way=True)
    for key, found in done.studies.items():
        forget(run, key, found)
    _forget_people(run, done)
    if number := _forget_pictures(run, done.studies):
        done.notes.append(f"{counted(number, 'picture')} of `pacsflow review` deleted")
    done.certificate = write_certificate(run, done)
    left = f", {len(done.stays)} stay somewhere" if done.stays else ""
    about = f"{done.what}: {counted(len(done.studies), 'study', 'studies')}{left}; {done.certificate.name}"
    acts.note(run.ledger, acts.Act("withdraw", done.by, about))
    return done


def _uid(known: Any, key: str) -> str:
    return str(known[key].attributes.get("StudyInstanceUID", ""))


def _held(run: Session) -> set[str]:
    return {key for key, study in summary.studies(run.ledger).items() if any(s.counts["held"] for s in study.series)}


def _named(wish: WithdrawRequest) -> str:
    kinds = {"row": wish.row, "patient": wish.patient, "study": wish.study, "what no row wants": wish.unwanted}
    return next(kind for kind, said in kinds.items() if said)


def _let_go(run: Session, wish: WithdrawRequest, done: Withdrawal) -> list[str]:
    """Have the rows not take it any more; the keys of the studies that no row wants then."""
    ledger = run.ledger
    if wish.unwanted:
        if left := rows.to_find(ledger):
            raise _mistake(
                f"{counted(len(left), 'row is', 'rows are')} not answered yet, so it is not known what they want",
                "pacsflow plan PROJECT first",
            )
        free = withdrawals.unwanted(ledger) & ({key for key, _ in outcomes.everywhere(ledger)} | _held(run))
        for key in free:
            finish(run, key)
        return sorted(free)
    if wish.row:
        found = _of_row(run, wish.row, done.by)
        free = withdrawals.unwanted(ledger)
        if shared := [key for key, decision in found.items() if key not in free and decision != "drop"]:
            done.notes.append(f"{counted(len(shared), 'study stays', 'studies stay')}, as other rows want them")
            for key in shared:
                done.studies[key] = [Removal("rows", (), 1, "other rows want it", "withdraw them, or --study")]
        return [key for key in found if key in free]
    if wish.patient:
        keys = _of_patient(run, wish.patient, done)
        withdrawals.note_withdrawn(ledger, [("patient", patient_digest(ledger, wish.patient))], by=done.by)
    else:
        uids = {wish.study, ledger.digest("study", wish.study)}
        keys = [key for key in withdrawals.patients(ledger) if key in uids]
        if not keys:
            raise _mistake("no study has that name", "write it as the plan names it, or its Study Instance UID")
        withdrawals.note_withdrawn(ledger, [("study", key) for key in keys], by=done.by)
    for key in keys:
        finish(run, key)
        withdrawals.let_go(ledger, key, WITHDRAWN)
    return sorted(keys)


def _of_patient(run: Session, named: str, done: Withdrawal) -> list[str]:
    """Keys of the studies of a patient. Raises ProjectError where nothing here is of that Patient ID.

    Of an ID that differs by zeros at its front nobody knows whether it is another patient's: these are named.
    """
    people, wanted = withdrawals.patients(run.ledger), comparable(named)
    found = {comparable(patient) for patient in people.values()}
    asked = {comparable(str(row.keys.get("PatientID", ""))) for row in run.rows}
    near = {one for one in (found | asked) - {wanted} if one and one.lstrip("0") == wanted.lstrip("0")}
    alike = [key for key, patient in people.items() if comparable(patient) in near]
    told = f"{counted(len(alike), 'study is', 'studies are')} of an ID that differs by zeros at its front"
    if not wanted or wanted not in found | asked:
        why = f"; {told}" if alike else ""
        fix = "write it with all its zeros, as the plan does; `exclusions` in query.yaml is for who is not here yet"
        raise _mistake(f"nothing here is of a patient of that ID{why}", fix)
    if alike:
        done.notes.append(f"{told}, and is not withdrawn: if it is the same patient, name that ID too")
    if wanted not in found:
        done.notes.append("nothing of the patient was found so far; the rows are not asked any more")
    return [key for key, patient in people.items() if comparable(patient) == wanted]


def _of_row(run: Session, named: str, by: str) -> dict[str, str]:
    """Study key -> decision before, of the studies of a row, which takes none of them any more."""
    listed = next((r for r in summary.rows(run.ledger) if named in (r.id, f"row {r.number}")), None)
    row_id = listed.id if listed else named
    keys = withdrawals.studies_of_row(run.ledger, row_id)
    if listed is None and not keys:
        raise _mistake("no row has that id", "pacsflow status PROJECT lists what lies at targets; or --study KEY")
    for key in keys:
        finish(run, key)
    if listed:
        rows.settle(run.ledger, row_id, {}, by=by)
    else:
        for key in keys:
            withdrawals.let_go(run.ledger, key, WITHDRAWN, row_id=row_id)
    return keys


def _forget_people(run: Session, done: Withdrawal) -> None:
    """Take the patients out of the vault of whom nothing is left anywhere."""
    if run.vault is None:
        return
    known, links = summary.studies(run.ledger), run.vault.studies()
    somewhere = {key for key, _ in outcomes.everywhere(run.ledger)}
    free = withdrawals.unwanted(run.ledger)
    needed = {link for uid, link in links.items() if (key := run.ledger.digest("study", uid)) in known and
              (key in somewhere or key not in free)}  # fmt: skip
    mine = {links[uid] for key in done.studies if (uid := _uid(known, key)) in links}
    for link in mine - needed:
        done.links += bool(run.vault.forget(link))
    if mine & needed:
        done.notes.append("the vault keeps the link of a patient of whom something is left, or another row wants more")


def _forget_pictures(run: Session, keys: Collection[str]) -> int:
    """Delete the pictures that wait for a look at images of some studies; how many."""
    kept = kept_pictures(run.project, key_of(run.project)) if keys else None
    if kept is None:
        return 0
    known = summary.studies(run.ledger)
    return sum(map(kept.forget, sorted({_uid(known, key) for key in keys} - {""})))


def write_certificate(run: Session, done: Withdrawal, *, under_way: bool = False) -> Path:
    """Write what was taken away, from where and when: hashes and counts, no identifier, no path, no pseudonym.

    `under_way`: the ledger still knows it; such a certificate is not complete, and is written over at the end.
    """
    moment = datetime.fromtimestamp(done.began, UTC)
    facts = {
        "version": 1,
        "project": run.project.settings.name,
        "pacsflow": __version__,
        "withdrawn": done.what,
        "by": done.by,
        "began": moment.isoformat(timespec="seconds"),
        "ended": None if under_way else datetime.now(UTC).isoformat(timespec="seconds"),
        "complete": not done.stays and not under_way,
        "links taken out of the vault": done.links,
        "notes": done.notes,
        "studies": [
            {"study": key, "places": [_plain(one) for one in found if _tells(one)]}
            for key, found in done.studies.items()
        ],
    }
    name = f"withdrawn-{moment:%Y%m%dT%H%M%S%fZ}.json"
    run.reports.mkdir(parents=True, exist_ok=True)
    return write_text(run.reports / name, json.dumps(facts, indent=1), PRIVATE)


def _tells(one: Removal) -> bool:
    return bool(one.gone or one.kept or one.place == STAGING)


def _plain(one: Removal) -> dict[str, Any]:
    facts: dict[str, Any] = {"place": one.place, "files": len(one.gone) - one.lacking, "left": one.kept}
    if one.lacking:
        facts["not there any more"] = one.lacking
    if one.delivered:
        facts["delivered"] = datetime.fromtimestamp(one.delivered, UTC).isoformat(timespec="seconds")
    if one.why:
        facts["why"] = one.why
    return {**facts, "sha256": sorted(digest for _, digest, _ in one.gone)}


def _mistake(message: str, fix: str) -> ProjectError:
    return ProjectError.at("withdraw", message, fix)
