"""What replaces identity: UIDs, pseudonyms and day shifts, all computed from the project's key (RFC 2104)."""

import hmac
import re
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pydicom._uid_dict import UID_dictionary

from pacsflow.deid.contract import Person
from pacsflow.errors import RefusalError
from pacsflow.pseudonyms import NO_SHIFT, Pseudonyms

if TYPE_CHECKING:
    from collections.abc import Callable

WELL_KNOWN = frozenset(map(str, UID_dictionary))
"""UIDs that PS3.6 Annex A registers: SOP classes, transfer syntaxes, well-known frames of reference."""

LONGEST_UID = 64

_PSEUDONYM = re.compile(r"[\x21-\x5b\x5d\x5f-\x7e]{1,64}")
"""ASCII without space, backslash and caret: legal as Patient ID and as Patient's Name."""


@dataclass(frozen=True)
class Ways:
    """How pseudonyms, shifts and UIDs look."""

    prefix: str
    days: tuple[int, int]
    root: str
    shifts: bool
    table: Mapping[str, int] | None = None
    """Patient ID -> days, in place of keyed shifts."""


class Identity:
    """Keyed replacements. The same key gives the same, on any machine, in any order; without it nothing is learned."""

    def __init__(self, key: bytes, ways: Ways, pseudonyms: Pseudonyms | None = None) -> None:
        self._key = key
        self._ways = ways
        self._pseudonyms = pseudonyms
        self.uid: Callable[[str], str] = lru_cache(65536)(self._uid)
        self.uids: Callable[[bytes], bytes] = lru_cache(65536)(self._uids)
        self.person: Callable[[str, str], Person] = lru_cache(4096)(self._person)

    def digest(self, *parts: str) -> bytes:
        """HMAC-SHA256 of the parts, told apart by their lengths."""
        message = "".join(f"{len(part)}:{part}" for part in parts)
        return hmac.digest(self._key, message.encode("utf-8", "surrogateescape"), "sha256")

    def unidentified(self, study_uid: str) -> Person:
        """Who an instance without a PatientID is about: as far as anyone can tell, its study's patient."""
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
        shift_days = self._shift(issuer, who)
        if self._pseudonyms is None:
            pseudonym = self._ways.prefix + b32encode(self.digest("patient", issuer, who)[:10]).decode()
            return Person(patient_id, issuer, pseudonym, shift_days)
        if not patient_id:
            raise RefusalError("no patient id", remedy="only keyed pseudonyms can be given without one")
        given = self._pseudonyms(patient_id, issuer, shift_days)
        if given is None or not _PSEUDONYM.fullmatch(given.pseudonym):
            raise RefusalError("pseudonym: none for this patient", remedy="have its source give the patient one")
        return Person(patient_id, issuer, given.pseudonym, given.shift_days)

    def _shift(self, issuer: str, who: str) -> int:
        if not self._ways.shifts:
            return 0
        if self._ways.table is not None:
            if who not in self._ways.table:
                raise RefusalError(NO_SHIFT, remedy="complete the table of `dates.file`, run again")
            return self._ways.table[who]
        first, last = self._ways.days
        return first + int.from_bytes(self.digest("shift", issuer, who), "big") % (last - first + 1)
