"""What the page shows beside the account: descriptions and pictures of delivered series. None of it can fail a run."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

from pacsflow.ledger import studies
from pacsflow.report.looking import Looker
from pacsflow.report.records import Look, RunSummary, StudyOutcome
from pacsflow.run.session import Session
from pacsflow.run.unexpected import fault_of

PICTURES = 24
LOOKED_AT = 1000
"""So many series are looked at for that many pictures: there are those that have none."""


def decorated(run: Session, summary: RunSummary) -> RunSummary:
    """The summary with the cleaned descriptions of its series, and middle slices of the first that have one.

    Identifiable images are not looked at. What cannot be read or shown leaves a gap.
    """
    if run.identifiable:
        return summary
    looks: dict[str, Look] = {}
    with Looker() as looker:
        decorator = _Decorator(run, looker)
        for study in takewhile(lambda _: decorator.goes_on, summary.studies):
            looks.update(decorator.study(study))
    return replace(summary, looks=looks)


class _Decorator:
    """Decorates study after study until enough pictures are shown."""

    def __init__(self, run: Session, looker: Looker) -> None:
        self._run, self._looker, self._left, self._looked = run, looker, PICTURES, 0

    @property
    def goes_on(self) -> bool:
        """Whether a further study may be shown: those without a picture are not, and each look costs time."""
        return self._left > 0 and self._looked < LOOKED_AT

    def study(self, study: StudyOutcome) -> Iterator[tuple[str, Look]]:
        held: dict[str, list[str]] = {}
        for instance in studies.instances(self._run.ledger, study.key, "held"):
            held.setdefault(instance.series_key, []).append(instance.path)
        yield from ((one.key, self._series(held.get(one.key, []))) for one in study.series)

    def _series(self, held: list[str]) -> Look:
        self._looked += 1
        try:
            seen = self._looker.look([self._run.staging / path for path in held], picture=self._left > 0)
        except BaseException as error:  # noqa: BLE001 a gap on the page, and no matter of the account
            fault_of(error, "decorated")
            seen = Look()
        self._left -= seen.picture is not None
        return seen
