"""One instance through the compiled profile: guarded, cleaned, marked, verified."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from pacsflow.deid import guards, normalize
from pacsflow.deid.actions import Case, Pseudonym
from pacsflow.deid.contract import Cleaned, Person, Source
from pacsflow.deid.free_text import Scrubber
from pacsflow.deid.header import Header, decoded, encodings
from pacsflow.deid.identity import Identity
from pacsflow.deid.marking import METHOD, METHOD_CODES, Marking
from pacsflow.deid.part10 import file_head
from pacsflow.deid.profile import SUBJECT
from pacsflow.deid.recipe import CompiledRecipe
from pacsflow.deid.recipe.application import added, given
from pacsflow.deid.rules import PIXELS, Rules
from pacsflow.deid.shapes import Shapes
from pacsflow.deid.splice import Part, Splicer, element
from pacsflow.deid.streamed import clean_streamed
from pacsflow.deid.verify import Finished, LeftoverError, Verifier
from pacsflow.deid.walk import Aside, Walk
from pacsflow.errors import RefusalError

CHARSET: Final = 0x00080005
SOP_CLASS: Final = 0x00080016
SOP_INSTANCE: Final = 0x00080018
STUDY: Final = 0x0020000D
SERIES: Final = 0x0020000E
PATIENT_ID: Final = 0x00100020
ISSUER: Final = 0x00100021
OWN: Final = (
    0x00100010,
    0x00100020,
    0x00101000,
    0x00101001,
    0x00101005,
    0x00101040,
    0x00101060,
    0x00102154,
    0x00102297,
    0x00080050,
    0x00080080,
    0x00080081,
    0x00080090,
    0x00081010,
    0x00081048,
    0x00081050,
    0x00081060,
    0x00081070,
    0x00200010,
    0x00321032,
    0x00380010,
    0x00400006,
    0x00401001,
)
"""Scrubbed from free text: names, ids, address, phones, accession, institution, station, people of the study."""

_shapes = Shapes()


@dataclass(frozen=True)
class Compiled:
    """Everything a profile comes to."""

    rules_for: Callable[[str], Rules]
    identity: Identity
    marking: Marking
    drop: tuple[guards.DropRule, ...]
    refuse_risky: bool
    cleans_text: bool
    verifier: Verifier | None
    sentences: tuple[str, ...]
    fingerprint: str
    recipe: CompiledRecipe | None = None


def walked(source: Source) -> tuple[Source, Walk, Header]:
    """The instance in an encoding the walk takes, and its top level. Raises RefusalError `malformed: …`."""
    if source.transfer_syntax_uid not in (normalize.DEFLATED, normalize.BIG_ENDIAN):
        try:
            return source, *_walk(source)
        except Aside:
            pass
    source = normalize.normalized(source)
    try:
        return source, *_walk(source)
    except Aside as error:
        raise RefusalError(f"malformed: {error}") from None


def _walk(source: Source) -> tuple[Walk, Header]:
    walk = Walk(source.dataset, explicit=source.transfer_syntax_uid != normalize.IMPLICIT)
    return walk, Header(_shapes.dataset(walk), memoryview(source.dataset))


@lru_cache(1024)
def _scrubber(values: tuple[bytes, ...], charset: bytes) -> Scrubber:
    return Scrubber.of(decoded(value, encodings(charset)) for value in values)


class ProfileCleaner:
    """Cleans instances by a compiled profile; the Cleaner of contract.py. Holds no state of any instance."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._renames = SOP_INSTANCE in compiled.rules_for("").actions

    def clean(self, source: Source) -> Cleaned:
        """The instance, de-identified and verified. Raises RefusalError (reason code) where it must not leave."""
        if source.rest is not None:
            return clean_streamed(self.clean, source)
        original = source
        source, walk, header = walked(original)
        guards.refuse_dropped(header, self._compiled.drop)
        guards.refuse_without_pixels(header, source.sop_class_uid)
        if self._compiled.refuse_risky:
            guards.refuse_risky(header)
            if self._compiled.recipe and self._compiled.recipe.filters and guards.has_pixels(header):
                self._compiled.recipe.filters.refuse(header)
        try:
            return self._cleaned(original, source, walk, header)
        except Aside as error:
            if source is not original:
                raise RefusalError(f"malformed: {error}") from None
            return self._slowly(original)

    def _slowly(self, original: Source) -> Cleaned:
        source, walk, header = walked(normalize.normalized(original))
        try:
            return self._cleaned(original, source, walk, header)
        except Aside as error:
            raise RefusalError(f"malformed: {error}") from None

    def _cleaned(self, original: Source, source: Source, walk: Walk, header: Header) -> Cleaned:
        sop_class = header.text(SOP_CLASS) or original.sop_class_uid
        uids = [header.text(tag) for tag in (SOP_INSTANCE, STUDY, SERIES)]
        if not sop_class or not uids[0]:
            raise RefusalError("malformed: no SOP class or instance UID")
        rules = self._compiled.rules_for(sop_class)
        person = self._person(header, uids[1])
        case = Case(self._compiled.identity, person, self._scrubber(header), header.charsets())
        before = bytes(header.view[: header.level.place(PIXELS)]) if self._compiled.verifier else b""
        if self._compiled.recipe and self._compiled.recipe.workers:
            walk, header = given(self._compiled.recipe.workers, source, header)
        splicer = Splicer(walk, header.view, rules, case)
        new = [uid if SOP_INSTANCE not in rules.actions else self.uid(uid) for uid in uids]
        meta = file_head(sop_class, new[0], source.transfer_syntax_uid)
        parts = self._parts(meta, header, splicer, before=before)
        return Cleaned(parts, new[0], new[1], new[2], person)

    def _scrubber(self, header: Header) -> Scrubber:
        """Only where the profile cleans text; it costs reading the identifiers."""
        if not self._compiled.cleans_text:
            return Scrubber()
        return _scrubber(tuple(map(header.raw, OWN)), header.raw(CHARSET))

    def _parts(self, meta: bytes, header: Header, splicer: Splicer, *, before: bytes) -> list[Part]:
        """Verified buffers. Kept text that names the patient is emptied, unless a rule of the profile keeps it."""
        extra = self._extra(header, splicer)
        while True:
            head, pixels, behind = splicer.dataset(header.level, extra)
            try:
                if self._compiled.verifier:
                    self._compiled.verifier.check(before, Finished(meta, head, behind, splicer.walk.explicit))
            except LeftoverError as error:
                if error.tag is None or error.tag in {*SUBJECT, *splicer.suspects, *splicer.rules.ruled}:
                    raise
                splicer = replace(splicer, suspects=splicer.suspects | {error.tag})
            else:
                return [part for part in (meta + head, *pixels, behind) if part]

    def _extra(self, header: Header, splicer: Splicer) -> dict[int, bytes]:
        """Marking, and the pseudonym where the instance had neither name nor id."""
        walk, rules, person = splicer.walk, splicer.rules, splicer.case.person
        prior = splicer.items(header.level, METHOD_CODES)
        extra = added(self._compiled.recipe, header, splicer) if self._compiled.recipe else {}
        extra |= dict(self._compiled.marking.elements(header.raw(METHOD), prior, explicit=walk.explicit))
        pseudonym = person.pseudonym.encode("ascii")
        for tag, vr in zip(SUBJECT, ("PN", "LO"), strict=True):
            if tag not in extra and not header.raw(tag) and isinstance(rules.actions.get(tag), Pseudonym):
                extra[tag] = element(tag, vr, pseudonym, explicit=walk.explicit)
        return extra

    def _person(self, header: Header, study_uid: str) -> Person:
        patient_id = header.text(PATIENT_ID)
        if patient_id:
            return self._compiled.identity.person(patient_id, header.text(ISSUER))
        return self._compiled.identity.unidentified(study_uid)

    def uid(self, uid: str) -> str:
        """The new UID of an original one; the same where the profile keeps those of instances."""
        return self._compiled.identity.uid(uid) if self._renames else uid

    def person(self, patient_id: str, issuer: str = "") -> Person:
        """Pseudonym and day shift of a patient."""
        return self._compiled.identity.person(patient_id, issuer)

    def describe(self) -> list[str]:
        """The profile in sentences, for plan and report."""
        return list(self._compiled.sentences)

    def fingerprint(self) -> str:
        """Digest of profile and table edition, for the record of the run."""
        return self._compiled.fingerprint


class PassThrough:
    """`base: none`: instances as received, in a file of their own. Identifiable."""

    def clean(self, source: Source) -> Cleaned:
        """The dataset's bytes, untouched, behind new file meta information. Raises RefusalError."""
        if source.rest is not None:
            return clean_streamed(self.clean, source)
        meta = file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid)
        patient, issuer, study, series = self._told(source)
        person = self.person(patient, issuer)
        return Cleaned([meta, source.dataset], source.sop_instance_uid, study, series, person)

    def _told(self, source: Source) -> list[str]:
        """Patient, issuer, study and series, empty where the dataset cannot be read: it is passed on all the same."""
        try:
            _, _, header = walked(source)
        except RefusalError:
            return [""] * 4
        guards.refuse_without_pixels(header, source.sop_class_uid)
        return [header.text(tag) for tag in (PATIENT_ID, ISSUER, STUDY, SERIES)]

    def uid(self, uid: str) -> str:
        """The same UID."""
        return uid

    def person(self, patient_id: str, issuer: str = "") -> Person:
        """The patient as they are."""
        return Person(patient_id, issuer, patient_id, 0)

    def describe(self) -> list[str]:
        """That nothing is done."""
        return ["IDENTIFIABLE: instances are passed on as received, nothing is removed."]

    def fingerprint(self) -> str:
        """Digest that says so."""
        return hashlib.sha256(b"none").hexdigest()[:16]
