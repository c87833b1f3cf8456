"""An image that several projects want is retrieved once: each takes it as it comes, in memory, by its own profile.

The project whose run retrieves is not disturbed by what another makes of an image: what goes wrong there ends that
part, and is asked for in the other project's own run, which says why.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Self

from pacsflow.dicom.contract import Received, Sink
from pacsflow.ledger import sharing, studies
from pacsflow.ledger.studies import Instance, Study
from pacsflow.run.barring import barred
from pacsflow.run.fetching.single_instances import narrowed
from pacsflow.run.session import Session
from pacsflow.staging import Stager, staging

Receiver = Callable[[Session, Study, Stager[Instance]], AbstractContextManager[Sink]]
"""Makes the sink of a study's images, as `Reception` is."""


@contextmanager
def handed_on(run: Session, study: Study, node: str, sink: Sink, receiver: Receiver) -> Iterator[Sink]:
    """The sink of a retrieval, which the projects beside this run that want images of the study hear, too."""
    with ExitStack() as stack:
        takers: list[_Taker] = []
        for other in run.beside:
            with suppress(Exception):  # its own run meets it again, and says it
                if other.project.pacs.place == run.node(node).place and (wanted := _wanted(other, study)):
                    takers.append(stack.enter_context(_Taker(other, wanted, receiver)))

        def each(received: Received) -> int:
            status = sink(received)
            for taker in takers:
                taker.take(received)
            return status

        yield each if takers else sink


def _wanted(other: Session, study: Study) -> Study | None:
    """The study as another project knows it, where it wants images of it and nobody is at work on it.

    Whom that project excludes may have changed since it was planned.
    """
    key = other.ledger.digest("study", study.uid)
    if barred(other.ledger, other.exclusions, study.patient_id, study.uid):
        return None
    planned = studies.planned(other.ledger, key)
    if not planned or all(plan.complete for plan in planned) or not studies.claim(other.ledger, key, other.owner):
        return None
    if sharing.staged_at(other.ledger, key, other.place) != other.place:
        studies.release(other.ledger, key, other.owner)
        return None
    return narrowed(other.project, studies.study(other.ledger, key))


class _Taker:
    """A project that takes images which another one retrieves; the study is leased to it meanwhile."""

    def __init__(self, other: Session, study: Study, receiver: Receiver) -> None:
        self._other, self._study, self._receiver = other, study, receiver
        self._stack = ExitStack()
        self._sink: Sink | None = None

    def __enter__(self) -> Self:
        other, study = self._other, self._study

        def settled(batch: list[Instance]) -> None:
            studies.note(other.ledger, study, batch)

        self._stack.callback(studies.release, other.ledger, study.key, other.owner)
        try:
            stager = self._stack.enter_context(staging(settled, mode=0o600 if other.identifiable else 0o666))
            self._sink = self._stack.enter_context(self._receiver(other, study, stager))
        except BaseException:
            self._stack.close()
            raise
        return self

    def take(self, received: Received) -> None:
        """Take an instance. A large one, which comes once and in pieces, is left to the project's own run."""
        if self._sink is None or received.rest is not None:
            return
        try:
            self._sink(received)
        except Exception:  # noqa: BLE001 it may name the patient, and the project's own run meets it again
            self._sink = None

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):
            self._stack.close()
