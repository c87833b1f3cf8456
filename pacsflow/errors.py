"""One tree of errors.

    PacsflowError                 exit  transient
    ├─ ProjectError                 2      no     the project folder: all problems at once
    ├─ SecretError                  3      no     a secret reference that leads nowhere
    ├─ KeyMismatchError             4      no     the project's key is not the one the ledger was begun with
    ├─ LedgerError                  5      no     the ledger cannot be read or belongs to another project
    ├─ PacsError                    6      -      the PACS
    │  ├─ PacsTransientError        6      yes    refused for now, unreachable, cut off
    │  └─ PacsPermanentError        6      no     will not work as asked
    ├─ RefusalError                 7      no     one instance, series or study is refused, with a reason
    ├─ TargetError                  8      -      an export target
    ├─ ConverterStoppedError        9      yes    a converter was stopped from outside
    ├─ ServiceError                10      -      the service of pseudonyms
    ├─ ServerError                 11      no     Prefect's server does not answer, or does not start
    ├─ PausedError                 75      no     outside the node's hours; the next run goes on
    ├─ StoppedError           130, 143      no     stopped by Ctrl-C or SIGTERM; the next run goes on
    └─ WorkLeftError                1      no     the run ended, but not all rows are done

Messages are built from facts that may be seen: never a patient's identifier, a dataset, a token or a
response body. Each error carries the remedy: what the user can do.
"""

from dataclasses import dataclass
from typing import Any

UNABLE = range(0xC000, 0xD000)
"""Statuses of "unable to process" (PS3.4 C.4.1.1.4, C.4.2.1.5): of what was asked for, maybe, and not of anything."""


class PacsflowError(Exception):
    """Anything expected that stops an action. `remedy` says how to mend it."""

    exit_code = 1
    transient = False

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in a project folder: where it is, what is wrong, what to write instead.

    `line` is 1-based; 0 where there is none. `message` holds no value of an identifier column.
    """

    file: str
    line: int
    field: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.field + ': ' if self.field else ''}{self.message}" + (
            f" -> {self.remedy}" if self.remedy else ""
        )


class ProjectError(PacsflowError):
    """A project folder with mistakes; `problems` holds all of them."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)), remedy="mend the lines named, then run again")

    @classmethod
    def at(cls, file: str, message: str, remedy: str = "", *, line: int = 0, field: str = "") -> "ProjectError":
        """The error of a single mistake, as `Problem` describes it."""
        return cls([Problem(file, line, field, message, remedy)])


class SecretError(PacsflowError):
    """A secret reference that leads nowhere."""

    exit_code = 3


class KeyMismatchError(PacsflowError):
    """The project's key is not the one the ledger was begun with."""

    exit_code = 4


class LedgerError(PacsflowError):
    """The ledger cannot be used."""

    exit_code = 5


class PacsError(PacsflowError):
    """The PACS did not do what was asked. `status` is the DIMSE status (PS3.7 C), where there was one.

    `answers`: how many a node gave before it said that it gives no more; 0 where it said nothing of the kind.
    `partial`: these answers, where they are known; who catches the error takes them away, as they tell of patients.
    """

    exit_code = 6

    def __init__(self, message: str, *, remedy: str = "", status: int | None = None, answers: int = 0) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.answers = answers
        self.partial: list[Any] = []

    @property
    def withholds(self) -> bool:
        """Whether the node itself said, by its status, that it gives a part only, or does not answer what was asked.

        Some say of what they never answer that they are unable to process it (Cxxx), which may also pass.
        """
        return bool(self.answers) or (self.status is not None and (not self.transient or self.status in UNABLE))


class PacsTransientError(PacsError):
    """It may work later: refused for now, unreachable, cut off."""

    transient = True


class PacsPermanentError(PacsError):
    """It will not work as asked."""


class RefusalError(PacsflowError):
    """One instance, series or study is refused; `reason` is a short code that ends in the ledger."""

    exit_code = 7

    def __init__(self, reason: str, message: str = "", *, remedy: str = "") -> None:
        super().__init__(message or reason, remedy=remedy)
        self.reason = reason


class TargetError(PacsflowError):
    """An export target did not take what it was given."""

    exit_code = 8

    def __init__(self, message: str, *, remedy: str = "", transient: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.transient = transient


class ConverterStoppedError(PacsflowError):
    """A converter was stopped from outside, for want of memory or by a person. Nothing is known of the series."""

    exit_code = 9
    transient = True


class ServiceError(PacsflowError):
    """The service of pseudonyms cannot be asked, or does not answer as it should."""

    exit_code = 10

    def __init__(self, message: str, *, remedy: str = "", transient: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.transient = transient


class ServerError(PacsflowError):
    """Prefect's server does not answer, or a temporary one does not start."""

    exit_code = 11


class PausedError(PacsflowError):
    """The node may not be asked at this hour. Nobody need do anything: a later run goes on."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class WorkLeftError(PacsflowError):
    """The run ended, but rows are held, unmatched, incomplete or failed."""


class StoppedError(PacsflowError):
    """Stopped by a signal, as by Ctrl-C. What is done stays done."""

    def __init__(self, signal: int) -> None:
        super().__init__("stopped", remedy="run it again and it goes on: only what is missing is asked for")
        self.exit_code = 128 + signal
