"""What replaces identity: UIDs, pseudonyms and day shifts, all computed from the project's key (RFC 2104)."""

import hmac
import re
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

from pacsflow.deid.contract import Person
from pacsflow.deid.vocabulary import WELL_KNOWN
from pacsflow.errors import RefusalError
from pacsflow.pseudonyms import NO_SHIFT, Pseudonyms
from pacsflow.pseudonyms.legal import shift_fault

if TYPE_CHECKING:
    from collections.abc import Callable


LONGEST_UID = 64

_PSEUDONYM = re.compile(r"[\x21-\x5b\x5d\x5f-\x7e]{1,64}")
"""ASCII without space, backslash and caret: legal as Patient ID and as Patient's Name."""


@dataclass(frozen=True)
class IdentityRules:
    """How pseudonyms, shifts and UIDs look."""

    prefix: str
    days: tuple[int, int]
    root: str
    shifts: bool
    table: Mapping[str, int] | None = None
    """Patient ID -> days, in place of keyed shifts."""
    first_ids: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Patient ID -> the first id of the same patient, where a table says that they are one person's."""


class Identity:
    """Keyed replacements. The same key gives the same, on any machine, in any order; without it nothing is learned."""

    def __init__(self, key: bytes, ways: IdentityRules, pseudonyms: Pseudonyms | None = None) -> None:
        self._key = key
        self._ways = ways
        self._pseudonyms = pseudonyms
        self._several = {*ways.first_ids, *ways.first_ids.values()}
        self.uid: Callable[[str], str] = lru_cache(65536)(self._uid)
        self.uids: Callable[[bytes], bytes] = lru_cache(65536)(self._uids)
        self.person: Callable[[str, str], Person] = lru_cache(4096)(self._person)

    def digest(self, *parts: str) -> bytes:
        """HMAC-SHA256 of the parts, told apart by their lengths."""
        message = "".join(f"{len(part)}:{part}" for part in parts)
        return hmac.digest(self._key, message.encode("utf-8", "surrogateescape"), "sha256")

    def study_key(self, name: str, study_uid: str) -> bytes:
        """What takes the place of an id of a study: legal as SH (PS3.5 6.2), 16 letters and digits."""
        return b32encode(self.digest(name, study_uid)[:10]) if study_uid else b""

    def unidentified(self, study_uid: str) -> Person:
        """Who an instance is about that has no PatientID, or one that stands for nobody: its study's patient.

        Raises RefusalError where pseudonyms are not keyed: no other source knows such a patient.
        """
        return self._person("", "", f"study {study_uid}")

    def _uids(self, value: bytes) -> bytes:
        """The value of a UI element, each UID replaced."""
        return "\\".join(self.uid(uid.strip(" \0")) for uid in value.decode("latin-1").split("\\")).encode("ascii")

    def _uid(self, uid: str) -> str:
        if uid in WELL_KNOWN or not uid:
            return uid
        raw = bytearray(self.digest("uid", uid)[:16])
        raw[6] = raw[6] & 0x0F | 0x80  # UUID version 8, RFC 9562 5.8
        raw[8] = raw[8] & 0x3F | 0x80
        number = str(int.from_bytes(raw, "big"))
        return f"{self._ways.root}.{number[: LONGEST_UID - len(self._ways.root) - 1]}"

    def _person(self, patient_id: str, issuer: str, instead: str = "") -> Person:
        who = instead or patient_id
        several = patient_id in self._several
        shift_days = self._shift_of_all(patient_id) if several else self._shift(issuer, who)
        if self._pseudonyms is None:
            pseudonym = self._ways.prefix + b32encode(self.digest("patient", issuer, who)[:10]).decode()
            return Person(patient_id, issuer, pseudonym, shift_days)
        if not patient_id:
            raise RefusalError(
                "no patient id, or one that stands for nobody", fix="only keyed pseudonyms can be given without one"
            )
        given = self._pseudonyms(patient_id, issuer, shift_days)
        if given is None or not _PSEUDONYM.fullmatch(given.pseudonym):
            raise RefusalError("pseudonym: none for this patient", fix="have its source give the patient one")
        if self._ways.shifts and (fault := shift_fault(given.shift_days)):
            raise RefusalError(fault, fix="have its source give the patient a shift of a day or more")
        return Person(patient_id, issuer, given.pseudonym, given.shift_days)

    def first_id(self, patient_id: str) -> str:
        """The id by which a patient with several is compared; any other id as it is."""
        return self._ways.first_ids.get(patient_id, patient_id)

    def _shift_of_all(self, patient_id: str) -> int:
        """The shift of a patient with several ids, of whatever issuers. Raises RefusalError where they have two."""
        first = self.first_id(patient_id)
        shifts = {each: self._shift("", each) for each in {first, patient_id} if each in (self._ways.table or {first})}
        if len(set(shifts.values())) > 1:
            fix = "give all ids of a patient the same days in `dates.file`, run again"
            raise RefusalError("pseudonym: two ids of one patient have two day shifts", fix=fix)
        return shifts[first] if first in shifts else self._shift("", patient_id)

    def _shift(self, issuer: str, who: str) -> int:
        """Days that the dates move, never 0. Raises RefusalError where the table has none, or 0."""
        if not self._ways.shifts:
            return 0
        if self._ways.table is not None:
            if who not in self._ways.table:
                raise RefusalError(NO_SHIFT, fix="complete the table of `dates.file`, run again")
            if fault := shift_fault(self._ways.table[who]):
                raise RefusalError(fault, fix="give the patient another one in `dates.file`, run again")
            return self._ways.table[who]
        first, last = self._ways.days
        for draw in count():  # a shift of no day is drawn again: it would leave the true dates, marked as modified
            again = (str(draw),) if draw else ()
            days = first + int.from_bytes(self.digest("shift", issuer, who, *again), "big") % (last - first + 1)
            if days or first == last:
                break
        return days
