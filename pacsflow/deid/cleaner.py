"""One instance through the compiled profile: guarded, cleaned, marked, verified."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from pacsflow.deid import pixels
from pacsflow.deid.burned.boxes import Box
from pacsflow.deid.burned.brush import Brush
from pacsflow.deid.burned.finding import Seen, TextFinder
from pacsflow.deid.burned.painted import PaintedPassage, marks
from pacsflow.deid.compile_rules import BIRTH_DATE, SUBJECT
from pacsflow.deid.contract import UNTOUCHED, Cleaned, NotWantedError, OtherPatientError, Person, Source
from pacsflow.deid.encoding import normalize
from pacsflow.deid.encoding.charsets import decoded, encodings
from pacsflow.deid.encoding.dictionary import NEEDED
from pacsflow.deid.encoding.elements import Part, element
from pacsflow.deid.encoding.header import CHARSET, Header
from pacsflow.deid.encoding.part10 import file_head
from pacsflow.deid.encoding.walk import NotStrictError, Walk
from pacsflow.deid.encoding.walked import PATIENT_ID, walked
from pacsflow.deid.envelope.passage import Passage
from pacsflow.deid.envelope.picture import Picture
from pacsflow.deid.faults import fault
from pacsflow.deid.proof.verify import Finished, LeftoverError, Verifier
from pacsflow.deid.recipe import CompiledRecipe
from pacsflow.deid.recipe.application import added, given
from pacsflow.deid.rules import guards
from pacsflow.deid.rules.actions import Case, Date, Pseudonym
from pacsflow.deid.rules.face_guard import FaceGuard, refuse_single
from pacsflow.deid.rules.free_text import ProjectWords, Scrubber
from pacsflow.deid.rules.guards import BURNED_IN
from pacsflow.deid.rules.identity import Identity
from pacsflow.deid.rules.marking import METHOD, METHOD_CODES, Marking, earlier
from pacsflow.deid.rules.study_people import NOBODY, StudyPeople
from pacsflow.deid.rules.table import PIXELS, Rules
from pacsflow.deid.rules.uids import refuse_unknown
from pacsflow.deid.series_memory import LARGEST, SeriesMemory
from pacsflow.deid.splice import Splicer
from pacsflow.deid.streamed import clean_streamed
from pacsflow.errors import PacsflowError, RefusalError
from pacsflow.pseudonyms.patient_ids import comparable, placeholder

SOP_CLASS: Final = 0x00080016
SOP_INSTANCE: Final = 0x00080018
STUDY_DATE: Final = 0x00080020
STUDY: Final = 0x0020000D
SERIES: Final = 0x0020000E
ISSUER: Final = 0x00100021
OWN: Final = (
    0x00100010,  # PatientName
    0x00100020,  # PatientID
    0x00101000,  # OtherPatientIDs
    0x00101001,  # OtherPatientNames
    0x00101005,  # PatientBirthName
    0x00101040,  # PatientAddress
    0x00101060,  # PatientMotherBirthName
    0x00102154,  # PatientTelephoneNumbers
    0x00102297,  # ResponsiblePerson
    0x00080050,  # AccessionNumber
    0x00080080,  # InstitutionName
    0x00080081,  # InstitutionAddress
    0x00080090,  # ReferringPhysicianName
    0x00081010,  # StationName
    0x00081048,  # PhysiciansOfRecord
    0x00081050,  # PerformingPhysicianName
    0x00081060,  # NameOfPhysiciansReadingStudy
    0x00081070,  # OperatorsName
    0x00200010,  # StudyID
    0x00321032,  # RequestingPhysician
    0x00380010,  # AdmissionID
    0x00400006,  # ScheduledPerformingPhysicianName
    0x00401001,  # RequestedProcedureID
)
"""Scrubbed from free text: names, ids, address, phones, accession, institution, station, people of the study."""


@dataclass(frozen=True)
class Compiled:
    """Everything a profile comes to."""

    rules_for: Callable[[str], Rules]
    identity: Identity
    people: StudyPeople
    marking: Marking
    drop: tuple[guards.DropRule, ...]
    refuse_risky: bool
    cleans_text: bool
    verifier: Verifier | None
    sentences: tuple[str, ...]
    fingerprint: str
    former: str = ""
    recipe: CompiledRecipe | None = None
    private_uids: frozenset[str] = frozenset()
    """SOP classes and transfer syntaxes that no standard registers and the profile names."""
    project: ProjectWords = field(default_factory=ProjectWords)
    finder: TextFinder | None = None
    """Finds text in images that is to be masked; None where images at risk are refused or kept."""
    painted: Marking | None = None
    """What is marked where something was masked."""
    faces: FaceGuard = field(default_factory=FaceGuard)


def _unsearched(_: bytes) -> None:
    return


def _before(header: Header) -> bytes:
    """The dataset before its pixel data."""
    return header.head or bytes(header.view[: header.level.place(PIXELS)])


@lru_cache(1024)
def _scrubber(values: tuple[bytes, ...], charset: bytes, project: ProjectWords) -> Scrubber:
    return Scrubber.of((decoded(value, encodings(charset)) for value in values), project)


def _refuse_unwanted(source: Source, study_uid: str, patient_id: str, first_id: Callable[[str], str] = str) -> None:
    """Raise NotWantedError where the instance says that it is of another study or patient than it must be of."""
    if source.study_uid and study_uid not in ("", source.study_uid):
        raise NotWantedError("of another study than asked for")
    if source.whose or not source.patient_id:
        return
    wanted, said = (comparable(first_id(each)) for each in (source.patient_id, patient_id))
    if wanted != said and not any(map(placeholder, (source.patient_id, patient_id))):
        raise OtherPatientError("of another patient than asked for")


class _OneByOne(ABC):
    """What nobody thought of refuses one instance. As `faults_refused`, without its cost for each small file."""

    def clean(self, source: Source) -> Cleaned:
        """The instance by the profile. Raises RefusalError (reason code) where it must not leave."""
        try:
            return clean_streamed(self, source) if source.rest is not None else self._clean(source)
        except (PacsflowError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns one instance
            raise fault(error) from None

    @abstractmethod
    def _clean(self, source: Source) -> Cleaned: ...

    @abstractmethod
    def passage(self, source: Source) -> Passage:
        """As streamed.Streaming."""


class ProfileCleaner(_OneByOne):
    """Cleans instances by a compiled profile; the Cleaner of contract.py.

    It remembers instances to be fast (series_memory.py); no result hangs on that.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._memory = SeriesMemory()
        self._renames = SOP_INSTANCE in compiled.rules_for("").actions

    def _clean(self, source: Source) -> Cleaned:
        """The instance, de-identified and verified. Raises RefusalError (reason code) where it must not leave."""
        if source.transfer_syntax_uid == normalize.DEFLATED:
            source = normalize.inflated(source)
        original = source
        source, walk, header = walked(original)
        guards.refuse_dropped(header, self._compiled.drop)
        guards.refuse_without_pixels(header, source.sop_class_uid)
        if self._compiled.refuse_risky:
            guards.refuse_risky(header)
        recipe = self._compiled.recipe
        looks = self._compiled.refuse_risky or self._compiled.finder
        if looks and recipe and recipe.filters and guards.has_pixels(header):
            recipe.filters.refuse(header)
        try:
            return self._cleaned(original, source, walk, header)
        except NotStrictError as error:
            if source is not original:
                raise RefusalError(f"malformed: {error}") from None
            return self._slowly(original)

    def _slowly(self, original: Source) -> Cleaned:
        source, walk, header = walked(normalize.normalized(original))
        try:
            return self._cleaned(original, source, walk, header)
        except NotStrictError as error:
            raise RefusalError(f"malformed: {error}") from None

    def _cleaned(self, original: Source, source: Source, walk: Walk, header: Header) -> Cleaned:
        sop_class = header.text(SOP_CLASS) or original.sop_class_uid
        uids = [header.text(tag) for tag in (SOP_INSTANCE, STUDY, SERIES)]
        if not sop_class or not uids[0]:
            raise RefusalError("malformed: no SOP class or instance UID")
        rules = self._compiled.rules_for(sop_class)
        guards.refuse_documents(header, sop_class, rules.ruled)
        if (face := self._compiled.faces.seen(header)) and not original.with_series:
            raise refuse_single()
        person = self._person(header, uids[1], original)
        birth, exam = header.raw(BIRTH_DATE).strip(b" \0"), header.raw(STUDY_DATE)
        stays = isinstance(rules.actions.get(BIRTH_DATE), Date | type(None)) or birth == exam.strip(b" \0")
        case = Case(
            self._compiled.identity, person, self._scrubber(header), header.charsets(), study_uid=uids[1], exam=exam
        )
        case.birth = b"" if stays else birth
        before = _before(header) if self._compiled.verifier else b""
        hidden = self._hidden(source, walk, header)
        through = self._through(source, walk, header, rules, hidden or ())
        alike = before if header.level.shared and len(before) <= LARGEST else b""
        if self._compiled.recipe and self._compiled.recipe.workers:
            walk, header = given(self._compiled.recipe.workers, source, header)
            alike = b""
        splicer = Splicer(
            walk, header.view, rules, case, syntax=source.transfer_syntax_uid, head=alike, memory=self._memory
        )
        within = pixels.changes(header, through, rules, apart=source.apart)
        within |= marks(header, hidden, explicit=walk.explicit)
        new = [uid if SOP_INSTANCE not in rules.actions else self.uid(uid) for uid in uids]
        refuse_unknown(sop_class, source.transfer_syntax_uid, new, self._compiled.private_uids)
        meta = file_head(sop_class, new[0], source.transfer_syntax_uid)
        parts = self._parts(meta, header, splicer, before=before, within=within)
        remark = "" if person.patient_id else NOBODY
        return Cleaned(parts, new[0], new[1], new[2], person, remark=remark, face=face)

    def _hidden(self, source: Source, walk: Walk, header: Header) -> tuple[Box, ...] | None:
        """Boxes to be painted; None where only the pixel data, which is apart, can tell. Raises RefusalError."""
        if self._compiled.finder is None:
            return ()

        def values() -> list[str]:
            return [text for tag in OWN if (text := header.text(tag))]

        return self._compiled.finder.boxes(Seen(source, walk, header), values)

    def _through(
        self, source: Source, walk: Walk, header: Header, rules: Rules, hidden: tuple[Box, ...]
    ) -> Passage | None:
        """How the pixel data goes out, searched as it goes; None where there is none, or nothing to do."""
        if pixels.pixels_of(header.level) is None or (not hidden and pixels.plain(header, source)):
            return None
        verifier = self._compiled.verifier

        said = verifier.envelope(lambda: _before(header), explicit=walk.explicit) if verifier else _unsearched
        through = pixels.passage(header, source, rules, said)
        return PaintedPassage.through(through, Brush.of(header, hidden)) if hidden else through

    def passage(self, source: Source) -> Passage:
        """As streamed.Streaming. Raises RefusalError for an image without pixel data."""
        source, walk, header = walked(source)
        rules = self._compiled.rules_for(header.text(SOP_CLASS) or source.sop_class_uid)
        through = self._through(source, walk, header, rules, self._hidden(source, walk, header) or ())
        if through is None:
            raise RefusalError("malformed: an image without pixel data")
        return through

    def _scrubber(self, header: Header) -> Scrubber:
        """Only where the profile cleans text; it costs reading the identifiers."""
        if not self._compiled.cleans_text:
            return Scrubber()
        return _scrubber(tuple(filter(None, header.several(OWN))), header.raw(CHARSET), self._compiled.project)

    def _parts(
        self, meta: bytes, header: Header, splicer: Splicer, *, before: bytes, within: dict[int, bytes]
    ) -> list[Part]:
        """Verified buffers. Kept text that names the patient is emptied, unless a rule of the profile keeps it."""
        extra = within | self._extra(header, splicer, within)
        while True:
            head, pixels, behind = splicer.dataset(header.level, extra)
            try:
                if self._compiled.verifier:
                    self._compiled.verifier.check(before, Finished(meta, head, behind, splicer.walk.explicit))
            except LeftoverError as error:
                if not error.path or error.path in splicer.suspects or error.path[-1] in splicer.rules.ruled:
                    raise
                if error.path[0] in SUBJECT or error.path[-1] in NEEDED:
                    raise
                splicer = replace(splicer, suspects=splicer.suspects | {error.path})
                extra = within | self._extra(header, splicer, within)
            else:
                return [part for part in (meta + head, *pixels, behind) if part]

    def _extra(self, header: Header, splicer: Splicer, within: dict[int, bytes]) -> dict[int, bytes]:
        """Marking, and the pseudonym where the instance had neither name nor id."""
        walk, rules, person = splicer.walk, splicer.rules, splicer.case.person
        prior, method = splicer.items(header.level, METHOD_CODES), earlier(header.raw(METHOD), splicer.case)
        method = b"" if (METHOD,) in splicer.suspects else method
        recipe = self._compiled.recipe
        extra = added(recipe, header, splicer.case, explicit=walk.explicit) if recipe else {}
        marking = self._compiled.painted if BURNED_IN in within else self._compiled.marking
        extra |= dict((marking or self._compiled.marking).elements(method, prior, explicit=walk.explicit))
        pseudonym = person.pseudonym.encode("ascii")
        for tag, vr in zip(SUBJECT, ("PN", "LO"), strict=True):
            if tag not in extra and not header.raw(tag) and isinstance(rules.actions.get(tag), Pseudonym):
                extra[tag] = element(tag, vr, pseudonym, explicit=walk.explicit)
        return extra

    def _person(self, header: Header, study_uid: str, source: Source) -> Person:
        """The person of the study. Raises RefusalError; NotWantedError before another one is bound to a study."""
        patient_id = header.text(PATIENT_ID)
        _refuse_unwanted(source, study_uid, patient_id, self._compiled.identity.first_id)
        return self._compiled.people.of(study_uid, *(source.whose or (patient_id, header.text(ISSUER))))

    def uid(self, uid: str) -> str:
        """The new UID of an original one; the same where the profile keeps those of instances."""
        return self._compiled.identity.uid(uid) if self._renames else uid

    def person(self, patient_id: str, issuer: str = "") -> Person:
        """Pseudonym and day shift of a patient. Raises RefusalError for an id that stands for nobody."""
        if placeholder(patient_id):
            raise RefusalError(NOBODY, fix="write the patient's own id")
        return self._compiled.identity.person(patient_id, issuer)

    def describe(self) -> list[str]:
        """The profile in sentences, for plan and report."""
        return list(self._compiled.sentences)

    def fingerprint(self) -> str:
        """Digest of profile, rules and table edition, for the record of the run."""
        return self._compiled.fingerprint

    def former(self) -> str:
        """As Cleaner.former: with `unlisted: keep`."""
        return self._compiled.former


class PassThrough(_OneByOne):
    """`base: none`: instances as received, in a file of their own. Identifiable."""

    def _clean(self, source: Source) -> Cleaned:
        """The dataset's bytes, untouched, behind new file meta information. Raises RefusalError."""
        meta = file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid)
        patient, issuer, study, series = self._told(source)
        _refuse_unwanted(source, study, patient)
        person = self.person(patient, issuer)
        return Cleaned([meta, source.dataset], source.sop_instance_uid, study, series, person)

    def passage(self, source: Source) -> Passage:
        """As streamed.Streaming: the pixel data passes byte by byte."""
        syntax = source.transfer_syntax_uid
        try:
            _, _, header = walked(source)
        except RefusalError:
            return Passage(Picture.unknown(), syntax, rewrite=False)
        return Passage(Picture.of(header), syntax, rewrite=False)

    def _told(self, source: Source) -> list[str]:
        """Patient, issuer, study and series, empty where the dataset cannot be read: it is passed on all the same."""
        try:
            source, _, header = walked(source)
        except RefusalError:
            return [""] * 4
        guards.refuse_without_pixels(header, source.sop_class_uid)
        pixels.judged(header, source)
        return [header.text(tag) for tag in (PATIENT_ID, ISSUER, STUDY, SERIES)]

    def uid(self, uid: str) -> str:
        """The same UID."""
        return uid

    def person(self, patient_id: str, issuer: str = "") -> Person:
        """The patient as they are."""
        return Person(patient_id, issuer, patient_id, 0)

    def describe(self) -> list[str]:
        """That nothing is done."""
        return list(UNTOUCHED)

    def fingerprint(self) -> str:
        """Digest that says so."""
        return hashlib.sha256(b"none").hexdigest()[:16]

    def former(self) -> str:
        """As Cleaner.former: nothing has changed."""
        return ""
