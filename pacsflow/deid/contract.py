"""What goes in and what comes out of de-identification."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Source:
    """One instance as it came: encoded dataset without preamble and file meta information.

    Of a large one `dataset` is the beginning, and `rest` gives what follows, piece by piece, once.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    dataset: bytes | memoryview
    rest: Iterator[memoryview] | None = None


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
        """Digest of profile and table edition, for the record of the run."""
