"""What goes in and what comes out of de-identification."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from pacsflow.errors import RefusalError

UNTOUCHED: Final = ("IDENTIFIABLE: instances are passed on as received, nothing is removed.",)
"""`base: none` in sentences."""


class NotWantedError(RefusalError):
    """The instance is of another patient or study than it must be of."""


class OtherPatientError(NotWantedError):
    """The instance says that it is of another patient than its study."""


@dataclass(frozen=True)
class Source:
    """One instance as it came: encoded dataset without preamble and file meta information.

    Of a large one `dataset` is the beginning, and `rest` gives what follows, piece by piece, once. `apart`: the value
    of the pixel data is left out of `dataset`, as it passes by.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    dataset: bytes | memoryview
    rest: Iterator[memoryview] | None = None
    apart: bool = False
    patient_id: str = field(default="", repr=False)
    study_uid: str = field(default="", repr=False)
    """Of whom and of which study it must be, where that is known; '' where it is not."""
    whose: tuple[str, str] | None = field(default=None, repr=False)
    """Patient id and issuer of the study, which hold whatever the instance says: a person has said so."""
    with_series: bool = False
    """Whether what takes the instance holds the series until a face in it is removed, and writes nothing before."""


@dataclass(frozen=True)
class Person:
    """What the vault records of a patient. Identifying: never in a log."""

    patient_id: str
    issuer: str
    pseudonym: str
    shift_days: int


@dataclass(frozen=True)
class Cleaned:
    """A whole Part 10 file as a list of buffers to be written one after the other (os.writev).

    Buffers may be slices of the source: write them before the source goes away. Of a large instance `rest` gives what
    follows `parts`, once, each piece until the next one is asked for; it may end in a RefusalError, and what was
    written of the file must then go.
    """

    parts: Sequence[bytes | memoryview]
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    person: Person
    rest: Iterable[bytes | memoryview] = ()
    remark: str = ""
    """What a person should know of the instance, although it is cleaned; holds nothing of the patient."""
    face: str = ""
    """Whether its pixels may show a face, which is still there: likely, unlikely, or '' for no."""


class Cleaner(Protocol):
    """A profile, compiled once per run. Thread-safe."""

    def clean(self, source: Source) -> Cleaned:
        """The instance, de-identified and verified. Raises RefusalError (reason code) where it must not leave."""

    def uid(self, uid: str) -> str:
        """The new UID of an original one."""

    def person(self, patient_id: str, issuer: str = "") -> Person:
        """Pseudonym and day shift of a patient."""

    def describe(self) -> list[str]:
        """The profile in sentences, for plan and report."""

    def fingerprint(self) -> str:
        """Digest of profile, rules and table edition, for the record of the run."""

    def former(self) -> str:
        """Digest of the same profile before `unlisted` could be said, where a project may go on from it; else empty."""
