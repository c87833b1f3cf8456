"""One study, one person: whatever its instances say of their patient, they have one pseudonym and one day shift."""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Final, Protocol

from pacsflow.deid.contract import Person
from pacsflow.deid.rules.identity import Identity
from pacsflow.errors import RefusalError
from pacsflow.pseudonyms.patient_ids import comparable, placeholder
from pacsflow.vault import Link, Said

NOBODY: Final = "no patient id, or one that stands for nobody (as UNKNOWN): the patient is told apart by study"
"""What is said of images whose patient nothing names."""


class Book(Protocol):
    """Where it is written down whose study it is; see `Vault.bound` and `Vault.bind`. Thread-safe."""

    def bound(self, study_uid: str, said: Said) -> Link | None:
        """The link of a study for instances that say this, where it is known at once."""

    def bind(
        self, study_uid: str, said: Said, agrees: Callable[[Iterable[Said]], None], first: Link | None
    ) -> Link | None:
        """The link of a study; `first` where it has none yet. What `agrees` raises passes."""


class Memory:
    """A book for the time of one process."""

    def __init__(self) -> None:
        self._studies: dict[str, dict[Said, Link]] = {}
        self._lock = Lock()

    def bound(self, study_uid: str, said: Said) -> Link | None:
        """The link of a study for instances that say this."""
        with self._lock:
            return self._studies.get(study_uid, {}).get(said)

    def bind(
        self, study_uid: str, said: Said, agrees: Callable[[Iterable[Said]], None], first: Link | None
    ) -> Link | None:
        """The link of a study; `first` where it has none yet. What `agrees` raises passes."""
        with self._lock:
            known = self._studies.get(study_uid, {})
            if known and said not in known:
                agrees(known)
            link = next(iter(known.values()), first)
            if link is not None:
                self._studies.setdefault(study_uid, {})[said] = link
            return link


class StudyPeople:
    """Who the instances of studies are about. What is said first names the patient, and `book` remembers it."""

    def __init__(self, identity: Identity, book: Book) -> None:
        self._identity, self._book = identity, book

    def of(self, study_uid: str, patient_id: str, issuer: str) -> Person:
        """The person of a study's instance that says this of its patient.

        Raises RefusalError where other instances of the study are of somebody else, where nothing tells whose it is,
        and as `Identity.person`.
        """
        nobody = placeholder(patient_id)
        if not study_uid:
            if nobody:
                raise RefusalError("no patient id and no study: nothing tells whose it is", fix="complete its header")
            return self._identity.person(patient_id, issuer)
        said = ("", "") if nobody else (comparable(self._identity.first_id(patient_id)), comparable(issuer))
        link = self._book.bound(study_uid, said) or self._bind(study_uid, said, None)
        if link is None:
            identity = self._identity
            first = identity.unidentified(study_uid) if nobody else identity.person(patient_id, issuer)
            new = Link(first.patient_id, first.issuer, first.pseudonym, first.shift_days)
            link = self._bind(study_uid, said, new) or new
        return Person(link.patient_id, link.issuer, link.pseudonym, link.shift_days)

    def _bind(self, study_uid: str, said: Said, first: Link | None) -> Link | None:
        return self._book.bind(study_uid, said, lambda others: _agree(said, others), first)


def _agree(said: Said, others: Iterable[Said]) -> None:
    """Raise RefusalError where an id or an issuer is another one than the study has."""
    for place, what in enumerate(("patient ids", "issuers of one patient id")):
        if said[place] and any(other[place] not in ("", said[place]) for other in others):
            raise RefusalError(
                f"the study has two {what}: instances of one study are of one patient",
                fix="have the images corrected where they come from",
            )
