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
    ├─ DifferenceError             12      no     what was delivered differs from what the originals give
    ├─ UnsupportedError            13      no     what this operating system does not have
    ├─ PolicyError                 14      no     the policy of this machine's worker does not let it
    ├─ RoomError                   15      no     what is left to fetch does not fit on a disk
    ├─ ArgumentError                2      no     what a Python call was given is not right
    ├─ IncompleteError              1      no     not all that was asked for came, or came and was refused
    ├─ PausedError                 75      no     outside the node's hours; the next run goes on
    ├─ BusyError                   75      no     another run of the project is at work, and would be disturbed
    ├─ StoppedError           130, 143      no     stopped by Ctrl-C or SIGTERM; the next run goes on
    └─ WorkLeftError                1      no     the run ended, but not all rows are done

Messages are built from facts that may be seen: never a patient's identifier, a dataset, a token or a
response body. Each error carries the fix: what the user can do.
"""

from dataclasses import dataclass
from typing import Any

UNABLE = range(0xC000, 0xD000)
"""Statuses of "unable to process" (PS3.4 C.4.1.1.4, C.4.2.1.5): of what was asked for, maybe, and not of anything."""
MOST_TOLD = 100
"""Mistakes that the text of an error names."""


class PacsflowError(Exception):
    """Anything expected that stops an action. `fix` says how to fix it."""

    exit_code = 1
    transient = False

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class PacsflowWarning(UserWarning):
    """What whoever calls from Python should know, and that is no error. Holds nothing that tells who patients are."""


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in a project folder: where it is, what is wrong, what to write instead.

    `line` is 1-based; 0 where there is none. `message` holds no value of an identifier column. `cell`: the address of
    the cell in its sheet (B7), where there is one.
    """

    file: str
    line: int
    field: str
    message: str
    fix: str = ""
    cell: str = ""

    @property
    def where(self) -> str:
        """File, line and cell."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where} ({self.cell})" if self.cell else where

    def __str__(self) -> str:
        return f"{self.where}: {self.field + ': ' if self.field else ''}{self.message}" + (
            f" -> {self.fix}" if self.fix else ""
        )


class ProjectError(PacsflowError):
    """A project folder with mistakes; `problems` holds all of them."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        told = [str(problem) for problem in self.problems[:MOST_TOLD]]
        if (more := len(self.problems) - len(told)) > 0:
            told.append(f"and {more:,} more")
        super().__init__("\n".join(told), fix="fix the lines named, then run again")

    @classmethod
    def at(cls, file: str, message: str, fix: str = "", *, line: int = 0, field: str = "") -> "ProjectError":
        """The error of a single mistake, as `Problem` describes it."""
        return cls([Problem(file, line, field, message, fix)])


class ArgumentError(PacsflowError):
    """What a call of the Python interface was given is not right; nothing was asked of the PACS."""

    exit_code = 2


class IncompleteError(PacsflowError):
    """Not all that was asked for came whole, or answers may be a part only.

    `missing` and `refused` count instances; `reasons` says why, each with the number of instances or studies it is
    about. Nothing in it tells who the patients are.
    """

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        missing: int = 0,
        refused: int = 0,
        reasons: dict[str, int] | None = None,
    ) -> None:
        super().__init__(message, fix=fix)
        self.missing, self.refused, self.reasons = missing, refused, dict(reasons or {})


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

    `answers`: how many a node gave before it said that it gives no more; 0 where it did not.
    `http` is the status of a web service, 0 where there was none.
    `partial`: these answers, where they are known; catch and remove them: they describe patients.
    """

    exit_code = 6

    def __init__(self, message: str, *, fix: str = "", status: int | None = None, answers: int = 0) -> None:
        super().__init__(message, fix=fix)
        self.status = status
        self.answers = answers
        self.partial: list[Any] = []
        self.http = 0

    @property
    def withholds(self) -> bool:
        """Whether the node itself said, by its status, that it gives a part only, or does not answer what was asked.

        Some say of what they never answer that they are unable to process it (Cxxx), which may also pass.
        """
        return bool(self.answers) or (self.status is not None and (not self.transient or self.status in UNABLE))


class PacsTransientError(PacsError):
    """It may work later: refused for now, unreachable, cut off."""

    transient = True


class BrokenError(PacsTransientError):
    """The association broke or can no longer be used; the request under way is not complete."""


class PacsPermanentError(PacsError):
    """It will not work as asked."""


class UnsureError(PacsPermanentError):
    """Answers came, and it is not known whether they are all: `partial` holds them."""


class RefusalError(PacsflowError):
    """One instance, series or study is refused; `reason` is a short code that ends in the ledger."""

    exit_code = 7

    def __init__(self, reason: str, message: str = "", *, fix: str = "") -> None:
        super().__init__(message or reason, fix=fix)
        self.reason = reason


class TargetError(PacsflowError):
    """An export target did not take what it was given."""

    exit_code = 8

    def __init__(self, message: str, *, fix: str = "", transient: bool = False) -> None:
        super().__init__(message, fix=fix)
        self.transient = transient


class ConverterStoppedError(PacsflowError):
    """A converter was stopped from outside, for want of memory or by a person. Nothing is known of the series."""

    exit_code = 9
    transient = True


class ServiceError(PacsflowError):
    """The service of pseudonyms cannot be asked, or does not answer as it should."""

    exit_code = 10

    def __init__(self, message: str, *, fix: str = "", transient: bool = False) -> None:
        super().__init__(message, fix=fix)
        self.transient = transient


class ServerError(PacsflowError):
    """Prefect's server does not answer, or a temporary one does not start."""

    exit_code = 11


class DifferenceError(PacsflowError):
    """What was delivered differs from what the originals give, or has no original."""

    exit_code = 12


class UnsupportedError(PacsflowError):
    """What this operating system does not have. The fix names those that have it."""

    exit_code = 13


class PolicyError(PacsflowError):
    """The policy of this machine does not let a project do what it says, or there is none where one is needed."""

    exit_code = 14


class RoomError(PacsflowError):
    """What is left to fetch or deliver does not fit where it goes. Nothing was asked for."""

    exit_code = 15


class PausedError(PacsflowError):
    """The node may not be asked at this hour. Nothing needs to be done: a later run goes on."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class BusyError(PacsflowError):
    """Another run is at work on the project. Nothing was done: try again when it has ended."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class WorkLeftError(PacsflowError):
    """The run ended, but rows are held, unmatched, incomplete or failed."""


class StoppedError(PacsflowError):
    """Stopped by a signal, as by Ctrl-C. What is done stays done."""

    def __init__(self, signal: int) -> None:
        super().__init__("stopped", fix="run it again and it goes on: only what is missing is asked for")
        self.exit_code = 128 + signal
