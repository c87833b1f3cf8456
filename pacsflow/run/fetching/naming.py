"""Rules for names are put to originals as they arrive, before they are cleaned: their answers are kept, no value."""

import warnings
import zlib
from contextlib import suppress
from io import BytesIO

from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from pacsflow.attributes import tag_for_keyword
from pacsflow.convert.bids_facts import answers, conditions
from pacsflow.dicom.contract import Received
from pacsflow.ledger import naming
from pacsflow.ledger.naming import Answered
from pacsflow.ledger.studies import Study
from pacsflow.run.conversion_rules import rules_for
from pacsflow.run.session import Session
from schemas.bids import Bids

_PIXELS = 0x7FE00008
_LAST = 2**62
"""Stands for the Instance Number of an original that has none."""


class Naming:
    """Asks the originals of a study: the one of the lowest Instance Number speaks for its series."""

    def __init__(self, run: Session, study: Study) -> None:
        self._run, self._study = run, study
        rules = {series.key: rules_for(run.project, series) for series in study.wanted}
        self._rules = {key: found for key, found in rules.items() if found and not run.identifiable}
        self._known = naming.answered(run.ledger, study.key) if self._rules else {}
        self._later: dict[str, Answered] = {}

    def ask(self, series: str, received: Received) -> None:
        """Have an original answer; what cannot be read answers nothing, and the cleaned header is asked in its place.

        The first answers of a series are written down at once, so that what is on disk has been asked.
        """
        if series not in self._rules:
            return
        with suppress(Exception):
            found = answer_of(series, self._rules[series], received)
            known = self._later.get(series) or self._known.get(series)
            if known is None:
                naming.note_answers(self._run.ledger, self._study.key, found)
                self._known[series] = found
            elif found.number < known.number or found.answers.keys() != known.answers.keys():
                self._later[series] = found

    def close(self) -> None:
        """Write down what originals said that came later."""
        for found in self._later.values():
            naming.note_answers(self._run.ledger, self._study.key, found)


def answer_of(series: str, rules: Bids, received: Received) -> Answered:
    """What one original answers."""
    wanted = {keyword for keyword, _ in conditions(rules)}
    header = _header(received, [tag for keyword in wanted if (tag := tag_for_keyword(keyword))])
    number = str(header.get("InstanceNumber") or "")
    return Answered(series, int(number) if number.isdecimal() else _LAST, answers(rules, header))


def _header(received: Received, tags: list[int]) -> Dataset:
    syntax, data = UID(received.transfer_syntax_uid), bytes(received.dataset)
    if syntax == DeflatedExplicitVRLittleEndian:
        data = zlib.decompress(data, -zlib.MAX_WBITS)
    needed = [*tags, 0x00200013, 0x00080005]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values in them may be anybody's
        return read_dataset(
            BytesIO(data),
            syntax.is_implicit_VR,
            syntax.is_little_endian,
            stop_when=lambda tag, *_: tag >= _PIXELS,
            specific_tags=needed,
        )
