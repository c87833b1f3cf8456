"""A-ASSOCIATE-RJ in words (PS3.8 9.3.4, Table 9-21): who rejects an association, why, and what to do."""

from dataclasses import dataclass
from typing import Any, Self

PERMANENT, TRANSIENT = 1, 2
_USER, _SERVICE, _PRESENTATION = 1, 2, 3

_WHY = {
    (_USER, 1): "no reason given",
    (_USER, 2): "application context name not supported",
    (_USER, 3): "calling AE title not recognised",
    (_USER, 7): "called AE title not recognised",
    (_SERVICE, 1): "no reason given, by its network layer",
    (_SERVICE, 2): "protocol version not supported",
    (_PRESENTATION, 1): "temporary congestion",
    (_PRESENTATION, 2): "local limit exceeded",
}


@dataclass(frozen=True)
class Rejection:
    """`result`, `source` and `reason` of an A-ASSOCIATE-RJ, and the AE titles of the request it answers."""

    result: int
    source: int
    reason: int
    calling: str
    called: str

    @classmethod
    def of(cls, answer: Any, *, calling: str, called: str) -> Self:
        """What pynetdicom's primitive of an answer says; what it leaves out is 0."""
        result, source, reason = answer.result, answer.result_source, answer.diagnostic
        return cls(int(result or 0), int(source or 0), int(reason or 0), calling=calling, called=called)

    @property
    def passes(self) -> bool:
        """Whether the same request may be accepted later."""
        return self.result != PERMANENT

    @property
    def crowded(self) -> bool:
        """Whether the node has too many associations for now."""
        return self.passes and self.source == _PRESENTATION

    @property
    def why(self) -> str:
        """The reason, and whether it lasts: `calling AE title not recognised (permanent)`."""
        unknown = f"a reason that DICOM does not define (source {self.source}, reason {self.reason})"
        lasting = {PERMANENT: "permanent", TRANSIENT: "transient"}.get(self.result, f"result {self.result}")
        return f"{_WHY.get((self.source, self.reason), unknown)} ({lasting})"

    def fix(self, computer: str, *, fewer: str = ", or with fewer associations (`limits.associations`)") -> str:
        """What to do about it; `computer` is the name of ours, `fewer` how to have fewer associations."""
        if (self.source, self.reason) == (_USER, 3):
            return (
                f"ask the PACS administrator to declare our AE title {self.calling} with this computer's address "
                f"({computer})"
            )
        if (self.source, self.reason) == (_USER, 7):
            return f"ask the PACS administrator for the node's AE title: {self.called} is not it"
        if self.passes:
            return f"try later{fewer}"
        return f"ask the PACS administrator to accept associations of {self.calling} to {self.called}"
